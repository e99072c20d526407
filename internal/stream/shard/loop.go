package shard

import (
	"context"
	"errors"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Message is what a shard's goroutine is sent.
type Message struct {
	Kind       messageKind
	Assignment *Assignment
	Chunk      *Chunk            // TakeChunk
	Program    *engine.Program   // BeginAssignment: by which its chunks are made; nil: the shard's
	Fence      []byte            // BeginAssignment: as stored
	Position   position.Position // BeginAssignment: what it says
	Due        []windowstore.Due // SweepDue: subjects that may have a clear due
	Rules      *Options          // ChangeRules: those from now on, made by Options.By
	Done       chan<- struct{}   // EndAssignment, ChangeRules: gets a value when it is over
}

type messageKind uint8

// The kinds of messages.
const (
	BeginAssignment messageKind = iota
	TakeChunk
	EndAssignment
	SweepDue
	ChangeRules
)

// wake is what begins a turn of a shard.
type wake uint8

// What begins a turn.
const (
	WakeLook    wake = iota // it is time to look at the fences
	WakeMessage             // a message came
	WakeAge                 // it is time to look at the batch's age
)

// Serve is the shard's goroutine: it takes messages until ctx ends, commits
// what has waited long enough, and looks after its fences.
func (s *Shard) Serve(ctx context.Context, in <-chan Message) {
	look := time.NewTicker(VerifyEvery)
	defer look.Stop()
	age := time.NewTimer(s.MaxAge)
	defer age.Stop()
	err := s.Turn(ctx, WakeLook, Message{}) // how far others are, and what they have to say of since, is needed at once
	for {
		if err != nil && ctx.Err() == nil {
			s.fail(ctx, err)
		}
		s.Pulse.At(watchdog.StepRest)
		select {
		case <-ctx.Done():
			return
		case m := <-in:
			err = s.Turn(ctx, WakeMessage, m)
		case <-age.C:
			age.Reset(s.ageEvery())
			err = s.Turn(ctx, WakeAge, Message{})
		case <-look.C:
			err = s.Turn(ctx, WakeLook, Message{})
		}
	}
}

// Turn does what it was woken for, and what follows. An error is damage, or ctx's end.
func (s *Shard) Turn(ctx context.Context, w wake, m Message) (err error) {
	switch w {
	case WakeMessage:
		err = s.Handle(ctx, m)
	case WakeLook:
		err = s.VerifyFences(ctx)
	case WakeAge:
		if s.hurried() {
			err = s.expedite(ctx)
		}
	}
	err = s.afterTurn(ctx, err)
	s.Pulse.Beat()
	return err
}

// ageEvery is how soon it looks again at the batch's age.
func (s *Shard) ageEvery() time.Duration {
	if s.hurried() {
		return heldEvery
	}
	return s.MaxAge / 4
}

// hurried reports whether a partition waits for what the shard stores.
func (s *Shard) hurried() bool { return s.Peers.Load() > 0 && s.Alignment.Expedited(s.Now()) }

// afterTurn does what follows each turn of the loop. It commits what has waited long enough, keeps
// memory within bounds and reports to others how far the shard is.
func (s *Shard) afterTurn(ctx context.Context, err error) error {
	if err == nil && s.due(&s.batch, point{place: afterTurn}, s.Now()) != notDue {
		err = s.Commit(ctx)
	}
	if err == nil && s.commits.boxes[liveBox].full(s.OutboxMax) {
		err = s.VerifyFences(ctx)
	}
	s.cache.evict()
	s.Publish()
	return err
}

// heldEvery is how often a shard reports how far it is, and looks how far others are, while a
// partition waits for others. These may be of this process or of another.
const heldEvery = 50 * time.Millisecond

// expedite does at once what else waits for its time.
func (s *Shard) expedite(ctx context.Context) error {
	if err := s.Commit(ctx); err != nil {
		return err
	}
	return s.VerifyFences(ctx)
}

// Handle does what a message asks for.
func (s *Shard) Handle(ctx context.Context, m Message) error {
	switch m.Kind {
	case BeginAssignment:
		if m.Program != nil && m.Program != s.Program {
			m.Assignment.askRestart() // the numbers in its chunks are those of other counters
			return nil
		}
		s.Begin(m.Assignment, m.Fence, m.Position)
		return nil
	case ChangeRules:
		err := s.Change(ctx, m.Rules)
		m.Done <- struct{}{}
		return err
	case TakeChunk:
		err := s.Take(ctx, m.Assignment, m.Chunk)
		m.Assignment.Pool.Put(m.Chunk)
		return err
	case EndAssignment:
		err := s.End(ctx, m.Assignment)
		m.Done <- struct{}{}
		return err
	default:
		defer s.Pulse.At(s.Pulse.At(watchdog.StepClear))
		return s.Sweep(ctx, m.Due)
	}
}

// fail forgets what is in memory after damage was met, and waits before the
// shard tries again: it stands still until the store is mended.
func (s *Shard) fail(ctx context.Context, err error) {
	s.Calls.Failed(metrics.OperationDecode, err)
	s.Log.Error("shard stands still", "shard", s.Number, "error", err)
	s.reset()
	defer s.Pulse.At(s.Pulse.At(watchdog.StepPause))
	retry.Wait(ctx, 5*time.Second)
}

// VerifyFences reads all fences of the shard. A fence of ours that is not what we last
// wrote means that the store went back, or that another owner is at work. It
// moves those that nothing moved, and learns how far others are.
func (s *Shard) VerifyFences(ctx context.Context) error {
	v, err := s.watch.poll(ctx)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			s.Calls.Failed(metrics.OperationLoad, err)
		}
		return nil
	}
	if err := s.watch.check(ctx, &v); err != nil {
		return err
	}
	if i, p := s.positions.mismatch(v.fences); p != nil {
		s.reportMismatch(p, v.fences[i])
		s.reset()
		return nil
	}
	s.positions.adopt(v.fences, s.Alignment.Trusted)
	s.watch.observe(ctx, &v)
	if s.due(&s.batch, point{place: afterVerify}, time.Time{}) != notDue {
		return s.Commit(ctx)
	}
	return nil
}

// Publish notes for the sweeper and the partitions how far the stream is here, and for the metrics
// what the shard holds.
func (s *Shard) Publish() {
	s.StreamTimeShared.Store(s.StreamTime())
	s.cache.report()
	for i := range s.positions.states {
		p := &s.positions.states[i]
		if p.stands {
			continue
		}
		s.Alignment.Stored(i, s.Number, p.at.Seen, p.at.Ended)
		if p.at.Held {
			s.Alignment.Expedite(s.Now())
		}
	}
}
