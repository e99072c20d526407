package stream

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// outboxPack has a crossing for every event.
const outboxPack = `
pack: outbox
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: r, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {clicks: 2}, levels: [0.5, 1]}]
`

// refuse has the broker take no crossings while closed is set.
func (r *rig) refuse(closed *atomic.Bool) { r.refuseTopic(r.kafka.Crossings, closed) }

// refuseTopic has the broker take no records of a topic while closed is set.
func (r *rig) refuseTopic(topic string, closed *atomic.Bool) {
	r.cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.KeepControl()
		produce := request.(*kmsg.ProduceRequest)
		if !closed.Load() || produce.Topics[0].Topic != topic {
			return nil, nil, false
		}
		reply := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range produce.Topics {
			t := kmsg.NewProduceResponseTopic()
			t.Topic = topic.Topic
			for _, partition := range topic.Partitions {
				p := kmsg.NewProduceResponseTopicPartition()
				p.Partition, p.ErrorCode = partition.Partition, int16(kafka.NotEnoughReplicas)
				t.Partitions = append(t.Partitions, p)
			}
			reply.Topics = append(reply.Topics, t)
		}
		return reply, nil, true
	})
}

// fullSite is a service whose outbox is small, and whose topic of crossings may be closed.
type fullSite struct {
	*rig
	store  *windowstore.Mem
	closed atomic.Bool
}

const (
	smallOutbox = 100
	// oneBatch is more crossings than a shard takes before it looks at its outbox again: those of a run, and those that may wait.
	oneBatch = 300 + shard.DeferredMost
)

// full starts a process, and waits until it says that an outbox is full.
func (s *fullSite) full(t *testing.T) (*process, *prometheus.Registry) {
	t.Helper()
	registry, log := prometheus.NewRegistry(), &servers.Output{}
	p := s.start(s.store, func(o *Options) {
		o.outboxMax, o.SetBytes, o.Registry, o.Log = smallOutbox, 64<<10, registry, slog.New(slog.NewTextHandler(log, nil))
	})
	eventually(t, time.Minute, func() bool {
		return strings.Contains(log.String(), "outbox is full: reading stops") && strings.Contains(log.String(), "crossings wait in the outbox")
	})
	return p, registry
}

// deepest is how many crossings wait in the fullest outbox, as stored.
func deepest(t *testing.T, store windowstore.Store) (most uint64) {
	t.Helper()
	for n := range DefaultShards {
		keys := [][]byte{store.Keys().AppendHeadKey(nil, n), store.Keys().AppendPublishedKey(nil, n)}
		values, err := store.Load(t.Context(), n, keys, nil)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, outbox.Depth(values[0], values[1]))
	}
	return most
}

// TestOutboxFull: the topic of crossings takes nothing, and there are far more crossings than the outboxes may hold. They are
// filled to their limit and no further, reading stops, and that shows; a process that takes over finds them full. When the
// topic takes crossings again, all of them come, once.
func TestOutboxFull(t *testing.T) {
	const partitions, each = 3, 6_000
	s := &fullSite{rig: newRig(t, partitions, compile(t, outboxPack)), store: windowstore.NewMem(DefaultShards)}
	s.closed.Store(true)
	s.refuse(&s.closed)
	o, wanted := s.sendAll(t, each)

	first, registry := s.full(t)
	first.end(t)
	if highest(t, registry, "aggregator_outbox_entries") != 0 {
		t.Error("a process that has stopped says that crossings wait in its outboxes")
	}
	var second *process
	second, registry = s.full(t)
	eventually(t, time.Minute, func() bool {
		most, oldest := highest(t, registry, "aggregator_outbox_entries"), highest(t, registry, "aggregator_outbox_oldest_seconds")
		return most >= smallOutbox && oldest > 0 && highest(t, registry, "aggregator_lag_records") > 0 && highest(t, registry, "aggregator_lag_seconds") > 0
	})
	if most := deepest(t, s.store); most < smallOutbox || most > smallOutbox+oneBatch {
		t.Errorf("%d crossings wait in an outbox whose limit is %d", most, smallOutbox)
	}
	if read := metricstest.Series(t, registry, "aggregator_events_total", "matched").GetCounter().GetValue(); read > partitions*each/2 {
		t.Errorf("%v events were read on of %d", read, partitions*each)
	}

	s.closed.Store(false)
	s.counted()
	second.end(t)
	if highest(t, registry, "aggregator_outbox_entries") != 0 || highest(t, registry, "aggregator_outbox_oldest_seconds") != 0 {
		t.Error("the metrics say that crossings still wait")
	}
	s.compare(t, o, wanted)
}

// sendAll sends two events of each of many incidents, and has the oracle say which crossings they make.
func (s *fullSite) sendAll(t *testing.T, each int) (o *oracle.Oracle, wanted []string) {
	t.Helper()
	o, err := oracle.New([]byte(outboxPack))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for p := range s.parts {
		var events []sentEvent
		for i := range each {
			value := fmt.Appendf(nil, `{"id":"e%d","time":%q,"type":"click","incident":"inc-%d-%d"}`, i, at.Format(time.RFC3339), p, i/2)
			events = append(events, sentEvent{value, at.UnixMilli()})
			for _, c := range o.ApplyTo(p, value, at.UnixMilli()) {
				wanted = append(wanted, c.ID())
			}
		}
		s.send(p, events...)
	}
	return o, wanted
}

// compare compares what was published and stored with the oracle.
func (s *fullSite) compare(t *testing.T, o *oracle.Oracle, wanted []string) {
	t.Helper()
	var got []string
	for _, messages := range s.read("crossings") {
		for _, m := range messages {
			got = append(got, header(m.Headers, "ce_id"))
		}
	}
	slices.Sort(got)
	slices.Sort(wanted)
	if !slices.Equal(got, wanted) {
		t.Errorf("%d crossings, %d of them different; want %d", len(got), len(slices.Compact(slices.Clone(got))), len(wanted))
	}
	var counts []string
	for _, line := range o.Counts() {
		counts = append(counts, string(line))
	}
	if stored := s.storedCounts(s.store); !slices.Equal(stored, counts) {
		t.Errorf("%d counts stored, %d wanted, or they differ", len(stored), len(counts))
	}
	t.Logf("%d crossings, %d counts", len(got), len(counts))
}

// highest is the greatest value of a gauge's series.
func highest(t *testing.T, r *prometheus.Registry, name string) (most float64) {
	t.Helper()
	for _, m := range metricstest.All(t, r, name) {
		most = max(most, m.GetGauge().GetValue())
	}
	return most
}
