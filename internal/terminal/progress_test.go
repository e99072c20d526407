package terminal

import (
	"strings"
	"testing"
	"time"
)

// TestProgressBar: the line that a terminal shows.
func TestProgressBar(t *testing.T) {
	f := func(size int64, lines int, read int64, passed time.Duration, want string) {
		t.Helper()
		b := &ProgressBar{size: size, things: "lines"}
		if got := b.line(lines, read, passed); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(0, 1_234_567, 99, 2*time.Second, "1,234,567 lines, 617,283/s")
	f(1000, 50, 250, time.Second, "[#####...............]  25 %  50 lines, 50/s, 3s left")
	f(1000, 50, 2000, time.Second, "[####################] 100 %  50 lines, 50/s, 0s left")
	f(1000, 0, 0, 0, "0 lines, 0/s")
}

// TestNoTerminal: what is no terminal has no size, and nothing is drawn there.
func TestNoTerminal(t *testing.T) {
	var b strings.Builder
	if columns, rows := Size(&b); columns != 0 || rows != 0 || Is(&b) {
		t.Errorf("got %d, %d", columns, rows)
	}
	bar := NewProgressBar(&b, 1_000, "lines")
	bar.Lines(256, 10)
	bar.Part(1, 2)
	bar.Clear()
	if b.Len() > 0 {
		t.Errorf("drawn: %q", b.String())
	}
}
