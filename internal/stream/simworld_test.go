package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

const (
	simShards    = 2
	simProcesses = 3
)

// simWorld is one history: its log, store, output and processes, and what may happen to them.
type simWorld struct {
	rnd       *rand.Rand
	truth     *simTruth
	metrics   *metrics.Metrics
	log       *simLog
	store     *simStore
	output    *simOutput
	processes []*simProcess
	weights   [numSimTurns]int
	total     int     // of weights
	restless  float64 // how often the world goes on elsewhere during a call
	lose      float64 // how often a call, or its answer, is lost
	failover  float64 // how often a call is slow because the store goes back
	calm      bool    // nothing more goes wrong
	gentle    bool    // nothing breaks, but all goes on at any time
	depth     int     // of calls during which the world goes on
	began     time.Time
	leases    simLeases
	updating  bool  // processes of the version before may be started
	reloads   bool  // processes have different rules, and reload others
	broken    error // the first promise that was broken

	generation int64
	group      []groupOffset // what it committed, by partition
	ctx        context.Context
}

// simTurn is what may happen next.
type simTurn int

const (
	turnPartition simTurn = iota
	turnShard
	turnRelay
	turnSweep
	turnScan
	turnList
	turnMeasure
	turnCommit // of offsets to Kafka
	turnProduce
	turnTime
	turnCrash
	turnRebalance
	turnRejoin
	turnBack
	turnLose
	turnGrow
	turnReload
	numSimTurns
)

// simWeights is how often each happens, about: a history has weights of its own.
var simWeights = [numSimTurns]int{
	turnProduce: 60, turnPartition: 300, turnShard: 500, turnRelay: 60, turnSweep: 30, turnScan: 10, turnList: 60, turnMeasure: 10, turnCommit: 10, turnTime: 60,
	turnCrash: 10, turnRebalance: 12, turnRejoin: 10, turnBack: 10, turnLose: 1, turnGrow: 4, turnReload: 60,
}

func newSimWorld(ctx context.Context, rnd *rand.Rand, t *simTruth, m *metrics.Metrics) *simWorld {
	w := &simWorld{rnd: rnd, truth: t, metrics: m, ctx: ctx, began: time.Now(), leases: simLeases{}}
	w.restless = 0.2 * rnd.Float64() * rnd.Float64()
	w.lose = 0.1 * rnd.Float64() * float64(rnd.IntN(2))
	w.updating = rnd.IntN(3) == 0
	w.reloads = rnd.IntN(3) == 0 && len(t.kind.rules) > 1
	w.log = newSimLog(w)
	w.store = newSimStore(w)
	w.output = &simOutput{world: w, published: make([][]simRecord, simOutPartitions), tried: make([][]simRecord, simOutPartitions)}
	w.group = slices.Repeat([]groupOffset{{offset: -1}}, len(w.log.events))
	for i, n := range simWeights {
		if i >= int(turnSweep) && i != int(turnProduce) {
			n = n * rnd.IntN(4) / 2
		}
		switch simTurn(i) {
		case turnReload:
			n = 20 * btoi(w.reloads)
		case turnBack, turnLose:
			n *= btoi(!w.reloads) // what was decided stays so: see simreload_test.go
		}
		w.weights[i] = n
		w.total += n
	}
	if w.weights[turnBack] > 0 {
		w.failover = rnd.Float64()
	}
	for range simProcesses {
		p := w.newProcess()
		w.processes = append(w.processes, p)
		if len(w.processes) == 1 {
			w.alone(p.begin) // where the group begins is known
		} else {
			p.begin()
		}
		if rnd.IntN(2*simProcesses) == 0 {
			w.log.produceAll()
		}
	}
	w.rebalance()
	return w
}

// alone lets f happen while nothing else does.
func (w *simWorld) alone(f func()) {
	depth := w.depth
	w.depth = simDepth
	f()
	w.depth = depth
}

// simDepth is how deep calls lie in each other during which the world goes on.
const simDepth = 2

// run lets the history happen, then brings it to rest and compares.
func (w *simWorld) run(ctx context.Context) (simTold, error) {
	for range 60 + w.rnd.IntN(160) {
		w.turn()
	}
	if w.rnd.IntN(2) == 0 {
		if err := w.gently(); err != nil {
			return simTold{}, err
		}
	}
	if err := w.settle(); err != nil {
		return simTold{}, err
	}
	if w.reloads {
		w.follow()
	}
	return w.told(), errors.Join(w.broken, w.check(ctx))
}

