package shard

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Message is what a shard's goroutine is told.
type Message struct {
	Kind       messageKind
	Assignment *Assignment
	Chunk      *Chunk            // takeRun
	Fence      []byte            // beginLease: as stored
	Position   position.Position // beginLease: what it says
	Due        []windowstore.Due // sweepDue: subjects that may have a clear due
	Done       chan<- struct{}   // endLease: told when it is over
}

type messageKind uint8

const (
	BeginAssignment messageKind = iota
	TakeChunk
	EndAssignment
	SweepDue
)

// wake is what begins a turn of a shard.
type wake uint8

const (
	WakeLook    wake = iota // it is time to look at the fences
	WakeMessage             // somebody told it something
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

// afterTurn does what follows each turn of the loop: it commits what has waited
// long enough, keeps memory within bounds and tells others how far the shard is.
func (s *Shard) afterTurn(ctx context.Context, err error) error {
	if err == nil && s.due(&s.Batch, point{place: afterTurn}, s.Now()) != notDue {
		err = s.Commit(ctx)
	}
	if err == nil && s.outboxFull() {
		err = s.VerifyFences(ctx)
	}
	s.Evict()
	s.Publish()
	return err
}

// outboxFull says whether the outbox may be at its limit, by what this process wrote and when the shard last looked.
func (s *Shard) outboxFull() bool {
	return s.Head.read && s.Head.Next-min(s.Head.Next, s.published) >= s.OutboxMax
}

// heldEvery is how often a shard tells how far it is, and looks how far others
// are, while a partition waits for others, of this process or of another.
const heldEvery = 50 * time.Millisecond

// expedite does at once what else waits for its time.
func (s *Shard) expedite(ctx context.Context) error {
	if err := s.Commit(ctx); err != nil {
		return err
	}
	return s.VerifyFences(ctx)
}

// VerifyEvery is how often a shard compares its fences with the store.
const VerifyEvery = 2 * time.Second

func (s *Shard) Handle(ctx context.Context, m Message) error {
	switch m.Kind {
	case BeginAssignment:
		s.Begin(m.Assignment, m.Fence, m.Position)
		return nil
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
	s.Metrics.StoreError("decode", err)
	s.Log.Error("shard stands still", "shard", s.Number, "error", err)
	s.reset()
	defer s.Pulse.At(s.Pulse.At(watchdog.StepPause))
	retry.Wait(ctx, 5*time.Second)
}

// VerifyFences reads all fences of the shard. A fence of ours that is not what we last
// wrote means that the store went back, or that another owner is at work. It
// moves those that nothing moved, and learns how far others are.
func (s *Shard) VerifyFences(ctx context.Context) error {
	values, err := s.poll(ctx)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			s.Metrics.StoreError(metrics.OperationLoad, err)
		}
		return nil
	}
	switch key := values[len(s.States)]; {
	case key == nil:
		s.restoreSettings(ctx)
	case !bytes.Equal(key, s.Secret.Bytes()):
		return errOtherSecret
	case s.keepsSettings():
		if err := s.lookSettings(ctx, values[len(values)-settings.NumKept:]); err != nil {
			return err
		}
	}
	values = values[:len(s.States)]
	for i, v := range values {
		p := &s.States[i]
		if p.Stands && !bytes.Equal(v, p.Stored) {
			s.reportMismatch(p, v)
			s.reset()
			return nil
		}
	}
	s.adopt(values)
	if s.keepsSettings() && s.Settings.Coverage.Pending() {
		s.lookSince(ctx, values)
	}
	if s.due(&s.Batch, point{place: afterVerify}, time.Time{}) != notDue {
		return s.Commit(ctx)
	}
	return nil
}

// adopt takes the fences of others as stored. Of a partition whose fence is
// missing the shard has nothing.
func (s *Shard) adopt(fences [][]byte) {
	for i, b := range fences {
		if s.States[i].Stands {
			continue
		}
		m := position.Position{Newest: engine.NoTime, Seen: engine.NoTime, Clock: engine.NoTime}
		if b != nil {
			var err error
			if m, err = position.ParseFence(b); err != nil {
				continue
			}
		}
		s.States[i].At = s.Alignment.Trusted(i, m)
	}
}

// reportMismatch says of a fence that is not what was written whether the store went
// back or lost it, or another owner of the partition moved it.
func (s *Shard) reportMismatch(p *partitionState, stored []byte) {
	found := "another owner's"
	m, _ := position.ParseFence(stored) // a fence that cannot be read is met again when the partition begins
	switch {
	case stored == nil:
		found = "none: the store lost it"
		s.Metrics.WentBack()
	case m.Offset < p.fence.Offset:
		found = "an older one: the store went back"
		s.Metrics.WentBack()
	}
	s.Log.Warn("fence is not what was written: going back to the stored one", "found", found, "shard", s.Number,
		"topic", p.assignment.Topic, "partition", p.assignment.Partition, "written", p.fence.Offset, "stored", m.Offset)
}

