//go:build !linux

package e2e

import "syscall"

// daemonAttr has no death signal here: a daemon outlives a test process that was killed.
func daemonAttr() *syscall.SysProcAttr { return nil }
