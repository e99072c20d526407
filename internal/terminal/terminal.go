package terminal

import (
	"io"
	"os"
)

// Is reports whether w is a terminal.
func Is(w io.Writer) bool {
	columns, _ := Size(w)
	return columns > 0
}

// Size is how many columns and rows the terminal w has; 0 if w is no terminal.
func Size(w io.Writer) (columns, rows int) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, 0
	}
	return windowSize(f)
}
