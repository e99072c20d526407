//go:build unix

package terminal

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ReadKeys makes the terminal in give keys as they are pressed, and not show them, until restore is
// called. Signals stay: Ctrl-C interrupts. read returns what was pressed since, and never waits. ok
// is false if in is no terminal, or if another program of its session is in front.
func ReadKeys(in io.Reader) (read func() []byte, restore func(), ok bool) {
	f, isFile := in.(*os.File)
	if !isFile || !Is(f) {
		return nil, nil, false
	}
	fd := int(f.Fd())
	// Whoever is not in front is stopped if it changes the terminal.
	if front, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err == nil && front != unix.Getpgrp() {
		return nil, nil, false
	}
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, nil, false
	}
	now := *before
	now.Lflag &^= unix.ICANON | unix.ECHO
	now.Cc[unix.VMIN], now.Cc[unix.VTIME] = 0, 0
	if err := unix.IoctlSetTermios(fd, setTermios, &now); err != nil {
		return nil, nil, false
	}
	read = func() []byte {
		keys := make([]byte, 64)
		n, err := unix.Read(fd, keys)
		if err != nil {
			return nil // the terminal has gone, or has nothing
		}
		return keys[:n]
	}
	restore = func() { _ = unix.IoctlSetTermios(fd, setTermios, before) } // or the terminal has gone
	return read, restore, true
}
