//go:build unix

package terminal

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// TestReadKeys: keys come without a line's end, reading never waits, and the terminal is as before in the end.
func TestReadKeys(t *testing.T) {
	keys, term, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	defer term.Close()
	before, err := unix.IoctlGetTermios(int(term.Fd()), getTermios)
	if err != nil {
		t.Fatal(err)
	}
	read, restore, ok := ReadKeys(term)
	if !ok {
		t.Fatal("no keys of a terminal")
	}
	if got := read(); len(got) > 0 {
		t.Errorf("nothing was pressed, and got %q", got)
	}
	if _, err := io.WriteString(keys, "aq"); err != nil {
		t.Fatal(err)
	}
	var got string
	for until := time.Now().Add(time.Minute); got != "aq" && time.Now().Before(until); {
		got += string(read())
	}
	if got != "aq" {
		t.Errorf("got %q", got)
	}
	restore()
	after, err := unix.IoctlGetTermios(int(term.Fd()), getTermios)
	if err != nil || *after != *before {
		t.Errorf("the terminal was %+v, and is %+v (%v)", before, after, err)
	}
}

// TestReadKeysElsewhere: what is no terminal has no keys.
func TestReadKeysElsewhere(t *testing.T) {
	if _, _, ok := ReadKeys(strings.NewReader("q")); ok {
		t.Error("a text has keys")
	}
	if _, _, ok := ReadKeys(nil); ok {
		t.Error("nothing has keys")
	}
}
