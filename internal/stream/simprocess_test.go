package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/janitor"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// simProcess is a process: a service whose goroutines' turns the world takes.
type simProcess struct {
	*Service
	*workers   // those of the Service
	world      *simWorld
	ctx        context.Context
	cancel     context.CancelFunc
	ready      bool                         // it is prepared
	looked     [simShards]bool              // the shard had its first turn
	taking     [simShards]*shard.Assignment // whose message the shard is in the middle of
	janitor    *janitor.Janitor
	generation *generation // nil: it has not joined yet
	number     int64       // of its generation, as the group counts
	partitions []*simPartition
	relaying   []*simRelay
	busy       map[any]bool // what is in the middle of a turn
	before     bool         // it is of the version before
	grown      bool         // it is to begin again, with the topic's new partitions
	reload     *simReload   // under way; nil: none is
}

// simPartition is a partition of a process.
type simPartition struct {
	*partition.Partition
	process *simProcess
	reader  *simReader // of its log
}

// simRelay is a relay of a process.
type simRelay struct {
	*outbox.Relay
	process *simProcess
}

func (w *simWorld) newProcess() *simProcess {
	p := &simProcess{world: w, busy: map[any]bool{}}
	p.ctx, p.cancel = context.WithCancel(w.ctx)
	p.drawVersion()
	o := Options{
		Program: w.drawRules(), Intake: w.truth.kind.intake, Store: w.store, Shards: simShards, Secret: &simSecret, MaxAge: DefaultMaxAge,
		MaxBatchEvents: w.rnd.IntN(12), ListMost: 1_000, Kafka: Kafka{Events: []string{"events"}, Crossings: "crossings", Shadow: "shadow", Group: "sim", Start: partition.Start{Latest: w.truth.kind.begins}},
	}
	p.Service = &Service{
		options: o, log: discard, metrics: w.metrics, wait: waiter{discard}, membership: newMembership(o.Group, w.metrics.Health, discard), process: w.rnd.Uint64(),
		clients: &clients{source: w.log, cluster: simCluster{w.log}, offsets: p}, restart: p.begunAgain,
	}
	p.reloads.ask(o.Program)
	p.membership.members = w.members
	p.membership.agreement.patience = 0 // see drawVersion
	return p
}

// begunAgain is told why the process is to begin again.
func (p *simProcess) begunAgain(why error) {
	if !errors.Is(why, errGrown) {
		panic(fmt.Sprintf("a process ended: %v", why))
	}
	p.grown = true
}

// begin is the process' start. The world goes on meanwhile, and what is on the way may be lost; the process may die.
func (p *simProcess) begin() {
	ctx, cancel := context.WithTimeout(p.ctx, time.Hour) // a start that waits for what never comes is a failure
	defer cancel()
	if err := p.Service.prepare(ctx); p.ctx.Err() != nil {
		return
	} else if err != nil {
		panic(fmt.Sprintf("a process does not start: %v", err))
	}
	w := p.world
	p.workers = p.Service.workers
	p.publisher.Writer, p.publisher.Most = simWriter{w.output, p, false}, 4+w.rnd.IntN(30)
	p.publisher.Canaries = simCanaries{w}
	p.shadow.Writer, p.shadow.Most = simWriter{w.output, p, true}, 4+w.rnd.IntN(30)
	p.workers.partitions.Dead.(*partition.DeadTopic).Writer = simWriter{w.output, p, false}
	o := p.shards[0].Options
	o.Version, o.Writer = w.version, w.rnd.Uint64()
	o.Listing.Writer = o.Writer
	o.KeptMax = 1 + w.rnd.IntN(20)
	if w.rnd.IntN(2) == 0 {
		o.Now = func() time.Time { return time.Now().AddDate(100, 0, 0) } // all events are old: crossings wait for their batch
	}
	if p.before {
		o.OutboxFormat = outbox.OldestFormats
		p.relays[0].Options.Store = oldReader{w.store} // all have the same options
	}
	o.CacheBytes = []int{1 << 20, -8}[w.rnd.IntN(2)] // below zero: nothing is kept that need not be
	o.Jitter = func(below time.Duration) time.Duration { return time.Duration(w.rnd.Int64N(int64(below))) }
	p.workers.partitions.Jitter = o.Jitter
	o.Alignment = watermark.NewAlignment(len(p.found.topics), simShards, 0, func() {})
	p.workers.partitions.Alignment, p.alignment = o.Alignment, o.Alignment
	p.look()
	p.ready = true
}

