package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect/inspecttest"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// limitPack counts clicks up to a limit, and with a second rule its counters have other numbers.
func limitPack(limit int, second string) string {
	return fmt.Sprintf(`
pack: p
measures:
  clicks: {sum: count, types: [click]}
  orders: {sum: count, types: [order]}
rules:
%s  - {id: clicks, by: incident, window: 12h, step: 1m, limits: {clicks: %d}, levels: [1]}
`, second, limit)
}

// TestReload: a running service takes other rules: counts go on, the limit is the new one from the subject's next event, the evidence
// names the new pack, and nobody has left the group.
func TestReload(t *testing.T) {
	r := newRig(t, 2, compile(t, limitPack(100, "")))
	store := windowstore.NewMem(DefaultShards)
	p := r.start(store, func(o *Options) { o.ListMost = 100 })
	at := time.Now().Add(-time.Hour)
	click := func(n int) sentEvent {
		return eventOf(fmt.Sprint("c", n), "click", at.Add(time.Duration(n)*time.Second))
	}
	for n := range 5 {
		r.send(0, click(n))
	}
	r.counted()
	before := p.s.generations
	next := compile(t, limitPack(6, "  - {id: orders, by: incident, window: 6h, step: 1m, limits: {orders: 3, clicks: 50}, combine: all}\n"))
	if err := p.s.Reload(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	r.send(0, click(5))
	r.counted()
	eventually(t, time.Minute, func() bool { return len(r.crossings()) > 0 })
	for _, want := range []string{next.Packs()[0].Hash, `"value":6,"limit":6`} {
		if got := r.crossings()[0]; !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	if now := p.s.generations; now != before {
		t.Errorf("%d generations, %d before", now, before)
	}
	x, err := inforce.Kept{Store: store}.Index(t.Context())
	if err != nil || len(x.Rules) != 2 || len(x.Packs) != 2 {
		t.Errorf("kept are %+v, %v", x, err)
	}
	if note, err := p.s.Packs(); err != nil || !strings.Contains(note, next.Packs()[0].Hash[:12]) {
		t.Errorf("in force is said to be %q, %v", note, err)
	}
	eventually(t, time.Minute, func() bool { // the lists are those of the new rules
		n, err := store.CountRows(t.Context(), allRows("clicks")...)
		return err == nil && sum(n) == 1
	})
	p.end(t)
	var lines []string
	err = inspecttest.Counts(t.Context(), &inspect.Reader{Program: next, Store: store, Shards: DefaultShards}, func(line []byte) bool {
		lines = append(lines, string(line))
		return true
	})
	if err != nil || len(lines) != 2 || !strings.Contains(lines[0], `"value":6`) {
		t.Errorf("counted %q, %v", lines, err)
	}
}

func allRows(rule string) (asked []windowstore.RowsCounted) {
	for n := range DefaultShards {
		asked = append(asked, windowstore.RowsCounted{Shard: n, Rule: rule})
	}
	return asked
}

func sum(list []int) (n int) {
	for _, x := range list {
		n += x
	}
	return n
}

// crossings are those in the topic, as they were published.
func (r *rig) crossings() (all []string) {
	for _, list := range r.read("crossings") {
		for _, m := range list {
			all = append(all, string(m.Value))
		}
	}
	return all
}

// TestReloadBefore: a service that has not begun is asked to reload, in vain as long as there is no Kafka topic; and a program that
// it cannot decide by does not end it.
func TestReloadBefore(t *testing.T) {
	r := newRig(t, 1, compile(t, limitPack(3, "")))
	r.kafka.Events = []string{"missing"}
	p := r.start(windowstore.NewMem(DefaultShards), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := p.s.Reload(ctx, r.program); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