// turn lets one thing happen.
func (w *simWorld) turn() {
	x := w.rnd.IntN(w.total)
	t := simTurn(0)
	for x >= w.weights[t] {
		x -= w.weights[t]
		t++
	}
	if w.gentle && w.breaking(t) {
		return
	}
	p := w.processes[w.rnd.IntN(len(w.processes))]
	if p.ready && (t <= turnMeasure || t == turnReload) {
		w.work(t, p)
		return
	}
	switch t {
	case turnBack:
		w.store.goBack()
	case turnLose:
		w.store.loseAll()
	case turnCrash:
		w.crash(p)
	case turnGrow:
		w.log.grow()
	case turnProduce:
		w.log.produce(w.rnd.IntN(w.log.partitions()), 1+w.rnd.IntN(12))
	case turnTime:
		w.pass(time.Duration(1+w.rnd.IntN(5)) * 700 * time.Millisecond)
	default:
		w.together(t, p)
	}
}

// breaking reports whether a turn breaks something, or mends it.
func (w *simWorld) breaking(t simTurn) bool {
	return t == turnScan || t == turnCrash || t == turnBack || t == turnLose || t == turnGrow || t == turnReload
}

// work is a turn of a goroutine of a process.
func (w *simWorld) work(t simTurn, p *simProcess) {
	switch t {
	case turnPartition:
		p.partitionTurn()
	case turnShard:
		p.shardTurn(w.rnd.IntN(simShards), w.rnd.IntN(8) == 0)
	case turnRelay:
		p.relayTurn()
	case turnSweep:
		p.sweep(false)
	case turnScan:
		p.sweep(true)
	case turnList:
		p.list(false)
	case turnMeasure:
		p.measure()
	case turnReload:
		p.reloadTurn()
	}
}

// together is what cannot happen during something else.
func (w *simWorld) together(t simTurn, p *simProcess) {
	if w.depth > 0 || !p.ready {
		return
	}
	switch t {
	case turnCommit:
		if p.generation != nil {
			p.generation.commitOnce(p.member())
		}
	case turnRebalance:
		w.rebalance()
	case turnRejoin:
		if p.generation == nil || p.number < w.generation {
			p.leave()
			p.join(nil)
		}
	}
}

// between lets the world go on elsewhere, for long if a call is slow, and for longest if it is so because of a failover.
func (w *simWorld) between() {
	if w.depth == simDepth || w.calm || w.rnd.Float64() > w.restless {
		return
	}
	turns := 1
	w.depth++
	if w.depth == 1 && w.rnd.IntN(8) == 0 {
		turns = w.rnd.IntN(50)
		if w.rnd.Float64() < w.failover && !w.gentle {
			w.store.goBack()
			turns *= 4
		}
	}
	for range turns {
		w.turn()
	}
	w.depth--
}

// call is the way of every call of the store or of Kafka, and the way back of one
// that took effect: the world goes on, and what is on the way may be lost.
func (w *simWorld) call(ctx context.Context) error {
	if ctx.Err() == nil { // else nothing may be drawn: a process that died stops here or there
		w.between()
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case w.fails():
		return errCut
	}
	return nil
}

// fails reports whether a call, or its answer, is lost.
func (w *simWorld) fails() bool {
	return !w.calm && !w.gentle && w.lose > 0 && w.rnd.Float64() < w.lose
}

// pass lets time go by. While the log grows no partition may be taken for silent, since
// what is counted then depends on when it is.
func (w *simWorld) pass(d time.Duration) {
	retry.Wait(w.ctx, d)
	if time.Since(w.began) > partition.Silence/2 {
		w.log.produceAll()
	}
}

// crash ends a process wherever it is, and starts another in its place.
func (w *simWorld) crash(p *simProcess) {
	w.replace(slices.Index(w.processes, p))
}

// replace starts a process in the place of another.
func (w *simWorld) replace(i int) {
	w.processes[i].cancel()
	w.processes[i] = w.newProcess()
	w.processes[i].begin()
}

