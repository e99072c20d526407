package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// rig is a broker in the process with the topics of one service.
type rig struct {
	tb      testing.TB
	cluster *kfake.Cluster
	kafka   Kafka
	parts   int
	program *engine.Program
	sent    [][]sentEvent // by partition
}

// compile and builtin are short names of what most tests here begin with.
var (
	compile = enginetest.Compile
	builtin = enginetest.Builtin
)

type sentEvent struct {
	value  []byte
	millis int64
}

func newRig(tb testing.TB, partitions int, p *engine.Program) *rig {
	tb.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(int32(partitions), "events"), kfake.SeedTopics(3, "crossings", "events.dlq"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return &rig{
		tb: tb, cluster: c, parts: partitions, program: p, sent: make([][]sentEvent, partitions),
		kafka: Kafka{Brokers: c.ListenAddrs(), Group: "g", Events: []string{"events"}, Crossings: "crossings"},
	}
}

// send writes events, whose Kafka timestamps are their times, to a partition.
func (r *rig) send(partition int, events ...sentEvent) {
	r.tb.Helper()
	w := &kafka.Writer{
		Addr: r.kafka.Addr(), Topic: "events", BatchTimeout: time.Millisecond, BatchSize: 1000, RequiredAcks: kafka.RequireAll,
		Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return partition }),
	}
	defer func() { _ = w.Close() }()
	var batch []kafka.Message
	for _, e := range events {
		batch = append(batch, kafka.Message{Value: e.value, Time: time.UnixMilli(e.millis)})
	}
	if err := w.WriteMessages(r.tb.Context(), batch...); err != nil {
		r.tb.Fatal(err)
	}
	r.sent[partition] = append(r.sent[partition], events...)
}

// process is one service under way.
type process struct {
	stop context.CancelFunc
	done chan error
	once sync.Once
	s    *Service
}

