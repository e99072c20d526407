package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/terminal"
)

// screen draws the demo on a terminal, over and over in place, on the alternate screen. At the end
// what was there before comes back, and below it stands what was seen last.
type screen struct {
	in    io.Reader
	out   io.Writer
	plain bool // no styles
	size  func() (columns, rows int)

	mu        sync.Mutex
	crossings []crossing // the newest last
	seen      int        // of all crossings
	note      string     // the last line of the log
	last      picture    // the one that was drawn last
}

const (
	drawEvery = 250 * time.Millisecond
	// keptCrossings are enough for the tallest terminal.
	keptCrossings = 200
)

func newScreen(o *Options) *screen {
	return &screen{in: o.In, out: o.Out, plain: o.NoColour, size: func() (int, int) { return terminal.Size(o.Out) }}
}

func (v *screen) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.note = strings.TrimSpace(string(p))
	return len(p), nil
}

func (v *screen) announce(a crossing) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen++
	if len(v.crossings) == keptCrossings {
		v.crossings = v.crossings[:copy(v.crossings, v.crossings[1:])]
	}
	v.crossings = append(v.crossings, a)
}

func (v *screen) run(ctx context.Context, d *demo) {
	read, restore, ok := terminal.ReadKeys(v.in)
	ends := "Ctrl-C"
	if ok {
		defer restore()
		ends = "q"
	}
	fmt.Fprintf(v.out, "demo: board at http://%s/\n%s", d.web.Addr, enter) // the line stays when the screen is left
	c := &standings{d.reader(), d.world}
	var s speed
	retry.Every(ctx, drawEvery, func(time.Time) {
		if ok && bytes.ContainsAny(read(), "qQ") {
			d.quit()
		}
		columns, rows := v.size()
		f := readFigures(d.Registry)
		near, over := c.nearest(ctx, max(3, (rows-8)/3))
		p := picture{
			figures: f, rate: s.of(f.events(""), time.Now()), addr: d.web.Addr, passed: time.Since(d.began), ends: ends, plain: v.plain,
			near: near, over: over, seed: d.Seed, keys: d.store.Len(), bytes: d.store.Bytes(),
		}
		v.mu.Lock()
		p.crossings, p.note = v.crossings, v.note
		text := p.draw(columns, rows)
		v.last = p
		v.mu.Unlock()
		fmt.Fprint(v.out, text)
	})
}

// end leaves on the usual screen what was seen last.
func (v *screen) end(d *demo) {
	columns, _ := v.size()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last.crossings, v.last.plain = v.crossings, v.plain
	fmt.Fprint(v.out, leave+v.last.rest(columns, v.seen)+d.closing()+"\n")
}

func (v *screen) tell(line string) { fmt.Fprintln(v.out, line) }
