//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package terminal

import "golang.org/x/sys/unix"

// The requests that read how a terminal is set, and that set it. The second one drops what was
// pressed and not read.
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETAF
)