func (r *rig) start(store windowstore.Store, change func(*Options)) *process {
	r.tb.Helper()
	o := Options{
		Kafka: r.kafka, Program: r.program, Store: store, Registry: prometheus.NewRegistry(),
		Log: slog.New(slog.NewTextHandler(testWriter{r.tb}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &process{stop: stop, done: make(chan error, 1), s: New(o)}
	p.s.membership.agreement.patience = 0 // no version before comes back
	go func() { p.done <- p.s.Run(ctx) }()
	r.tb.Cleanup(func() { p.end(r.tb) })
	return p
}

func (p *process) end(tb testing.TB) {
	tb.Helper()
	p.stop()
	if err, ok := <-p.done; ok && err != nil {
		tb.Errorf("service: %v", err)
	}
	p.once.Do(func() { close(p.done) })
}

type testWriter struct{ tb testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	if testing.Verbose() {
		fmt.Print(string(b))
	}
	return len(b), nil
}

// counted waits until the group has committed everything that was sent.
func (r *rig) counted() {
	r.tb.Helper()
	client := &kafka.Client{Addr: r.kafka.Addr(), Timeout: 5 * time.Second}
	var ids []int
	for i := range r.parts {
		ids = append(ids, i)
	}
	eventually(r.tb, 60*time.Second, func() bool {
		res, err := client.OffsetFetch(r.tb.Context(), &kafka.OffsetFetchRequest{GroupID: "g", Topics: map[string][]int{"events": ids}})
		if err != nil || len(res.Topics["events"]) != r.parts {
			return false
		}
		for _, p := range res.Topics["events"] {
			if p.Error != nil || p.CommittedOffset < int64(len(r.sent[p.Partition])) {
				return false
			}
		}
		return true
	})
}

// eventually waits for a condition.
func eventually(tb testing.TB, limit time.Duration, f func() bool) {
	tb.Helper()
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	end := time.After(limit)
	for !f() {
		select {
		case <-t.C:
		case <-end:
			tb.Fatal("condition not reached in time")
		}
	}
}

// read returns all records of a topic, by partition.
func (r *rig) read(topic string) [][]kafka.Message {
	r.tb.Helper()
	c := fetch.New(fetch.Options{Transport: r.kafka.Transport(), Brokers: r.kafka.Addr()})
	defer c.Close()
	n, err := c.Partitions(r.tb.Context(), topic)
	if err != nil {
		r.tb.Fatal(err)
	}
	out := make([][]kafka.Message, n)
	for p := range n {
		start, end, err := c.Offsets(r.tb.Context(), topic, p)
		if err != nil {
			r.tb.Fatal(err)
		}
		s := c.Open(topic, p, start)
		for at := start; at < end; {
			set, err := s.Next(r.tb.Context())
			if err != nil {
				r.tb.Fatal(err)
			}
			var rec records.Record
			for {
				more, err := set.Read(r.tb.Context(), &rec)
				if err != nil {
					r.tb.Fatal(err)
				}
				if !more {
					break
				}
				m := kafka.Message{Offset: rec.Offset, Key: bytes.Clone(rec.Key), Value: bytes.Clone(rec.Value)}
				for _, h := range rec.Headers {
					m.Headers = append(m.Headers, kafka.Header{Key: string(h.Key), Value: bytes.Clone(h.Value)})
				}
				out[p] = append(out[p], m)
			}
			at = set.Next
		}
		s.Close()
	}
	return out
}

// replayed is what Replay gives for one partition's events, one line a crossing.
func (r *rig) replayed(partition int) []string {
	var lines []string
	rp := engine.NewReplay(r.program, engine.IntakeOptions{}, math.MaxInt64, func(c *thresholds.Crossing) {
		lines = append(lines, string(c.AppendJSON(nil)))
	})
	for _, e := range r.sent[partition] {
		_ = rp.Line(e.value)
	}
	return lines
}

// bare is a published crossing without `detected` and the evidence's place. It is as the contract says.
func bare(tb testing.TB, value []byte) string {
	tb.Helper()
	apitest.Crossing.Check(tb, value)
	s := string(value)
	if i := strings.Index(s, `,"detected":"`); i >= 0 {
		j := i + len(`,"detected":"`)
		s = s[:i] + s[j+strings.IndexByte(s[j:], '"')+1:]
	}
	if i := strings.Index(s, `,"topic":"`); i >= 0 {
		s = s[:i] + s[strings.Index(s, `,"pack_hash"`):]
	}
	if !json.Valid([]byte(s)) {
		tb.Fatalf("no JSON left: %s", s)
	}
	return s
}

const smallPack = `
pack: small
measures:
  clicks:  {sum: count, types: [click]}
  readers: {distinct: account, types: [click, view]}
  members: {distinct: group, weight: members, types: [share]}
  orders:  {sum: count, types: [order]}
  defied:  {sum: count, types: [click], after: orders}
rules:
  - {id: clicks, by: incident, window: 10m, step: 1m, limits: {clicks: 200}, levels: [0.5, 0.8, 1, 2], clear: 0.4}
  - {id: readers, by: incident, window: 1h, step: 1m, limits: {readers: 100}, levels: [0.5, 1], clear: 0.3}
  - {id: mixed, by: incident, window: 5m, step: 10s, limits: {clicks: 100, members: 5000}, combine: ratio, clear: 0.2}
  - {id: defied, by: incident, window: 1h, step: 5m, limits: {defied: 20}, clear: 0.1}
  - {id: busy, by: account, window: 30s, step: 1s, limits: {clicks: 10}, clear: 0.5}
  - {id: ever, by: account, window: all, limits: {clicks: 60}}
`

// story makes events of some subjects (enginetest.Story).
func story(rnd *rand.Rand, n, incidents, accounts int) []sentEvent {
	return sent(enginetest.Story(rnd, n, incidents, accounts))
}

// storyFrom is a story from a time on, in which half of the incidents lag the others, by less than a duration.
func storyFrom(at time.Time, lag time.Duration, rnd *rand.Rand, n, incidents, accounts int) []sentEvent {
	return sent(enginetest.StoryFrom(at, lag, rnd, n, incidents, accounts))
}

func sent(story []enginetest.Event) (out []sentEvent) {
	for _, e := range story {
		out = append(out, sentEvent{value: e.Value, millis: e.Millis})
	}
	return out
}

// TestOnePartitionGivesWhatReplayGives compares the records of the service, in
// batches of several sizes, with those of Replay: equal except for `detected` and
// the evidence's place, in the same order for every key.
func TestOnePartitionGivesWhatReplayGives(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	events := storyFrom(date(2026, 3, 1), 2*time.Hour, rand.New(rand.NewPCG(seed, 1)), 20_000, 12, 60)
	for _, size := range []int{1, 7, 1000, 0} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r := newRig(t, 1, compile(t, smallPack))
			r.send(0, events...)
			p := r.start(windowstore.NewMem(DefaultShards), func(o *Options) { o.MaxBatchEvents = size })
			r.counted()
			p.end(t)
			want := map[string][]string{}
			for _, line := range r.replayed(0) {
				k := keyOf(t, line)
				want[k] = append(want[k], line)
			}
			got := map[string][]string{}
			total := 0
			for _, messages := range r.read("crossings") {
				for _, m := range messages {
					line := bare(t, m.Value)
					got[string(m.Key)] = append(got[string(m.Key)], line)
					total++
				}
			}
			if total < 100 {
				t.Fatalf("only %d crossings: the story is too quiet to show anything", total)
			}
			compareByKey(t, got, want)
			t.Logf("%d crossings of %d subjects", total, len(want))
		})
	}
}

