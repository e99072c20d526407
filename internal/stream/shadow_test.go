package stream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// newShadowRig is a rig whose crossings of shadow rules have a topic, of other partitions than the others'.
func newShadowRig(t *testing.T, partitions int, pack string) *rig {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(int32(partitions), "events"), kfake.SeedTopics(3, "crossings", "events.dlq"), kfake.SeedTopics(2, "shadow"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &rig{
		tb: t, cluster: c, parts: partitions, program: compile(t, pack), sent: make([][]sentEvent, partitions),
		kafka: Kafka{Brokers: c.ListenAddrs(), Group: "g", Events: []string{"events"}, Crossings: "crossings", Shadow: "shadow"},
	}
}

// tried is a pack some of whose rules, by their places, are shadow rules.
func tried(pack string, shadow func(rule int) bool) string {
	n := 0
	lines := strings.SplitAfter(pack, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "  - {id: ") {
			continue
		}
		if shadow(n) {
			lines[i] = strings.Replace(line, "{id: ", "{shadow: true, id: ", 1)
		}
		n++
	}
	return strings.Join(lines, "")
}

// announced are the records of a topic without what a replay leaves out, by key, each in its order.
func (r *rig) announced(topic string) map[string][]string {
	r.tb.Helper()
	all := map[string][]string{}
	for _, messages := range r.read(topic) {
		for _, m := range messages {
			headers := map[string]string{}
			for _, h := range m.Headers {
				headers[h.Key] = string(h.Value)
			}
			apitest.BinaryCrossing.Check(r.tb, headers, m.Value)
			all[string(m.Key)] = append(all[string(m.Key)], simBare(string(m.Value)))
		}
	}
	return all
}

// stage sends events and has the oracle say what they announce, until both topics have it.
func (r *rig) stage(t *testing.T, o *oracle.Oracle, events []sentEvent, want map[string]map[string][]string) {
	t.Helper()
	for _, e := range events {
		for _, c := range o.Apply(e.value, e.millis) {
			topic, record := "crossings", string(c.JSON())
			if strings.Contains(record, `"shadow":true`) {
				topic = "shadow"
			}
			key := c.By + "/" + c.Subject
			want[topic][key] = append(want[topic][key], record)
		}
	}
	r.send(0, events...)
	r.counted()
	for topic, records := range want {
		count := func(all map[string][]string) (n int) {
			for _, list := range all {
				n += len(list)
			}
			return n
		}
		var got map[string][]string
		eventually(t, 30*time.Second, func() bool {
			got = r.announced(topic)
			return count(got) >= count(records)
		})
		for key := range records {
			if !slices.Equal(got[key], records[key]) {
				t.Fatalf("%s, %s:\nwant %s\ngot  %s", topic, key, strings.Join(records[key], "\n     "), strings.Join(got[key], "\n     "))
			}
		}
		if count(got) != count(records) {
			t.Fatalf("%s has %d crossings, want %d", topic, count(got), count(records))
		}
	}
}

// TestShadowAndBack: rules go from shadow to live and back, at a start of the service. Whatever each announced in shadow and live is what
// the oracle says, in the topic where it belongs, and verify finds no difference by any of the packs.
func TestShadowAndBack(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	r := newShadowRig(t, 1, calmPack)
	store := windowstore.NewMem(DefaultShards)
	o, err := oracle.New([]byte(calmPack))
	if err != nil {
		t.Fatal(err)
	}
	const stages = 7
	events := calm(rnd, 6_000, 1)[0]
	want := map[string]map[string][]string{"crossings": {}, "shadow": {}}
	var variants []variant
	for stage := range stages {
		bits := rnd.IntN(1 << 8)
		e := variant{pack: tried(calmPack, func(rule int) bool { return bits>>rule&1 == 1 })}
		variants = append(variants, e)
		if err := o.Adopt([]byte(e.pack)); err != nil {
			t.Fatal(err)
		}
		p := r.start(store, e.of(t))
		r.stage(t, o, events[stage*len(events)/stages:(stage+1)*len(events)/stages], want)
		p.end(t)
		for n, e := range variants {
			r.agrees(t, store, fmt.Sprintf("stage %d by variant %d", stage, n), e)
		}
	}
	t.Logf("%d subjects announced live, %d in shadow", len(want["crossings"]), len(want["shadow"]))
}

// triedPack has a rule that is tried beside one that is not, with a limit that each subject reaches at once.
const triedPack = `
pack: tried
measures: {clicks: {sum: count, types: [click]}}
rules:
  - {id: live, by: incident, window: 1h, step: 1m, limits: {clicks: 2}, levels: [1]}
  - {id: dry, by: incident, window: 1h, step: 1m, limits: {clicks: 1}, levels: [1], shadow: true}
`

// clicksOf are two clicks of each of some incidents.
func clicksOf(incidents int) (events []sentEvent) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range 2 * incidents {
		events = append(events, sentEvent{fmt.Appendf(nil, `{"id":"e%d","time":%q,"type":"click","incident":"inc-%d"}`, i, at.Format(time.RFC3339), i%incidents), at.UnixMilli()})
	}
	return events
}

// TestShadowUnset: without a topic for them, crossings of shadow rules are only counted, and so they are while it is given up.
func TestShadowUnset(t *testing.T) {
	r := newShadowRig(t, 1, triedPack)
	r.kafka.Shadow = ""
	registry := prometheus.NewRegistry()
	p := r.start(windowstore.NewMem(DefaultShards), func(o *Options) { o.Registry = registry })
	r.send(0, clicksOf(100)...)
	r.counted()
	p.end(t)
	if got := len(r.announced("crossings")); got != 100 {
		t.Errorf("%d incidents crossed live, want 100", got)
	}
	if n := metricstest.All(t, registry, "aggregator_shadow_crossings_total")[0].GetCounter().GetValue(); n != 100 {
		t.Errorf("%v crossings of shadow rules counted, want 100", n)
	}
}

// TestShadowHeldUp: where the topic of shadow rules takes nothing, every other crossing comes, all is counted, and what has no room in their
// outbox is dropped, and counted. What has room comes when the topic takes it.
func TestShadowHeldUp(t *testing.T) {
	r := newShadowRig(t, 1, triedPack)
	var closed atomic.Bool
	closed.Store(true)
	r.refuseTopic("shadow", &closed)
	registry := prometheus.NewRegistry()
	p := r.start(windowstore.NewMem(DefaultShards), func(o *Options) { o.outboxMax, o.Registry, o.MaxBatchEvents = 20, registry, 10 })
	const incidents = 2_000
	events := clicksOf(incidents)
	r.send(0, events...)
	r.counted()
	eventually(t, 30*time.Second, func() bool { return len(r.announced("crossings")) == incidents })
	dropped := func() int {
		return int(metricstest.All(t, registry, "aggregator_shadow_crossings_dropped_total")[0].GetCounter().GetValue())
	}
	if n := dropped(); n < incidents/2 || highest(t, registry, "aggregator_shadow_outbox_entries") == 0 || len(r.announced("shadow")) > 0 {
		t.Errorf("%d dropped, %d published", n, len(r.announced("shadow")))
	}
	if lines := p.s.Stalled(); len(lines) > 0 {
		t.Errorf("stalled: %v", lines)
	}
	closed.Store(false)
	eventually(t, 30*time.Second, func() bool { return len(r.announced("shadow"))+dropped() == incidents })
	p.end(t)
}
