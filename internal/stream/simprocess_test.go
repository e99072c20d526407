package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
)

// simProcess is a process: a service whose goroutines' turns the world takes.
type simProcess struct {
	*Service
	world      *simWorld
	ctx        context.Context
	cancel     context.CancelFunc
	sweeper    *sweeper
	generation *generation // nil: it has not joined yet
	number     int64       // of its generation, as the group counts
	partitions []*simPartition
	relaying   []*simRelay
	busy       map[any]bool // what is in the middle of a turn
	grown      bool         // it is to begin again, with the topic's new partitions
}

// simPartition is a partition and where its loop is.
type simPartition struct {
	*partition
	process *simProcess
	entered bool
}

// simRelay is a relay and where its loop is.
type simRelay struct {
	*relay
	process *simProcess
	recent  bool
}

func (w *simWorld) newProcess() *simProcess {
	p := &simProcess{world: w, busy: map[any]bool{}}
	p.ctx, p.cancel = context.WithCancel(w.ctx)
	o := Options{
		Program: w.truth.kind.program, Intake: w.truth.kind.intake, Store: w.store, Shards: simShards, Secret: &Secret{1, 2}, MaxAge: DefaultMaxAge,
		MaxBatchEvents: w.rnd.IntN(12), Kafka: Kafka{Events: []string{"events"}, Crossings: "crossings", Group: "sim", Start: Start{Latest: w.truth.kind.begins}},
	}
	p.Service = &Service{Options: o, log: discard, metrics: w.metrics, owned: map[int]bool{}, source: w.log, outPartitions: simOutPartitions, process: w.rnd.Uint64()}
	for i := range w.log.partitions() {
		p.topics = append(p.topics, topicPartition{"events", i})
	}
	p.prepare()
	return p
}

// prepare does what Service.prepare does once store and brokers are there.
func (p *simProcess) prepare() {
	w := p.world
	calm := w.calm
	w.calm = true
	p.deployment = &deployment{owner: owner{Group: p.Group, Crossings: p.Crossings}}
	p.again = func(error) { p.grown = true }
	p.offsets = p
	secret, err := p.Service.settle(p.ctx)
	p.sinces = newSinces(p.Store, p.Program, p.topics, p.Shards, discard)
	if err := errors.Join(err, p.takeStore(p.ctx), p.settleBegins(p.ctx), p.sinces.load(p.ctx)); err != nil {
		panic(err)
	}
	w.calm = calm
	p.build(secret)
	p.publisher.end = func(_ context.Context, topic string, partition int) (int64, error) {
		return w.log.end(topic, partition), nil
	}
	p.publisher.writer, p.publisher.most = w.output, 4+w.rnd.IntN(30)
	dead := p.Service.partitions.dead.(*deadTopic)
	dead.writer, dead.partitions = w.output, func(context.Context, string) (int, error) { return 1, nil }
	o := p.shards[0].shardOptions
	o.version, o.writer = w.version, w.rnd.Uint64()
	o.keptMax = 1 + w.rnd.IntN(20)
	if w.rnd.IntN(2) == 0 {
		o.now = func() time.Time { return time.Now().AddDate(100, 0, 0) } // all events are old: crossings wait for their batch
	}
	o.cacheBytes = []int{1 << 20, -8}[w.rnd.IntN(2)] // below zero: nothing is kept that need not be
	o.jitter = func(below time.Duration) time.Duration { return time.Duration(w.rnd.Int64N(int64(below))) }
	p.Service.partitions.jitter = o.jitter
	o.tide = newTide(len(p.topics), simShards, 0, func() {})
	p.Service.partitions.tide, p.tide = o.tide, o.tide
	p.sweeper = p.Service.sweeper()
	p.sweeper.step, p.sweeper.rest = 3, func(context.Context, time.Duration) {}
}

func (w *simWorld) version() (v [8]byte) {
	for i := range v {
		v[i] = byte(w.rnd.Uint32())
	}
	return v
}

// turn runs f, unless what it is about is in the middle of a turn.
func (p *simProcess) turn(what any, f func()) {
	if p.busy[what] {
		return
	}
	p.busy[what] = true
	defer delete(p.busy, what)
	f()
}

// room says whether the shards' queues take more: no turn may block.
func (p *simProcess) room() bool {
	for _, c := range p.in {
		if len(c) > cap(c)/2 {
			return false
		}
	}
	return true
}

func (p *simProcess) partitionTurn() {
	if n := len(p.partitions); n > 0 {
		p.partitions[p.world.rnd.IntN(n)].turn()
	}
}

// turn is one of partition.run: going to the fences, or reading a set.
func (x *simPartition) turn() {
	if !x.process.room() || x.lease.spares.waiting() < simShards {
		return
	}
	x.process.turn(x, func() {
		ctx := x.process.ctx
		switch {
		case !x.entered:
			x.entered = x.resume(ctx) == nil
		case len(x.lease.restart) > 0:
			<-x.lease.restart
			x.entered = false
		default:
			x.entered = x.step(ctx) == nil
		}
	})
}

func (x *simPartition) unrest() error {
	if end := int64(len(x.process.world.log.events[x.lease.partition])); !x.entered || len(x.lease.restart) > 0 || x.next != end {
		return fmt.Errorf("partition %d stands at %d of %d", x.lease.partition, x.next, end)
	}
	return nil
}

