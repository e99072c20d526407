//go:build unix

package terminal

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// TestScreen: a picture is drawn in place, keys are told, and the terminal is as before in the end.
func TestScreen(t *testing.T) {
	keys, term, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	defer term.Close()
	if err := pty.Setsize(keys, &pty.Winsize{Rows: 3, Cols: 40}); err != nil {
		t.Fatal(err)
	}
	before, err := unix.IoctlGetTermios(int(term.Fd()), getTermios)
	if err != nil {
		t.Fatal(err)
	}
	s := OpenScreen(term, term)
	if columns, rows := s.Size(); columns != 40 || rows != 3 || !s.HasKeys() || s.Pressed("q") {
		t.Errorf("got %d, %d, keys: %v", columns, rows, s.HasKeys())
	}
	if err := s.Draw([]string{"one", "two"}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(keys, "abQ"); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(time.Minute); !s.Pressed("qQ"); {
		if time.Now().After(until) {
			t.Fatal("the key was not told")
		}
	}
	if s.Pressed("qQ") {
		t.Error("the key is told twice")
	}
	s.Close()
	after, err := unix.IoctlGetTermios(int(term.Fd()), getTermios)
	if err != nil || *after != *before {
		t.Errorf("the terminal was %+v, and is %+v (%v)", before, after, err)
	}
	if _, err := io.WriteString(term, "\nend\n"); err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for r := bufio.NewReader(keys); !strings.HasSuffix(shown.String(), "end\r\n"); {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		shown.WriteString(line)
	}
	want := "\x1b[?1049h\x1b[?25l\x1b[Hone\x1b[K\r\r\ntwo\x1b[K\x1b[J\x1b[?25h\x1b[?1049l\r\nend\r\n"
	if shown.String() != want {
		t.Errorf("shown is %q, want %q", shown.String(), want)
	}
}

// TestScreenWithoutKeys: where no keys are, none is pressed.
func TestScreenWithoutKeys(t *testing.T) {
	var out strings.Builder
	s := OpenScreen(strings.NewReader("q"), &out)
	if s.HasKeys() || s.Pressed("q") {
		t.Error("a text has keys")
	}
	s.Close()
	if out.String() != enter+leave {
		t.Errorf("got %q", out.String())
	}
}
