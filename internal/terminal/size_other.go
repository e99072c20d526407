//go:build !unix

package terminal

import "os"

// windowSize knows no terminals: output is plain.
func windowSize(*os.File) (columns, rows int) { return 0, 0 }