// look makes the janitor of what is in force.
func (p *simProcess) look() {
	looks := p.workers.janitorOptions(p.edition.Load())
	looks.Step, looks.Rest = 3, func(context.Context, time.Duration) {}
	p.janitor = janitor.New(looks)
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

// room reports whether the shards' queues take more: no turn may block.
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

func (x *simPartition) turn() {
	if !x.process.room() || x.chunksUnderWay() > simShards {
		return
	}
	x.process.turn(x, func() { x.Partition.Turn(x.process.ctx) })
}

// chunksUnderWay is how many chunks of the partition the shards have. There are two for each shard, and a turn takes one for each.
func (x *simPartition) chunksUnderWay() (n int) {
	for i, in := range x.process.in {
		for range len(in) { // once around
			m := <-in
			if in <- m; m.Kind == shard.TakeChunk && m.Assignment == x.Assignment {
				n++
			}
		}
		if x.process.taking[i] == x.Assignment {
			n++
		}
	}
	return n
}

func (x *simPartition) unrest() error {
	end := int64(x.process.world.log.there[x.Assignment.Partition])
	if at := x.reader.next; len(x.Assignment.Restart) > 0 || at != end {
		return fmt.Errorf("partition %d is read up to %d of %d", x.Assignment.Partition, at, end)
	}
	return nil
}

// shardTurn lets a shard look at its fences, or take a message if there is one.
func (p *simProcess) shardTurn(n int, look bool) {
	s := p.shards[n]
	p.turn(s, func() {
		w, m := shard.WakeAge, shard.Message{}
		if look || !p.looked[n] {
			w, p.looked[n] = shard.WakeLook, true
		} else if len(p.in[n]) > 0 {
			w, m = shard.WakeMessage, <-p.in[n]
		}
		p.taking[n] = m.Assignment
		defer func() { p.taking[n] = nil }()
		if err := s.Turn(p.ctx, w, m); err != nil && p.ctx.Err() == nil {
			panic(fmt.Sprintf("shard %d stands still: %v", n, err))
		}
	})
}

func (p *simProcess) shardUnrest(n int) error {
	s := p.shards[n]
	if len(p.in[n]) > 0 {
		return fmt.Errorf("shard %d has messages to take", n)
	}
	w := p.world
	var fences [][]byte
	for i, t := range p.found.topics {
		stored := w.store.peek(n, p.options.Store.Keys().AppendFenceKey(nil, n, t.Topic, t.Partition))
		m, err := position.ParseFence(stored)
		if err != nil || m.Offset != int64(len(w.log.events[i])) {
			return fmt.Errorf("fence of shard %d, partition %d is at %+v, %v", n, i, m, err)
		}
		fences = append(fences, stored)
	}
	if reached, stored := s.StreamTimeShared.Load(), position.StoredTime(fences); reached != stored {
		return fmt.Errorf("for shard %d the stream is at %d, by the fences at %d", n, reached, stored)
	}
	if !p.workers.owned.has(n) {
		return nil
	}
	for _, k := range []windowstore.Keys{w.store.Keys(), w.store.Keys().Shadow()} {
		if depth := outbox.Depth(w.store.peek(n, k.AppendHeadKey(nil, n)), w.store.peek(n, k.AppendPublishedKey(nil, n))); depth > 0 {
			return fmt.Errorf("%d crossings wait in an outbox of shard %d", depth, n)
		}
	}
	if due, _ := w.store.Armed(w.ctx, n, engine.Seconds(s.StreamTimeShared.Load()), 1); len(due) > 0 {
		return fmt.Errorf("%s of shard %d is due", due[0].Member, n)
	}
	return nil
}

func (p *simProcess) relayTurn() {
	if n := len(p.relaying); n > 0 {
		p.relaying[p.world.rnd.IntN(n)].turn()
	}
}

func (r *simRelay) turn() {
	ctx := r.process.ctx
	r.process.turn(r, func() { r.Relay.Turn(ctx, ctx) })
}

// sweep is a turn of one of the janitor's goroutines.
func (p *simProcess) sweep(scan bool) {
	if !p.room() {
		return
	}
	l := p.edition.Load().lister()
	if scan && p.busy[l] {
		return
	}
	p.turn(p.janitor, func() {
		if scan {
			p.turn(l, func() { p.janitor.ScanTurn(p.ctx) })
		} else {
			p.janitor.Clears(p.ctx)
		}
	})
}

// measure is a turn of generation.measure.
func (p *simProcess) measure() {
	if p.generation != nil {
		p.turn(p.generation, func() {
			p.generation.look(p.ctx)
			p.membership.look(p.ctx, false)
		})
	}
}

// join begins a generation with the partitions given.
func (p *simProcess) join(given []kafka.PartitionAssignment) {
	p.generation, p.number = p.assign(int32(p.world.generation), map[string][]kafka.PartitionAssignment{"events": given}), p.world.generation
	for _, x := range p.generation.partitions {
		x.Begin()
		p.partitions = append(p.partitions, &simPartition{Partition: x, process: p, reader: p.world.log.opened})
	}
	for _, r := range p.generation.relays {
		p.relaying = append(p.relaying, &simRelay{Relay: r, process: p})
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
	p.generation.end(p.member())
	for _, r := range p.relaying {
		p.turn(r, func() {
			for range 3 { // then its time is up
				if r.LastTurn(p.ctx) {
					break
				}
			}
		})
	}
	p.generation, p.partitions, p.relaying = nil, nil, nil
}

// finish runs the end of partition.run, and beside it the shards.
func (p *simProcess) finish(x *simPartition, slow bool) {
	if p.busy[x] {
		panic("a partition ends in the middle of a turn")
	}
	ended := make(chan struct{})
	go func() {
		x.End()
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
			p.world.pass(partition.FinishTimeout / 2)
		} else if len(p.in[n]) > 0 {
			p.shardTurn(n, false)
		}
	}
}

// member is in whose name the process commits offsets.
func (p *simProcess) member() groupMember { return groupMember{generation: int32(p.number)} }

// committed is groupOffsets', as is commit: the group takes offsets of its present members only, and of nobody while it has none.
func (p *simProcess) committed(_ context.Context, of []position.TopicPartition) ([]groupOffset, error) {
	if err := p.world.call(p.ctx); err != nil {
		return nil, err
	}
	list := make([]groupOffset, len(of))
	for i, t := range of {
		list[i] = p.world.group[t.Partition]
		list[i].TopicPartition = t
	}
	return list, nil
}

func (p *simProcess) commit(_ context.Context, as groupMember, offsets []groupOffset) error {
	w := p.world
	if err := w.call(p.ctx); err != nil {
		return err
	}
	allowed := as == groupMember{generation: int32(w.generation)}
	if as == nobody {
		allowed = !slices.ContainsFunc(w.processes, func(p *simProcess) bool { return p.generation != nil })
	}
	if !allowed {
		return kafka.UnknownMemberId
	}
	for _, o := range offsets {
		w.group[o.Partition] = o
	}
	return w.call(p.ctx)
}
