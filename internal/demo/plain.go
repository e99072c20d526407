package demo

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// plainView prints each crossing as a line on stdout, and how it goes on stderr.
type plainView struct {
	mu       sync.Mutex
	out, err io.Writer
}

const statusEvery = 5 * time.Second

func (v *plainView) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err.Write(p)
}

func (v *plainView) announce(a crossing) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintf(v.out, "%s %-8s level %-3s %s: %s\n", a.Detected.UTC().Format("15:04:05.000"), a.Severity, a.Level, a.Rule, a.Summary)
}

func (v *plainView) run(ctx context.Context, d *demo) {
	fmt.Fprintf(v, "demo: board at http://%s/; seed %d; Ctrl-C stops it\n", d.web.Addr, d.Seed)
	c := &standings{d.reader(), d.world}
	events := 0
	retry.Every(ctx, statusEvery, func(time.Time) {
		f := readFigures(d.Registry)
		rate := float64(f.events("")-events) / statusEvery.Seconds()
		events = f.events("")
		line := fmt.Sprintf("demo: %s, %s/s, crossings %s", humanize.Count(events, "event"), humanize.Number(int(rate)), humanize.Number(f.of("crossings_total")))
		if near, _ := c.nearest(ctx, 1); len(near) > 0 {
			line += "; nearest: " + standingText(&near[0])
		}
		fmt.Fprintln(v, line)
	})
}

func (v *plainView) end(d *demo) { v.tell(d.closing()) }

func (v *plainView) tell(line string) { fmt.Fprintln(v, line) }
