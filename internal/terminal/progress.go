package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// ProgressBar shows how far a long task is, in one line that is drawn again and again. Nothing is shown where there is no
// terminal.
type ProgressBar struct {
	w      io.Writer // nil: not a terminal
	size   int64     // to read, in bytes or whatever is read; 0: not known
	things string    // what is counted
	began  time.Time
	drawn  time.Time // the last time
	shown  bool      // the line is on the terminal now
}

// NewProgressBar begins a task that reads size (0: not known) and counts things.
func NewProgressBar(w io.Writer, size int64, things string) *ProgressBar {
	b := &ProgressBar{size: size, things: things, began: time.Now()}
	if Is(w) {
		b.w = w
	}
	return b
}

// drawEvery is how often the line is drawn.
const drawEvery = 200 * time.Millisecond

// Lines draws the line, if it is time to. The clock is looked at once in 256 lines.
func (b *ProgressBar) Lines(lines int, read int64) {
	if b.w == nil || lines%256 != 0 {
		return
	}
	b.draw(lines, read)
}

// Part draws the line of a task that is done up to a part, if it is time to.
func (b *ProgressBar) Part(done, all int64) {
	if b.w != nil {
		b.size = all
		b.draw(int(done), done)
	}
}

func (b *ProgressBar) draw(lines int, read int64) {
	now := time.Now()
	if now.Sub(b.drawn) < drawEvery {
		return
	}
	b.drawn, b.shown = now, true
	fmt.Fprint(b.w, "\r"+b.line(lines, read, now.Sub(b.began))+"\x1b[K")
}

// line is the text after some time: how much is done, how fast, and how long the
// rest takes at that speed.
func (b *ProgressBar) line(lines int, read int64, passed time.Duration) string {
	rate := int(float64(lines) / max(passed.Seconds(), 1e-3))
	text := fmt.Sprintf("%s %s, %s/s", humanize.Number(lines), b.things, humanize.Number(rate))
	if b.size == 0 || read == 0 {
		return text
	}
	const width = 20
	done := float64(min(read, b.size)) / float64(b.size)
	full := int(done * width)
	left := time.Duration(float64(passed) * (1 - done) / done).Round(time.Second)
	return fmt.Sprintf("[%s%s] %3.0f %%  %s, %s left", strings.Repeat("#", full), strings.Repeat(".", width-full), done*100, text, left)
}

// Clear takes the line away, for other output to stand in its place.
func (b *ProgressBar) Clear() {
	if b.shown {
		fmt.Fprint(b.w, "\r\x1b[K")
		b.shown = false
	}
}
