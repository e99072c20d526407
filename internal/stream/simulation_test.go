package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// The simulation drives the real partitions, shards and relays in one
// goroutine, a step at a time, over a store and a log that may lose an answer,
// go back in time, or change owners between any two steps. Afterwards counts must equal a
// dumb count of the log, and every crossing must have been published.

const (
	simPartitions = 4
	simShards     = 2
	simProcesses  = 3
	simRuns       = 200 // of a lease
)

// simPack has windows so wide that the order between partitions plays no part.
const simPack = `
pack: sim
measures:
  clicks:  {sum: count, types: [click]}
  readers: {distinct: recipient, types: [click]}
rules:
  - {id: clicks, by: incident, window: 730d, step: 1d, limits: {clicks: 12}, levels: [0.25, 0.5, 0.75, 1, 2, 3]}
  - {id: readers, by: account, window: 730d, step: 1d, limits: {readers: 6}, levels: [0.5, 1, 2]}
`

// simLog is the log of all partitions.
type simLog [simPartitions][]sentEvent

func newSimLog(rnd *rand.Rand) *simLog {
	var log simLog
	for p := range log {
		for i := range 5 + rnd.IntN(36) {
			at := time.Date(2026, 5, 1, 0, 0, i, 0, time.UTC)
			id := fmt.Sprintf("%d-%d", p, i)
			if i > 0 && rnd.IntN(10) == 0 {
				id = fmt.Sprintf("%d-%d", p, rnd.IntN(i)) // a repeat, perhaps of a repeat
			}
			v := fmt.Sprintf(`{"id":%q,"time":%q,"type":"click","incident":"i%d","account":"a%d","recipient":"r%d"}`,
				id, at.Format(time.RFC3339), rnd.IntN(4), rnd.IntN(3), rnd.IntN(30))
			log[p] = append(log[p], sentEvent{value: []byte(v), millis: at.UnixMilli()})
		}
	}
	return &log
}

// Open is source's, as are the next three.
func (l *simLog) Open(_ string, partition int, offset int64) reader {
	return &simReader{log: l[partition], next: offset, most: 5}
}

func (l *simLog) Offsets(_ context.Context, _ string, partition int) (start, end int64, err error) {
	return 0, int64(len(l[partition])), nil
}

func (l *simLog) OffsetAt(_ context.Context, _ string, partition int, ms int64) (int64, error) {
	i := slices.IndexFunc(l[partition], func(e sentEvent) bool { return e.millis >= ms })
	if i < 0 {
		i = len(l[partition])
	}
	return int64(i), nil
}

func (l *simLog) Partitions(context.Context, string) (int, error) { return simPartitions, nil }

// simReader reads a partition of it; it is its own record set.
type simReader struct {
	log            []sentEvent
	next, to, most int64
}

func (r *simReader) Next(context.Context) (recordSet, error) {
	r.to = min(r.next+r.most, int64(len(r.log)))
	return r, nil
}

func (r *simReader) Read(rec *fetch.Record) (bool, error) {
	if r.next >= r.to {
		return false, nil
	}
	*rec = fetch.Record{Offset: r.next, Timestamp: r.log[r.next].millis, Value: r.log[r.next].value}
	r.next++
	return true, nil
}

func (r *simReader) Span() (next, end int64) { return r.next, int64(len(r.log)) }
func (r *simReader) SeekTo(offset int64)     { r.next = offset }
func (r *simReader) Close()                  {}

// simWorld is a history.
type simWorld struct {
	rnd       *rand.Rand
	program   *Program
	log       *simLog
	store     *simStore
	processes [simProcesses]*simProcess
	owner     [simPartitions]*simProcess
	published map[string]int
	metrics   *Metrics
}

// simProcess is a process: its shards, its partitions and their queues.
type simProcess struct {
	world      *simWorld
	shards     []*shard
	in         []chan message
	partitions map[int]*partition
}

func newSimWorld(seed uint64, p *Program, m *Metrics) *simWorld {
	rnd := rand.New(rand.NewPCG(seed, 7))
	w := &simWorld{rnd: rnd, program: p, log: newSimLog(rnd), store: newSimStore(rnd), published: map[string]int{}, metrics: m}
	w.store.lose = 0.05
	for i := range w.processes {
		w.processes[i] = w.newProcess()
	}
	for p := range w.owner {
		w.give(p, w.processes[rnd.IntN(simProcesses)])
	}
	return w
}

func (w *simWorld) newProcess() *simProcess {
	p := &simProcess{world: w, partitions: map[int]*partition{}}
	var topics []topicPartition
	for i := range simPartitions {
		topics = append(topics, topicPartition{"events", i})
	}
	o := &shardOptions{
		program: w.program, store: w.store, keys: w.store.Keys(), writer: w.rnd.Uint64(), partitions: topics,
		outboxMax: 1 << 30, maxAge: time.Hour, maxEvents: 1 + w.rnd.IntN(10), cacheBytes: 1 << 20, keptMax: 1 + w.rnd.IntN(20),
		version: w.version, now: time.Now, committed: func(int, int) {},
		tide: newTide(simPartitions, 0, func() {}), patience: patience{metrics: w.metrics, log: discard},
	}
	for n := range simShards {
		s := newShard(n, o)
		s.others.Store(int64(w.rnd.IntN(2)))
		p.shards = append(p.shards, s)
		p.in = append(p.in, make(chan message, 10_000))
	}
	return p
}