// poll reads the fences, and behind them the fingerprint key and, last, the settings. While the outbox
// is at its limit it does not return, so that nothing more is counted.
func (s *Shard) poll(ctx context.Context) ([][]byte, error) {
	defer s.Pulse.At(s.Pulse.At(watchdog.StepVerifyFences))
	keys := append(s.fenceKeys(), s.Keys.AppendMetaKey(nil, s.Number, windowstore.SettingFingerprint),
		s.Keys.AppendHeadKey(nil, s.Number), s.Keys.AppendPublishedKey(nil, s.Number))
	depth := len(keys) - 2
	if s.keepsSettings() {
		keys = settings.AppendKeptKeys(keys, s.Keys)
	}
	for {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		readCtx, cancel := context.WithTimeout(ctx, VerifyEvery)
		values, err := s.Store.Load(readCtx, s.Number, keys, nil)
		cancel()
		if err != nil {
			return nil, err
		}
		s.published = outbox.ParsePublished(values[depth+1])
		waiting := outbox.Depth(values[depth], values[depth+1])
		if waiting < s.OutboxMax {
			return values, nil
		}
		if held, ok := s.OutboxFullLog.Pass(); ok {
			s.Log.Warn("outbox is full: reading stops until crossings can be published", "shard", s.Number, "entries", waiting, "held_back", held)
		}
		s.Pulse.At(watchdog.StepOutboxFull)
		retry.Wait(ctx, outboxFullEvery)
	}
}

// outboxFullEvery is how often a shard looks whether its outbox still is at its limit.
const outboxFullEvery = 200 * time.Millisecond

// restoreSettings puts the fingerprint key, and what else the store was made
// with, back into a store that lost everything: what is counted from now on must fit a later start.
func (s *Shard) restoreSettings(ctx context.Context) {
	s.Log.Warn("settings are gone from the store: writing them again", "shard", s.Number)
	key := s.Keys.AppendMetaKey(nil, s.Number, windowstore.SettingFingerprint)
	_, err := s.Store.PutAbsent(ctx, s.Number, key, s.Secret.Bytes())
	if err == nil && s.keepsSettings() {
		err = s.Settings.Rewrite(ctx)
	}
	if err != nil && ctx.Err() == nil {
		s.Metrics.StoreError("setting", err)
	}
}

// keepsSettings says whether it is this shard that keeps what is stored once.
func (s *Shard) keepsSettings() bool { return s.Number == 0 && s.Settings.Kept }

// lookSettings puts back what of the settings alone is gone. Since when counters are
// kept is what was known: nothing was lost that they count. The error is a store that is another deployment's by now.
func (s *Shard) lookSettings(ctx context.Context, values [][]byte) error {
	if err := s.Settings.Disowned(values[0]); err != nil {
		return err
	}
	if !slices.ContainsFunc(values, func(v []byte) bool { return v == nil }) {
		return nil
	}
	s.Log.Warn("settings are gone from the store: writing them again", "shard", s.Number)
	err := s.Settings.Coverage.restore(ctx)
	if err == nil {
		err = s.Settings.Rewrite(ctx)
	}
	if err != nil && ctx.Err() == nil {
		s.Metrics.StoreError("setting", err)
	}
	return nil
}

// errOtherSecret: members counted with two keys would count twice.
var errOtherSecret = errors.New("the store was given another fingerprint key: stop all processes, restore the key (privacy.key_file) and start again")

// lookSince shows the stored fences to those who wait for a new pack to reach
// every partition.
func (s *Shard) lookSince(ctx context.Context, fences [][]byte) {
	if err := s.Settings.Coverage.Observe(ctx, position.ParseFences(fences)); err != nil && ctx.Err() == nil {
		s.Metrics.StoreError("setting", err)
	}
}

// Publish tells the sweeper and the partitions how far the stream is here, and the metrics what it holds.
func (s *Shard) Publish() {
	s.StreamTimeShared.Store(s.StreamTime())
	if s.Bytes != s.reportedBytes {
		s.Metrics.CacheGrew(s.Bytes - s.reportedBytes)
		s.reportedBytes = s.Bytes
	}
	for i := range s.States {
		p := &s.States[i]
		if p.Stands {
			continue
		}
		s.Alignment.Stored(i, s.Number, p.At.Seen, p.At.Ended)
		if p.At.Held {
			s.Alignment.Expedite(s.Now())
		}
	}
}

// Evict forgets subjects that were not used lately, when they hold too much
// memory: any of them, down to three quarters of the bound. The batch's own stay: when all others have gone
// it need not look again before the next batch.
func (s *Shard) Evict() {
	if s.Bytes <= s.CacheBytes || s.Emptied == s.Batch.Number {
		return
	}
	for name, e := range s.Subjects {
		if e.dirty || e.used == s.Batch.Number {
			continue
		}
		delete(s.Subjects, name)
		s.Bytes -= e.size
		s.Metrics.CacheEvicted()
		if s.Bytes <= s.CacheBytes/4*3 {
			return
		}
	}
	s.Emptied = s.Batch.Number
}
