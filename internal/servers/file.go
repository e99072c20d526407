package servers

import (
	"os"
	"path/filepath"
	"testing"
)

// WriteFile makes a file in a directory of the test's own, and returns its path.
func WriteFile(tb testing.TB, name, text string) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}