func (w *simWorld) version() (v [windows.VersionSize]byte) {
	for i := range v {
		v[i] = byte(w.rnd.Uint32())
	}
	return v
}

var discard = slog.New(slog.DiscardHandler)

// give makes p the owner of a partition. The one before may linger.
func (w *simWorld) give(partition int, p *simProcess) {
	w.owner[partition] = p
	o := &partitionOptions{
		program: w.program, source: w.log, store: w.store, keys: w.store.Keys(), shards: p.in,
		tide: newTide(simPartitions, 0, func() {}), patience: patience{metrics: w.metrics, log: discard}, runOps: 1 + w.rnd.IntN(8),
	}
	lease := newLease("events", partition, partition, simShards)
	lease.free = make(chan *run, simRuns) // a set must not wait for shards: one goroutine plays all
	for range simRuns {
		lease.free <- &run{}
	}
	x := newPartition(o, lease, -1)
	x.stream = w.log.Open("events", partition, 0)
	x.lease.askRestart()
	p.partitions[partition] = x
}

// step reads a set of a partition, or goes back to its fences if that was asked.
func (p *simProcess) step(ctx context.Context, partition int) {
	x := p.partitions[partition]
	if x == nil || len(x.lease.free) < simRuns/2 {
		return
	}
	select {
	case <-x.lease.restart:
		if err := x.resume(ctx); err != nil {
			panic(err)
		}
	default:
		x.marked = time.Time{}
		if err := x.step(ctx); err != nil {
			panic(err)
		}
	}
}

// work lets a shard take one message.
func (p *simProcess) work(ctx context.Context, shard int) {
	select {
	case m := <-p.in[shard]:
		if err := p.shards[shard].handle(ctx, m); err != nil {
			panic(err)
		}
	default:
	}
}

func (w *simWorld) relay(ctx context.Context, shard int, sure bool) {
	r := &relay{
		relayOptions: &relayOptions{store: w.store, keys: w.store.Keys(), publish: &simPublisher{w, sure}, metrics: w.metrics, log: discard},
		shard:        shard,
	}
	_ = r.drain(ctx)
}

// simPublisher may stop in the middle.
type simPublisher struct {
	world *simWorld
	sure  bool
}

func (p *simPublisher) recent(context.Context, int, int64) error { return nil }

func (p *simPublisher) write(_ context.Context, _ int, entries []outboxEntry) error {
	for _, e := range entries {
		var c envelope
		if err := json.Unmarshal(e.value, &c); err != nil {
			return err
		}
		p.world.published[c.ID]++
		if !p.sure && p.world.rnd.IntN(10) == 0 {
			return errors.New("stopped")
		}
	}
	return nil
}

// wander takes one random step.
func (w *simWorld) wander(ctx context.Context) {
	p := w.processes[w.rnd.IntN(simProcesses)]
	switch x := w.rnd.IntN(1000); {
	case x < 350:
		p.step(ctx, w.rnd.IntN(simPartitions))
	case x < 700:
		p.work(ctx, w.rnd.IntN(simShards))
	case x < 820:
		_ = p.shards[w.rnd.IntN(simShards)].commit(ctx)
	case x < 860:
		_ = p.shards[w.rnd.IntN(simShards)].watch(ctx)
	case x < 910:
		w.relay(ctx, w.rnd.IntN(simShards), false)
	case x < 940:
		w.crash(p)
	case x < 975:
		w.rebalance(ctx)
	case x < 990:
		w.store.rollBack()
	}
}

func (w *simWorld) crash(p *simProcess) {
	i := slices.Index(w.processes[:], p)
	w.processes[i] = w.newProcess()
	for n := range w.owner {
		if w.owner[n] == p {
			w.give(n, w.processes[w.rnd.IntN(simProcesses)])
		}
	}
}

// rebalance gives a partition to another process. The old owner either gives
// its lease up in order, or goes on for a while without knowing.
func (w *simWorld) rebalance(ctx context.Context) {
	n := w.rnd.IntN(simPartitions)
	from, to := w.owner[n], w.processes[w.rnd.IntN(simProcesses)]
	if from == to {
		return
	}
	if w.rnd.IntN(10) < 4 {
		w.give(n, to)
		return
	}
	w.takeAway(ctx, from, n)
	w.give(n, to)
}

func (w *simWorld) takeAway(ctx context.Context, p *simProcess, partition int) {
	x := p.partitions[partition]
	delete(p.partitions, partition)
	for i := range p.in {
		done := make(chan struct{}, 1)
		p.in[i] <- message{kind: endLease, lease: x.lease, done: done}
		for len(done) == 0 {
			p.work(ctx, i)
		}
	}
}

