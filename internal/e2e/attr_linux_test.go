package e2e

import "syscall"

// daemonAttr makes the kernel kill a daemon when the test process dies, however it dies.
func daemonAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
