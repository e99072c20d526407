package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect/inspecttest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// TestDemoCounts: what is shown as nearest is what the service stored, and what is
// forgotten leaves nothing.
func TestDemoCounts(t *testing.T) {
	d, out := played(t)
	stored := storedProgress(t, d)
	near, over := (&standings{d.reader(), d.world}).nearest(t.Context(), 1_000)
	if len(near) < 5 || over == 0 {
		t.Fatalf("%d rows are near to a limit, %d at it", len(near), over)
	}
	var wantNear, wantOver int
	for _, progress := range stored {
		switch {
		case progress >= 1:
			wantOver++
		case progress >= 0.1:
			wantNear++
		}
	}
	if len(near) != wantNear || over != wantOver {
		t.Errorf("%d rows are below a limit and %d at it, stored are %d and %d", len(near), over, wantNear, wantOver)
	}
	for i, s := range near {
		if line := fmt.Sprintf("%s %s %s %.4f", s.Rule.ID, s.Rule.By, s.Subject, float64(s.Progress)/10_000); stored[line] == 0 {
			t.Errorf("%s is shown and not stored", line)
		}
		if i > 0 && near[i-1].Progress < s.Progress {
			t.Errorf("%s comes after %s", s.Subject, near[i-1].Subject)
		}
	}

	d.world.move(time.Now().Add(time.Hour)) // all end
	d.world.now = d.world.now.Add(time.Hour)
	d.forgetEnded(t.Context())
	for shard := range stream.DefaultShards {
		prefix := d.store.Keys().AppendRecordPrefix(nil, shard)
		err := d.store.Scan(t.Context(), shard, prefix[:len(prefix)-2], func(key []byte) bool {
			if text := string(key); strings.Contains(text, "inc-") || strings.Contains(text, "u-") {
				t.Errorf("%s is left", text)
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if v := d.recount.verdict; len(v.differences) > 0 || v.counts == 0 || v.crossings == 0 || v.events == 0 {
		t.Errorf("recounted before it was forgotten: %s", v.text())
	}
	if err := d.prove(t.Context()); err != nil {
		t.Errorf("%v:\n%s", err, out.String())
	}
	if strings.Contains(out.String(), "level=") {
		t.Errorf("something was complained about:\n%s", out.String())
	}
}

// played is a demo that has shown crossings of incidents and accounts, and has stopped.
func played(t *testing.T) (*demo, *output) {
	t.Helper()
	out := &output{}
	d, err := start(Options{
		Rate: 500, Seed: 1, Pack: pack(t), Registry: prometheus.NewRegistry(), Out: out, Err: out,
		Serve: func(ctx context.Context, s *stream.Service, _ *httpserver.Readiness, _ *slog.Logger) error {
			return s.Run(ctx)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- d.serve(ctx) }()
	out.await(t, "art3-accounts: incident")
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return d, out
}

// storedProgress is how near every subject is to every rule's limit, a line each, by what is stored.
func storedProgress(t *testing.T, d *demo) map[string]float64 {
	t.Helper()
	stored := map[string]float64{}
	note := func(line []byte) bool {
		var c struct {
			Rule, By, Subject string
			Progress          float64
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		stored[fmt.Sprintf("%s %s %s %.4f", c.Rule, c.By, c.Subject, c.Progress)] = c.Progress
		return true
	}
	if err := inspecttest.Counts(t.Context(), d.reader(), note); err != nil {
		t.Fatal(err)
	}
	return stored
}

// pack is the built-in pack that the program's demo has.
func pack(t *testing.T) *thresholds.Pack {
	t.Helper()
	const name = "cn-2019-15"
	data, _ := thresholds.Builtin(name)
	p, faults := thresholds.Parse(name, data, thresholds.Options{})
	if p == nil {
		t.Fatal(faults)
	}
	return p
}

// output is what the demo prints.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits until a text was printed.
func (o *output) await(t *testing.T, text string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !strings.Contains(o.String(), text) {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("no %q in:\n%s", text, o.String())
		}
	}
}