// rebalance gives the partitions to the members again. Most members end their
// generation in order; the others do not know yet, and are members no more.
func (w *simWorld) rebalance() {
	w.renew()
	w.generation++
	var members []*simProcess
	for _, p := range w.processes {
		if p.ready && (w.calm || w.rnd.IntN(4) > 0) {
			members = append(members, p)
		}
	}
	if len(members) == 0 {
		members = w.processes[:1]
	}
	members = slices.Clone(members)
	for _, p := range members {
		p.leave()
	}
	members = slices.DeleteFunc(members, func(p *simProcess) bool { return p.ctx.Err() != nil })
	if len(members) == 0 {
		return
	}
	given := make([][]kafka.PartitionAssignment, len(members))
	for n := range w.log.partitions() {
		i := w.rnd.IntN(len(members))
		given[i] = append(given[i], kafka.PartitionAssignment{ID: n, Offset: w.group[n].offset})
	}
	for i, p := range members {
		p.join(given[i])
	}
}

// renew lets processes begin again that have noticed that there are more partitions, or notice it now.
func (w *simWorld) renew() {
	for i, p := range w.processes {
		if !p.grown && p.generation != nil && (w.calm || w.rnd.IntN(2) == 0) {
			p.measure()
		}
		if p.grown && p == w.processes[i] {
			p.leave()
			p.list(true) // an end in order, as listing.Lister.Serve has it
			w.replace(i)
		}
	}
}

// settle brings everything to rest without further faults, except for one: that
// the store goes back while nothing flows must be noticed, and healed.
func (w *simWorld) settle() error {
	w.calm = true
	w.log.growAll()
	w.log.produceAll()
	w.gather()
	w.agree()
	if err := w.rest(); err != nil {
		return err
	}
	if err := w.tidied(); err != nil {
		return err
	}
	if w.rnd.IntN(3) == 0 && !w.reloads {
		w.store.goBack()
		if err := w.rest(); err != nil {
			return fmt.Errorf("after the store went back in silence: %w", err)
		}
	}
	return nil
}

// gather makes all processes members of the group that know all partitions.
func (w *simWorld) gather() {
	for w.rebalance(); slices.ContainsFunc(w.processes, func(p *simProcess) bool { return p.grown }); {
		w.rebalance()
	}
}

// rest lets everything work until it has come to rest, the silence of all partitions noticed.
func (w *simWorld) rest() error {
	w.drain()
	w.pass(partition.Silence + time.Second)
	w.drain()
	for round := range 40 {
		w.pass(shard.VerifyEvery)
		for _, p := range w.processes {
			for i := range p.shards {
				p.shardTurn(i, true)
			}
			if p.sweep(false); round%2 == 1 { // twice: a shard that has just gone back is not scanned
				p.sweep(true)
			}
		}
		w.drain()
		for _, p := range w.processes {
			p.list(true)
		}
		if w.broken != nil {
			return w.broken
		}
		if round > 3 && w.unrest() == nil {
			return nil
		}
	}
	return errors.Join(errors.New("did not come to rest"), w.unrest())
}

// drain lets partitions, shards and relays do what there is to do.
func (w *simWorld) drain() {
	rounds := 0
	for reading := true; reading; rounds++ {
		if reading = false; rounds > 5_000 {
			w.breaks(errors.New("partitions go back to their fences for ever"))
			return
		}
		for _, p := range w.processes {
			for _, x := range p.partitions {
				before := x.unrest()
				x.turn()
				reading = reading || before != nil || x.unrest() != nil
			}
			for p.reload != nil {
				p.reloadTurn()
				for i := range p.shards {
					p.shardTurn(i, false)
				}
			}
			for i := range p.shards {
				for more := true; more; more = len(p.in[i]) > 0 {
					p.shardTurn(i, false)
				}
			}
		}
	}
	for _, p := range w.processes {
		for _, r := range p.relaying {
			r.turn()
		}
		p.measure()
		p.generation.commitOnce(p.member())
	}
}

// unrest says what is still to be done.
func (w *simWorld) unrest() error {
	for _, p := range w.processes {
		for _, x := range p.partitions {
			if err := x.unrest(); err != nil {
				return err
			}
		}
		for i := range p.shards {
			if err := p.shardUnrest(i); err != nil {
				return err
			}
		}
	}
	return nil
}
