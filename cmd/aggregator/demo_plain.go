package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream"
)

// newView shows the demo on a terminal, or plainly where there is none.
func newView(s *session) view {
	if isTerminal(s.out) {
		return newScreen(s)
	}
	return &plainView{out: s.out, err: s.err}
}

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

func (v *plainView) announce(a announced) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintf(v.out, "%s %-8s level %-3s %s: %s\n", a.Detected.UTC().Format("15:04:05.000"), a.Severity, a.Level, a.Rule, a.Summary)
}

func (v *plainView) run(ctx context.Context, d *demo) {
	fmt.Fprintf(v, "demo: metrics at http://%s/metrics; seed %d; Ctrl-C stops it\n", d.web.Addr, d.seed)
	c := &counts{d.program, d.store, d.world}
	events := 0
	every(ctx, statusEvery, func() {
		f := readFigures(d.registry)
		rate := float64(f.events("")-events) / statusEvery.Seconds()
		events = f.events("")
		line := fmt.Sprintf("demo: %s, %s/s, crossings %s", counted(events, "event"), grouped(int(rate)), grouped(f.of("crossings_total")))
		if near := c.nearest(ctx, 1); len(near) > 0 {
			line += "; nearest: " + standingText(&near[0])
		}
		fmt.Fprintln(v, line)
	})
}

func (v *plainView) end(d *demo) { fmt.Fprintln(v, d.closing()) }

// standingText is a subject's standing in words: incident inc-1, art3-clicks: 52 %, 26,000 of 50,000 clicks.
func standingText(s *stream.Standing) string {
	return fmt.Sprintf("%s %s, %s: %d %%, %s", s.Rule.By, s.Subject, s.Rule.ID, s.Progress/100, nearestMeasure(s))
}

// nearestMeasure is the measure of a standing that is nearest to its own limit.
func nearestMeasure(s *stream.Standing) string {
	best, most := 0, -1.0
	for i, v := range s.Values {
		if share := float64(v.Value) / float64(s.Rule.Limits[i].Value); share > most {
			best, most = i, share
		}
	}
	l := s.Rule.Limits[best]
	return fmt.Sprintf("%s of %s %s", grouped(int(s.Values[best].Value)), grouped(int(l.Value)), l.Measure.Name)
}
