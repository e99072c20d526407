package stream

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/verify"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// ordersPack counts clicks and, if there is a rule of them, orders.
func ordersPack(rule string) string {
	return `
pack: p
measures:
  clicks: {sum: count, types: [click]}
  orders: {sum: count, types: [order]}
rules:
  - {id: clicks, by: incident, window: 12h, step: 1m, limits: {clicks: 200}}
` + rule
}

// eventOf is an event of incident A.
func eventOf(id, kind string, at time.Time) sentEvent {
	return sentEvent{millis: at.UnixMilli(), value: fmt.Appendf(nil, `{"id":%q,"time":%q,"incident":"A","type":%q}`, id, at.Format(time.RFC3339Nano), kind)}
}

// TestSinceOfWhatNobodyTook: a counter that begins with other packs lacks events that no rule took before, though these are later than all that
// one took. It says so, and verify finds no difference.
func TestSinceOfWhatNobodyTook(t *testing.T) {
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	r := newRig(t, 1, compile(t, ordersPack("  - {id: none, by: incident, window: 12h, step: 1m, limits: {clicks: 300}}\n")))
	store := windowstore.NewMem(DefaultShards)
	p := r.start(store, nil)
	r.send(0, eventOf("c1", "click", at), eventOf("o1", "order", at.Add(2*time.Hour)), eventOf("o2", "order", at.Add(2*time.Hour+time.Minute)))
	r.counted()
	p.end(t)
	r.program = compile(t, ordersPack("  - {id: orders, by: incident, window: 12h, step: 1m, limits: {orders: 2}, levels: [1]}\n"))
	p = r.start(store, nil)
	r.send(0, eventOf("o3", "order", at.Add(3*time.Hour)), eventOf("o4", "order", at.Add(3*time.Hour+time.Minute)))
	r.counted()
	p.end(t)
	if _, found := r.verified(store, func(o *verify.Options) { o.Program = r.program }); len(found) > 0 {
		t.Errorf("differences: %+v", found)
	}
}

// TestNothingWaitsForCanaries: the service is ready without the topic of canaries.
func TestNothingWaitsForCanaries(t *testing.T) {
	r := newRig(t, 1, compile(t, outboxPack))
	k := r.kafka
	k.Canary = "canaries" // it is not there
	p := r.start(windowstore.NewMem(DefaultShards), func(o *Options) { o.Kafka = k })
	r.send(0, eventOf("c1", "click", time.Now()))
	r.counted()
	eventually(t, time.Minute, func() bool {
		_, err := p.s.Membership()
		return err == nil && p.s.Kafka() == nil && p.s.Topics() == nil
	})
}
