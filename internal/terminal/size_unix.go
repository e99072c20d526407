//go:build unix

package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

// windowSize asks the terminal's driver. A terminal that does not know its size has 80 by 24, as
// terminals once had.
func windowSize(f *os.File) (columns, rows int) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	switch {
	case err != nil:
		return 0, 0
	case size.Col == 0 || size.Row == 0:
		return 80, 24
	}
	return int(size.Col), int(size.Row)
}
