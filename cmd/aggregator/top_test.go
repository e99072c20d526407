//go:build unix

package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/seed-afe14ff2/aggregator/internal/client/clienttest"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestTopOnTerminal: on a terminal top goes on until q is pressed, in colours if they are wanted; on one that knows only lines it prints once.
func TestTopOnTerminal(t *testing.T) {
	s := clienttest.New(t)
	on := func(press string, environ []string, args ...string) string {
		t.Helper()
		keys, term, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer keys.Close()
		if err := pty.Setsize(keys, &pty.Winsize{Rows: 24, Cols: 120}); err != nil {
			t.Fatal(err)
		}
		var shown servers.Output
		read, ended := make(chan struct{}), make(chan int, 1)
		go func() {
			defer close(read)
			_, _ = io.Copy(&shown, keys) // it ends with an error when the program's side is closed
		}()
		go func() {
			ended <- run(t.Context(), append([]string{"top", "-addr", s.URL}, args...), term, term, os.Stderr, environ)
		}()
		shown.Await(t, limit, "a row", func(text string) bool { return strings.Contains(text, "inc-2026-1187") })
		if _, err := io.WriteString(keys, press); err != nil {
			t.Fatal(err)
		}
		if code := <-ended; code != exitFine {
			t.Errorf("%q: got %d", environ, code)
		}
		term.Close()
		<-read
		return shown.String()
	}
	if got := on("q", []string{"TERM=xterm"}); !strings.Contains(got, "\x1b[?1049h") || !strings.Contains(got, "\x1b[?1049l") || !strings.Contains(got, "\x1b[31m") {
		t.Errorf("got %q", got)
	}
	if got := on("q", []string{"TERM=xterm", "NO_COLOR=1"}); !strings.Contains(got, "\x1b[?1049l") || strings.Contains(got, "\x1b[31m") {
		t.Errorf("got %q", got)
	}
	for _, environ := range [][]string{nil, {"TERM=dumb"}} {
		if got := on("", environ); strings.Contains(got, "\x1b") {
			t.Errorf("%q: got %q", environ, got)
		}
	}
	if got := on("", []string{"TERM=xterm"}, "-o", "json"); strings.Contains(got, "\x1b") {
		t.Errorf("json: got %q", got)
	}
}