// shardTurn is one of shard.serve: taking a message, or watching.
func (p *simProcess) shardTurn(n int, watch bool) {
	s := p.shards[n]
	p.turn(s, func() {
		var err error
		if watch {
			err = s.watch(p.ctx)
		} else if len(p.in[n]) > 0 {
			err = s.handle(p.ctx, <-p.in[n])
		}
		if err = s.settle(p.ctx, err); err != nil && p.ctx.Err() == nil {
			panic(fmt.Sprintf("shard %d stands still: %v", n, err))
		}
	})
}

func (p *simProcess) shardUnrest(n int) error {
	s := p.shards[n]
	if len(p.in[n]) > 0 || !s.batch.begun.IsZero() {
		return fmt.Errorf("shard %d has a batch open", n)
	}
	w := p.world
	for i, place := range s.places {
		stored := w.store.peek(n, place.key)
		m, err := parseFence(stored)
		if err != nil || m.offset != int64(len(w.log.events[i])) || place.at != m || place.stands && !bytes.Equal(stored, place.stored) {
			return fmt.Errorf("fence of shard %d, partition %d is at %+v, %v", n, i, m, err)
		}
	}
	if !p.owns(n) {
		return nil
	}
	if depth := outboxDepth(w.store.peek(n, p.Store.Keys().AppendHeadKey(nil, n)), w.store.peek(n, p.Store.Keys().AppendNotedKey(nil, n))); depth > 0 {
		return fmt.Errorf("%d crossings wait in the outbox of shard %d", depth, n)
	}
	if due, _ := w.store.Armed(w.ctx, n, floorDiv(s.reached.Load(), second), 1); len(due) > 0 {
		return fmt.Errorf("%s of shard %d is due", due[0].Member, n)
	}
	return nil
}

func (p *simProcess) relayTurn() {
	if n := len(p.relaying); n > 0 {
		p.relaying[p.world.rnd.IntN(n)].turn()
	}
}

// turn is one of relay.run.
func (r *simRelay) turn() {
	r.process.turn(r, func() {
		ctx := r.process.ctx
		if !r.recent && r.publish.recent(ctx, r.partition, r.process.generation.number) != nil {
			return
		}
		r.recent = true
		_ = r.drain(ctx)
	})
}

// sweep is a turn of sweeper.serve.
func (p *simProcess) sweep(scan bool) {
	if !p.room() {
		return
	}
	p.turn(p.sweeper, func() {
		if !scan {
			p.sweeper.clears(p.ctx)
			return
		}
		_ = p.sweeper.scan(p.ctx)
	})
}

// join begins a generation with the partitions given.
func (p *simProcess) join(given []kafka.PartitionAssignment) {
	p.generation, p.number = p.assign(int32(p.world.generation), map[string][]kafka.PartitionAssignment{"events": given}), p.world.generation
	p.horizons(p.ctx)
	for _, x := range p.generation.partitions {
		x.stream = p.source.Open("events", x.lease.partition, 0)
		p.partitions = append(p.partitions, &simPartition{partition: x, process: p})
	}
	for _, r := range p.generation.relays {
		p.relaying = append(p.relaying, &simRelay{relay: r, process: p})
	}
}

// leave ends the generation in order: partitions, offsets, relays. The shards
// may be too slow for it.
func (p *simProcess) leave() {
	if p.generation == nil {
		return
	}
	slow := !p.world.calm && p.world.rnd.IntN(6) == 0
	for len(p.partitions) > 0 {
		x := p.partitions[0]
		p.partitions = p.partitions[1:] // it takes no more turns
		p.finish(x, slow)
	}
	p.generation.commitOnce(p.member())
	for _, r := range p.relaying {
		for range 3 {
			if r.recent && r.drain(p.ctx) == nil {
				break
			}
		}
	}
	p.generation, p.partitions, p.relaying = nil, nil, nil
}

// finish runs the end of partition.run, and beside it the shards. One in the middle of a turn, with which it goes on later, leaves
// nothing to the next generation: partition.run ends between two turns.
func (p *simProcess) finish(x *simPartition, slow bool) {
	if !p.busy[x] {
		x.memories.keep(x.partition)
	}
	ended := make(chan struct{})
	go func() {
		x.finish()
		close(ended)
	}()
	for synctest.Wait(); ; synctest.Wait() {
		select {
		case <-ended:
			return
		default:
		}
		n := p.world.rnd.IntN(simShards)
		if slow || p.ctx.Err() != nil {
			p.world.pass(finishTimeout / 2)
		} else if len(p.in[n]) > 0 {
			p.shardTurn(n, false)
		}
	}
}

// member is in whose name the process commits offsets.
func (p *simProcess) member() groupMember { return groupMember{generation: int32(p.number)} }

// committed is groupOffsets', as is commit: the group takes offsets of its present members only, and of nobody while it has none.
func (p *simProcess) committed(_ context.Context, of []topicPartition) ([]groupOffset, error) {
	list := make([]groupOffset, len(of))
	for i, t := range of {
		list[i] = p.world.group[t.partition]
		list[i].topicPartition = t
	}
	return list, p.ctx.Err()
}

func (p *simProcess) commit(_ context.Context, as groupMember, offsets []groupOffset) error {
	w := p.world
	allowed := as == groupMember{generation: int32(w.generation)}
	if as == nobody {
		allowed = !slices.ContainsFunc(w.processes, func(p *simProcess) bool { return p.generation != nil })
	}
	if !allowed || p.ctx.Err() != nil {
		return kafka.UnknownMemberId
	}
	for _, o := range offsets {
		w.group[o.partition] = o
	}
	return nil
}

// replace ends a process that is to begin again with more partitions, in order.
func (p *simProcess) replace() *simProcess {
	p.leave()
	p.cancel()
	return p.world.newProcess()
}