func keyOf(tb testing.TB, line string) string {
	var e struct{ By, Subject string }
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		tb.Fatal(err)
	}
	return e.By + "/" + e.Subject
}

func compareByKey(t *testing.T, got, want map[string][]string) {
	t.Helper()
	for k, lines := range want {
		for i := range max(len(lines), len(got[k])) {
			a, b := "nothing", "nothing"
			if i < len(lines) {
				a = lines[i]
			}
			if i < len(got[k]) {
				b = got[k][i]
			}
			if a != b {
				t.Fatalf("%s, crossing %d:\nwant %s\ngot  %s", k, i, a, b)
			}
		}
	}
	for k := range got {
		if want[k] == nil {
			t.Fatalf("%s: unexpected %s", k, got[k])
		}
	}
}

func header(headers []kafka.Header, key string) string {
	for _, h := range headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// TestTopicMadeAnew: a service that reads a topic ends when that is deleted and recreated, and one that is started later on the
// same store does not begin.
func TestTopicMadeAnew(t *testing.T) {
	r := newRig(t, 2, compile(t, "{pack: p, measures: {c: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1d, step: 1h, limits: {c: 9}}]}"))
	client, err := kgo.NewClient(kgo.SeedBrokers(r.kafka.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	store := windowstore.NewMem(DefaultShards)
	first := r.start(store, nil)
	for !first.s.membership.joined.Load() {
		<-time.After(10 * time.Millisecond)
	}
	name, again := "events", kmsg.NewCreateTopicsRequestTopic()
	again.Topic, again.NumPartitions, again.ReplicationFactor = name, 2, 1
	for _, request := range []kmsg.Request{
		&kmsg.DeleteTopicsRequest{TopicNames: []string{name}, Topics: []kmsg.DeleteTopicsRequestTopic{{Topic: &name}}},
		&kmsg.CreateTopicsRequest{Topics: []kmsg.CreateTopicsRequestTopic{again}},
	} {
		if _, err := client.Request(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []*process{first, r.start(store, nil)} {
		if err := <-p.done; !errors.Is(err, errOtherTopic) {
			t.Errorf("the service ended with %v", err)
		}
		p.once.Do(func() { close(p.done) })
	}
	r.start(windowstore.NewMem(DefaultShards), nil).end(t)
}
