package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// bar shows how far a long task is, in one line that is drawn again and again, on a
// terminal only.
type bar struct {
	w     io.Writer // nil: not a terminal
	size  int64     // to read, in bytes or whatever is read; 0: not known
	thing string    // what is counted
	began time.Time
	drawn time.Time
	on    bool // the line stands there now
}

func newBar(w io.Writer, size int64) *bar {
	b := &bar{size: size, thing: "lines", began: time.Now()}
	if isTerminal(w) {
		b.w = w
	}
	return b
}

// barEvery is how often the line is drawn.
const barEvery = 200 * time.Millisecond

// show draws the line, if it is time to. The clock is looked at once in 256 lines.
func (b *bar) show(lines int, read int64) {
	if b.w == nil || lines%256 != 0 {
		return
	}
	b.draw(lines, read)
}

// part draws the line of a task that is done up to a part, if it is time to.
func (b *bar) part(done, all int64) {
	if b.w != nil {
		b.size = all
		b.draw(int(done), done)
	}
}

func (b *bar) draw(lines int, read int64) {
	now := time.Now()
	if now.Sub(b.drawn) < barEvery {
		return
	}
	b.drawn, b.on = now, true
	fmt.Fprint(b.w, "\r"+b.line(lines, read, now.Sub(b.began))+"\x1b[K")
}

// line is the text after some time: how much is done, how fast, and how long the
// rest takes at that speed.
func (b *bar) line(lines int, read int64, passed time.Duration) string {
	rate := int(float64(lines) / max(passed.Seconds(), 1e-3))
	text := fmt.Sprintf("%s %s, %s/s", grouped(lines), b.thing, grouped(rate))
	if b.size == 0 || read == 0 {
		return text
	}
	const width = 20
	done := float64(min(read, b.size)) / float64(b.size)
	full := int(done * width)
	left := time.Duration(float64(passed) * (1 - done) / done).Round(time.Second)
	return fmt.Sprintf("[%s%s] %3.0f %%  %s, %s left", strings.Repeat("#", full), strings.Repeat(".", width-full), done*100, text, left)
}

// clear takes the line away, for other output to stand in its place.
func (b *bar) clear() {
	if b.on {
		fmt.Fprint(b.w, "\r\x1b[K")
		b.on = false
	}
}

// grouped writes n with separators: 50,000.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted is a number of things: 1 event, 2,000 events.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return grouped(n) + " " + thing + "s"
}
