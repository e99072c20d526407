//go:build unix

package console

import (
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/client/clienttest"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// limit is how long a test waits for anything. Nothing comes near it that works.
const limit = time.Minute

// viewer is who looks at a terminal.
type viewer struct {
	t     *testing.T
	keys  *os.File // what is pressed, and what is shown
	term  *os.File // what the program has
	mu    sync.Mutex
	shown strings.Builder
}

func newViewer(t *testing.T, rows, columns uint16) *viewer {
	t.Helper()
	keys, term, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	v := &viewer{t: t, keys: keys, term: term}
	v.resize(rows, columns)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for b := make([]byte, 4096); ; {
			n, err := keys.Read(b)
			v.mu.Lock()
			v.shown.Write(b[:n])
			v.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { term.Close(); <-ended; keys.Close() })
	return v
}

func (v *viewer) resize(rows, columns uint16) {
	v.t.Helper()
	if err := pty.Setsize(v.keys, &pty.Winsize{Rows: rows, Cols: columns}); err != nil {
		v.t.Fatal(err)
	}
}

// await waits until what is shown after some bytes holds a text, and returns how much was shown then.
func (v *viewer) await(after int, text string) int {
	v.t.Helper()
	var shown string
	if !servers.Within(limit, 5*time.Millisecond, func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		shown = v.shown.String()
		return strings.Contains(shown[after:], text)
	}) {
		v.t.Fatalf("no %q, at last in %q", text, shown[max(after, len(shown)-2000):])
	}
	return len(shown)
}

// TestTop: it shows what there is, follows changes and sizes, keeps what it had while there is no answer, and leaves the terminal as it was.
func TestTop(t *testing.T) {
	s := clienttest.New(t)
	c, err := client.New(s.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	v := newViewer(t, 8, 120)
	ended := make(chan error, 1)
	top := &Top{Client: c, Every: 20 * time.Millisecond, In: v.term, Out: v.term, Colour: true}
	go func() { ended <- top.Run(t.Context()) }()
	at := v.await(0, "inc-2026-1187")
	v.await(0, "\x1b[?1049h")
	v.await(0, "q ends it")

	s.Set(func(a *clienttest.Answers) {
		a.Rows = []clienttest.Object{clienttest.Row("art3-clicks", "newcomer", 0.5, 0.5, nil, nil, clienttest.Object{"clicks": clienttest.Measured(25_000, 50_000)})}
	})
	at = v.await(at, "newcomer")
	s.Set(func(a *clienttest.Answers) {
		a.Refusal = &clienttest.Refusal{Status: 503, Detail: "redis does not answer", After: 5}
	})
	at = v.await(at, "no answer since then: redis does not answer")
	v.await(at, "newcomer")
	s.Set(func(a *clienttest.Answers) { a.Refusal = nil })
	at = v.await(at, "not a finding.")
	v.resize(8, 54)
	at = v.await(at, "A crossing is a prompt for a person to look, not a fi…")
	if _, err := io.WriteString(v.keys, "xq"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	at = v.await(at, "\x1b[?25h\x1b[?1049l")
	v.await(at-300, "incident newcomer\x1b[0m\r\n") // and stays
}

// TestTopEnds: a signal ends it as q does, and what is wrong at first is its error.
func TestTopEnds(t *testing.T) {
	s := clienttest.New(t)
	c, err := client.New(s.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	v := newViewer(t, 24, 80)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	top := &Top{Client: c, Every: time.Hour, In: strings.NewReader(""), Out: v.term}
	go func() { ended <- top.Run(ctx) }()
	at := v.await(0, "Ctrl-C ends it")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	v.await(at, "\x1b[?1049l")
	s.Set(func(a *clienttest.Answers) { a.Token = "a token" })
	if err := top.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "wants a token") {
		t.Errorf("got %v", err)
	}
}
