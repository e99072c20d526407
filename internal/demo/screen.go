package demo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/terminal"
)

// screen draws the demo on a terminal, over and over in place, on the
// alternate screen: what was there before comes back at the end.
type screen struct {
	out  io.Writer
	size func() (columns, rows int)

	mu        sync.Mutex
	crossings []crossing // the newest last
	note      string     // the last line of the log
}

const (
	drawEvery = 250 * time.Millisecond
	// keptCrossings are enough for the tallest terminal.
	keptCrossings = 200
)

func newScreen(out io.Writer) *screen {
	return &screen{out: out, size: func() (int, int) { return terminal.Size(out) }}
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
	if len(v.crossings) == keptCrossings {
		v.crossings = v.crossings[:copy(v.crossings, v.crossings[1:])]
	}
	v.crossings = append(v.crossings, a)
}

func (v *screen) run(ctx context.Context, d *demo) {
	fmt.Fprint(v.out, enter)
	c := &standings{d.reader(), d.world}
	var s speed
	retry.Every(ctx, drawEvery, func(time.Time) {
		columns, rows := v.size()
		f := readFigures(d.Registry)
		p := picture{
			figures: f, rate: s.of(f.events(""), time.Now()), addr: d.web.Addr, passed: time.Since(d.began),
			near: c.nearest(ctx, max(3, (rows-8)/3)), seed: d.Seed, keys: d.store.Len(), bytes: d.store.Bytes(),
		}
		v.mu.Lock()
		p.crossings, p.note = v.crossings, v.note
		text := p.draw(columns, rows)
		v.mu.Unlock()
		fmt.Fprint(v.out, text)
	})
}

func (v *screen) end(d *demo) { fmt.Fprint(v.out, leave+d.closing()+"\n") }
