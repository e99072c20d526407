package main

import (
	"io"
	"os"
)

// isTerminal says whether w is a terminal.
func isTerminal(w io.Writer) bool {
	columns, _ := terminalSize(w)
	return columns > 0
}

// terminalSize is how many columns and rows the terminal w has; 0 if it is none.
func terminalSize(w io.Writer) (columns, rows int) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, 0
	}
	return windowSize(f)
}
