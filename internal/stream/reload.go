package stream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	"github.com/seed-afe14ff2/aggregator/internal/stream/janitor"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watermark"
)

// A reload has the process decide by other rules, without leaving the group. Each shard makes a rewind to the commit that it has just
// made, and each partition begins anew at its fences, as that of another process would which takes it over. So what is stored, and
// in which order, is what a start with other packs stores:
//
//  1. The rules and the packs' texts are kept in the store, and since when each counter is kept is read (edition).
//  2. Partitions are told by what they decide when they next go to their fences (Shared.Change). They read on by the old rules.
//  3. Each shard is sent ChangeRules, behind the chunks that are under way to it. It commits, forgets all that has numbers of the
//     old counters and rules, and asks its partitions to go to their fences. Chunks that come later it drops.
//  4. When all have (Shared.Changed), each partition goes there by itself: it announces the rules (Coverage.Enact), writes the history
//     and the fence of each shard in one step (origin.enact), and has the shard begin there.
//  5. What sweeps, scans, lists and shows is made anew for the new numbers. The lists' last rows by the old ones are written first.
//
// No partition waits for another one: who is held up by its dead letters, or by a silent broker, changes when it goes on. A shard
// takes a partition only from chunks made by the shard's own program (Message.Program), so no numbers meet others.

// reloads is by what the service is to decide, and by what it does. The zero value knows neither.
type reloads struct {
	mu      sync.Mutex
	wanted  *engine.Program
	inForce *engine.Program // nil: nothing is yet
	topics  partitionList   // whose events are decided by that
	moved   chan struct{}   // is closed when inForce is another one; nil: nobody waits
	wake    retry.Signal    // is raised when wanted is another one
	fault   string          // why what was read last is not in force; "": it is
}

// ask has the service decide by a program as soon as it can.
func (r *reloads) ask(p *engine.Program) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wake == nil {
		r.wake = retry.NewSignal()
	}
	r.wanted = p
	r.wake.Raise()
}

// asked is the program that the service is to decide by.
func (r *reloads) asked() *engine.Program {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wanted
}

// enact notes that a program is in force for the events of topics.
func (r *reloads) enact(p *engine.Program, topics partitionList) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inForce, r.topics = p, topics
	if r.moved != nil {
		close(r.moved)
		r.moved = nil
	}
}

// now is the program that is in force, and what is closed when another one is; nil: nothing is yet.
func (r *reloads) now() (*engine.Program, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.moved == nil {
		r.moved = make(chan struct{})
	}
	return r.inForce, r.moved
}

// check refuses a program by which an event could need more room than a commit has.
func (r *reloads) check(p *engine.Program) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.topics.check(p.KeysPerEvent)
}

// failed notes why what was read last is not in force; "": it is.
func (r *reloads) failed(fault string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = fault
}

// why is what failed was told.
func (r *reloads) why() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fault
}

// until waits until a program is in force that will do.
func (r *reloads) until(ctx context.Context, will func(*engine.Program) bool) error {
	for {
		p, moved := r.now()
		if p != nil && will(p) {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Reload has the service decide by another program. It returns when all shards do. If ctx ends before, they will do so as soon as
// that is possible. Any other error is a reason for which the service goes on by what it has.
func (s *Service) Reload(ctx context.Context, p *engine.Program) error {
	if err := s.reloads.until(ctx, func(*engine.Program) bool { return true }); err != nil { // the topics are known then
		return fmt.Errorf("reload the rules: the service has not begun yet: %w", err)
	}
	if err := s.reloads.check(p); err != nil {
		return fmt.Errorf("reload the rules: %w", err)
	}
	s.reloads.ask(p)
	if err := s.reloads.until(ctx, func(now *engine.Program) bool { return now == p }); err != nil {
		return fmt.Errorf("reload the rules: not all shards have them yet: %w", err)
	}
	return nil
}

// RulesRead is told why the packs as they were last read are not to be in force: their faults. "": they have none.
func (s *Service) RulesRead(faults string) {
	s.reloads.failed(faults)
	s.metrics.Rules.Read(faults == "")
}

// watch runs what looks after silent subjects and lists, until ctx ends. When other rules are asked for it has all change to them.
func (s *Service) watch(ctx context.Context) {
	end := s.workers.look(ctx)
	defer func() { end() }()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-s.reloads.wake:
		}
		p := s.reloads.asked()
		if p == s.workers.edition.Load().program {
			continue
		}
		began := time.Now()
		c, err := s.beginChange(ctx, p)
		if err == nil && c.send(ctx) && c.wait(ctx) {
			err = s.endChange(ctx, c)
		}
		if err != nil || ctx.Err() != nil {
			return // it ends: whoever runs next decides by what is asked for
		}
		s.log.Debug("all shards have changed to other rules", "seconds", time.Since(began).Seconds())
		end() // rows that wait are written before what shows them goes by other rules
		s.inForce(c.edition)
		end = s.workers.look(ctx)
	}
}

// look begins to look after silent subjects and lists. They end with ctx, or when end is called, after the last rows were written.
func (w *workers) look(ctx context.Context) (end func()) {
	e := w.edition.Load()
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { janitor.New(w.janitorOptions(e)).Serve(ctx) })
	if l := e.lister(); l != nil {
		running.Go(func() { l.Serve(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// change is a change to another edition that is under way.
type change struct {
	*edition
	workers *workers
	done    chan struct{} // gets a value of each shard that has changed
}

// beginChange does what comes before a shard changes. From here on it has to be gone through with.
func (s *Service) beginChange(ctx context.Context, p *engine.Program) (*change, error) {
	w := s.workers
	e := &edition{program: p, rules: inforce.Of(p, s.options.Intake), changed: true}
	if err := s.keep(ctx, e); err != nil {
		return nil, err
	}
	if err := s.cover(ctx, e); err != nil {
		return nil, err
	}
	s.complete(e, w.edition.Load().shards)
	w.partitions.Change(e.deciding())
	return &change{edition: e, workers: w, done: make(chan struct{}, len(w.shards))}, nil
}

// send sends the change to all shards. It reports whether they took it before ctx ended.
func (c *change) send(ctx context.Context) bool {
	for _, in := range c.workers.in {
		select {
		case in <- shard.Message{Kind: shard.ChangeRules, Rules: c.shards, Done: c.done}:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// wait waits until all shards have changed. It reports whether they did before ctx ended.
func (c *change) wait(ctx context.Context) bool {
	for range c.workers.shards {
		select {
		case <-c.done:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// endChange has partitions go on by the new rules. The rules are kept once more: a store that has lost all
// meanwhile has been given those of before.
func (s *Service) endChange(ctx context.Context, c *change) error {
	if err := s.keep(ctx, c.edition); err != nil {
		return err
	}
	w := s.workers
	w.edition.Store(c.edition)
	w.tellAlone(c.edition)
	w.alignment.Allow(watermark.Headroom(c.program))
	w.partitions.Changed()
	return nil
}