// settle lets everything come to rest without further faults.
func (w *simWorld) settle(ctx context.Context) {
	w.store.lose = 0
	for _, p := range w.processes {
		for n := range p.partitions {
			if w.owner[n] != p {
				w.takeAway(ctx, p, n)
			}
		}
	}
	for range 400 {
		for _, p := range w.processes {
			for n := range simPartitions {
				p.step(ctx, n)
			}
			for i, s := range p.shards {
				_ = s.watch(ctx)
				for len(p.in[i]) > 0 {
					p.work(ctx, i)
				}
				_ = s.commit(ctx)
			}
		}
		if w.rested() {
			break
		}
	}
	for n := range simShards {
		w.relay(ctx, n, true)
	}
}

// rested says whether every fence is at the end of its log and in agreement
// with its owner.
func (w *simWorld) rested() bool {
	for n, p := range w.owner {
		x := p.partitions[n]
		if len(x.lease.restart) > 0 {
			return false
		}
		for i, s := range p.shards {
			if len(p.in[i]) > 0 || !s.places[n].stands {
				return false
			}
			m, err := parseFence(w.store.get(s.places[n].key))
			if err != nil || m.offset != int64(len(w.log[n])) {
				return false
			}
		}
	}
	return true
}

// check compares counts and crossings with a dumb count of the log.
func (w *simWorld) check() error {
	clicks, readers := map[string]int{}, map[string]map[string]bool{}
	for p := range w.log {
		seen := map[string]bool{}
		for _, e := range w.log[p] {
			var x struct{ ID, Incident, Account, Recipient string }
			if err := json.Unmarshal(e.value, &x); err != nil {
				return err
			}
			if seen[x.ID] {
				continue
			}
			seen[x.ID] = true
			clicks[x.Incident]++
			if readers[x.Account] == nil {
				readers[x.Account] = map[string]bool{}
			}
			readers[x.Account][x.Recipient] = true
		}
	}
	want := map[string]int{}
	wanted := map[string]bool{}
	for i, n := range clicks {
		want["clicks "+i] = n
		for _, l := range []struct {
			name string
			at   int
		}{{"0.25", 3}, {"0.5", 6}, {"0.75", 9}, {"1", 12}, {"2", 24}, {"3", 36}} {
			if n >= l.at {
				wanted["clicks/incident/"+i+"/1/"+l.name] = true
			}
		}
	}
	for a, keys := range readers {
		want["readers "+a] = len(keys)
		for _, l := range []struct {
			name string
			at   int
		}{{"0.5", 3}, {"1", 6}, {"2", 12}} {
			if len(keys) >= l.at {
				wanted["readers/account/"+a+"/1/"+l.name] = true
			}
		}
	}
	return w.compare(want, wanted)
}

func (w *simWorld) compare(want map[string]int, wanted map[string]bool) error {
	n := 0
	var wrong error
	err := w.program.StoredCounts(context.Background(), w.store, simShards, func(line []byte) bool {
		var c struct {
			Rule, Subject string
			Measures      map[string]struct{ Value int }
		}
		if wrong = json.Unmarshal(line, &c); wrong != nil {
			return false
		}
		n++
		if got := c.Measures[c.Rule].Value; got != want[c.Rule+" "+c.Subject] {
			wrong = fmt.Errorf("%s of %s is %d, not %d", c.Rule, c.Subject, got, want[c.Rule+" "+c.Subject])
			return false
		}
		return true
	})
	if err := errors.Join(err, wrong); err != nil {
		return err
	}
	if n != len(want) {
		return fmt.Errorf("%d counts, not %d", n, len(want))
	}
	for id := range wanted {
		if w.published[id] == 0 {
			return fmt.Errorf("missed %s", id)
		}
	}
	for id := range w.published {
		if !wanted[id] {
			return fmt.Errorf("wrong %s", id)
		}
	}
	return nil
}

// history runs one; the error names what went wrong.
func history(seed uint64, p *Program, m *Metrics) (repeats int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	ctx := context.Background()
	w := newSimWorld(seed, p, m)
	for range 400 {
		w.wander(ctx)
	}
	w.settle(ctx)
	if !w.rested() {
		return 0, errors.New("did not come to rest")
	}
	for _, n := range w.published {
		repeats += n - 1
	}
	return repeats, w.check()
}

// TestSimulation runs random histories. SIMULATE=n runs n of them, SEED=s
// repeats one.
func TestSimulation(t *testing.T) {
	n, seed := 500, uint64(time.Now().UnixNano())
	if v := os.Getenv("SIMULATE"); v != "" {
		n, _ = strconv.Atoi(v)
	}
	if v := os.Getenv("SEED"); v != "" {
		seed, _ = strconv.ParseUint(v, 10, 64)
		n = 1
	}
	p := compile(t, simPack)
	m := NewMetrics(prometheus.NewRegistry(), p)
	repeats := 0
	synctest.Test(t, func(t *testing.T) {
		for i := range uint64(n) {
			r, err := history(seed+i, p, m)
			if err != nil {
				t.Fatalf("history %d, SEED=%d: %v", i, seed+i, err)
			}
			repeats += r
		}
	})
	t.Logf("%d histories from seed %d: nothing missed, nothing wrong, %d repeats with an equal id", n, seed, repeats)
}
