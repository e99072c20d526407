package stream

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// message is what a shard's goroutine is told.
type message struct {
	kind       messageKind
	assignment *assignment
	chunk      *chunk            // takeRun
	fence      []byte            // beginLease: as stored
	position   position          // beginLease: what it says
	due        []windowstore.Due // sweepDue: subjects that may have a clear due
	done       chan<- struct{}   // endLease: told when it is over
}

type messageKind uint8

const (
	beginAssignment messageKind = iota
	takeChunk
	endAssignment
	sweepDue
)

// wake is what begins a turn of a shard.
type wake uint8

const (
	wakeLook    wake = iota // it is time to look at the fences
	wakeMessage             // somebody told it something
	wakeAge                 // it is time to look at the batch's age
)

// serve is the shard's goroutine: it takes messages until ctx ends, commits
// what has waited long enough, and looks after its fences.
func (s *shard) serve(ctx context.Context, in <-chan message) {
	look := time.NewTicker(verifyEvery)
	defer look.Stop()
	age := time.NewTimer(s.maxAge)
	defer age.Stop()
	err := s.turn(ctx, wakeLook, message{}) // how far others are, and what they have to say of since, is needed at once
	for {
		if err != nil && ctx.Err() == nil {
			s.fail(ctx, err)
		}
		s.pulse.at(stepRest)
		select {
		case <-ctx.Done():
			return
		case m := <-in:
			err = s.turn(ctx, wakeMessage, m)
		case <-age.C:
			age.Reset(s.ageEvery())
			err = s.turn(ctx, wakeAge, message{})
		case <-look.C:
			err = s.turn(ctx, wakeLook, message{})
		}
	}
}

// turn does what it was woken for, and what follows. An error is damage, or ctx's end.
func (s *shard) turn(ctx context.Context, w wake, m message) (err error) {
	switch w {
	case wakeMessage:
		err = s.handle(ctx, m)
	case wakeLook:
		err = s.verifyFences(ctx)
	case wakeAge:
		if s.hurried() {
			err = s.expedite(ctx)
		}
	}
	err = s.afterTurn(ctx, err)
	s.pulse.beat()
	return err
}

// ageEvery is how soon it looks again at the batch's age.
func (s *shard) ageEvery() time.Duration {
	if s.hurried() {
		return heldEvery
	}
	return s.maxAge / 4
}

// hurried reports whether a partition waits for what the shard stores.
func (s *shard) hurried() bool { return s.peers.Load() > 0 && s.alignment.expedited(s.now()) }

// afterTurn does what follows each turn of the loop: it commits what has waited
// long enough, keeps memory within bounds and tells others how far the shard is.
func (s *shard) afterTurn(ctx context.Context, err error) error {
	if err == nil && s.old() {
		err = s.commit(ctx)
	}
	if err == nil && s.outboxFull() {
		err = s.verifyFences(ctx)
	}
	s.evict()
	s.publish()
	return err
}

// outboxFull says whether the outbox may be at its limit, by what this process wrote and when the shard last looked.
func (s *shard) outboxFull() bool {
	return s.head.read && s.head.next-min(s.head.next, s.published) >= s.outboxMax
}

// heldEvery is how often a shard tells how far it is, and looks how far others
// are, while a partition waits for others, of this process or of another.
const heldEvery = 50 * time.Millisecond

// expedite does at once what else waits for its time.
func (s *shard) expedite(ctx context.Context) error {
	if err := s.commit(ctx); err != nil {
		return err
	}
	return s.verifyFences(ctx)
}

// verifyEvery is how often a shard compares its fences with the store.
const verifyEvery = 2 * time.Second

func (s *shard) handle(ctx context.Context, m message) error {
	switch m.kind {
	case beginAssignment:
		s.begin(m.assignment, m.fence, m.position)
		return nil
	case takeChunk:
		err := s.take(ctx, m.assignment, m.chunk)
		m.assignment.pool.put(m.chunk)
		return err
	case endAssignment:
		err := s.end(ctx, m.assignment)
		m.done <- struct{}{}
		return err
	default:
		defer s.pulse.at(s.pulse.at(stepSweep))
		return s.sweep(ctx, m.due)
	}
}

// old says whether the batch has waited long enough.
func (s *shard) old() bool {
	return !s.batch.begun.IsZero() && s.now().Sub(s.batch.begun) >= s.maxAge
}

// fail forgets what is in memory after damage was met, and waits before the
// shard tries again: it stands still until the store is mended.
func (s *shard) fail(ctx context.Context, err error) {
	s.metrics.storeError("decode", err)
	s.log.Error("shard stands still", "shard", s.number, "error", err)
	s.reset()
	defer s.pulse.at(s.pulse.at(stepPause))
	retry.Wait(ctx, 5*time.Second)
}

// verifyFences reads all fences of the shard. A fence of ours that is not what we last
// wrote means that the store went back, or that another owner is at work. It
// moves those that nothing moved, and learns how far others are.
func (s *shard) verifyFences(ctx context.Context) error {
	values, err := s.poll(ctx)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			s.metrics.storeError(operationLoad, err)
		}
		return nil
	}
	switch key := values[len(s.states)]; {
	case key == nil:
		s.restoreSettings(ctx)
	case !bytes.Equal(key, s.secret.bytes()):
		return errOtherSecret
	case s.keepsSettings():
		if err := s.lookSettings(ctx, values[len(values)-len(settingsKept):]); err != nil {
			return err
		}
	}
	values = values[:len(s.states)]
	for i, v := range values {
		p := &s.states[i]
		if p.stands && !bytes.Equal(v, p.stored) {
			s.reportMismatch(p, v)
			s.reset()
			return nil
		}
	}
	s.adopt(values)
	if s.keepsSettings() && s.coverage.pending() {
		s.lookSince(ctx, values)
	}
	if s.batch.begun.IsZero() {
		return s.commit(ctx)
	}
	return nil
}

// adopt takes the fences of others as stored. Of a partition whose fence is
// missing the shard has nothing.
func (s *shard) adopt(fences [][]byte) {
	for i, b := range fences {
		if s.states[i].stands {
			continue
		}
		m := position{newest: noTime, seen: noTime, clock: noTime}
		if b != nil {
			var err error
			if m, err = parseFence(b); err != nil {
				continue
			}
		}
		s.states[i].at = s.alignment.trusted(i, m)
	}
}

// reportMismatch says of a fence that is not what was written whether the store went
// back or lost it, or another owner of the partition moved it.
func (s *shard) reportMismatch(p *partitionState, stored []byte) {
	found := "another owner's"
	m, _ := parseFence(stored) // a fence that cannot be read is met again when the partition begins
	switch {
	case stored == nil:
		found = "none: the store lost it"
		s.metrics.wentBack()
	case m.offset < p.fence.offset:
		found = "an older one: the store went back"
		s.metrics.wentBack()
	}
	s.log.Warn("fence is not what was written: going back to the stored one", "found", found, "shard", s.number,
		"topic", p.assignment.topic, "partition", p.assignment.partition, "written", p.fence.offset, "stored", m.offset)
}

// poll reads the fences, and behind them the fingerprint key and, last, the settings. While the outbox
// is at its limit it does not return, so that nothing more is counted.
func (s *shard) poll(ctx context.Context) ([][]byte, error) {
	defer s.pulse.at(s.pulse.at(stepLook))
	keys := append(s.fenceKeys(), s.keys.AppendMetaKey(nil, s.number, windowstore.SettingFingerprint),
		s.keys.AppendHeadKey(nil, s.number), s.keys.AppendNotedKey(nil, s.number))
	depth := len(keys) - 2
	if s.keepsSettings() {
		for _, name := range settingsKept {
			keys = append(keys, s.keys.AppendMetaKey(nil, 0, name))
		}
	}
	for {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		readCtx, cancel := context.WithTimeout(ctx, verifyEvery)
		values, err := s.store.Load(readCtx, s.number, keys, nil)
		cancel()
		if err != nil {
			return nil, err
		}
		s.published = outboxPublished(values[depth+1])
		waiting := outboxDepth(values[depth], values[depth+1])
		if waiting < s.outboxMax {
			return values, nil
		}
		if held, ok := s.outboxFullLog.Pass(); ok {
			s.log.Warn("outbox is full: reading stops until crossings can be published", "shard", s.number, "entries", waiting, "held_back", held)
		}
		s.pulse.at(stepFull)
		retry.Wait(ctx, outboxFullEvery)
	}
}

// outboxFullEvery is how often a shard looks whether its outbox still is at its limit.
const outboxFullEvery = 200 * time.Millisecond

// restoreSettings puts the fingerprint key, and what else the store was made
// with, back into a store that lost everything: what is counted from now on must fit a later start.
func (s *shard) restoreSettings(ctx context.Context) {
	s.log.Warn("settings are gone from the store: writing them again", "shard", s.number)
	key := s.keys.AppendMetaKey(nil, s.number, windowstore.SettingFingerprint)
	_, err := s.store.PutAbsent(ctx, s.number, key, s.secret.bytes())
	if err == nil && s.keepsSettings() {
		err = s.rewriteSettings(ctx)
	}
	if err != nil && ctx.Err() == nil {
		s.metrics.storeError("setting", err)
	}
}

// keepsSettings says whether it is this shard that keeps what is stored once.
func (s *shard) keepsSettings() bool { return s.number == 0 && s.rewriteSettings != nil }

// settingsKept are those that the shard that keeps them looks after. The first says whose the store is.
var settingsKept = []string{windowstore.SettingOwner, windowstore.SettingCounters, windowstore.SettingShards, windowstore.SettingPartitions, windowstore.SettingBegins}

// lookSettings puts back what of the settings alone is gone. Since when counters are
// kept is what was known: nothing was lost that they count. The error is a store that is another deployment's by now.
func (s *shard) lookSettings(ctx context.Context, values [][]byte) error {
	if err := s.disowned(values[0]); err != nil {
		return err
	}
	if !slices.ContainsFunc(values, func(v []byte) bool { return v == nil }) {
		return nil
	}
	s.log.Warn("settings are gone from the store: writing them again", "shard", s.number)
	err := s.coverage.restore(ctx)
	if err == nil {
		err = s.rewriteSettings(ctx)
	}
	if err != nil && ctx.Err() == nil {
		s.metrics.storeError("setting", err)
	}
	return nil
}

// errOtherSecret: members counted with two keys would count twice.
var errOtherSecret = errors.New("the store was given another fingerprint key: stop all processes, restore the key (privacy.key_file) and start again")

// lookSince shows the stored fences to those who wait for a new pack to reach
// every partition.
func (s *shard) lookSince(ctx context.Context, fences [][]byte) {
	if err := s.coverage.observe(ctx, marksOf(fences)); err != nil && ctx.Err() == nil {
		s.metrics.storeError("setting", err)
	}
}

// publish tells the sweeper and the partitions how far the stream is here, and the metrics what it holds.
func (s *shard) publish() {
	s.streamTimeShared.Store(s.streamTime())
	if s.bytes != s.reportedBytes {
		s.metrics.cacheGrew(s.bytes - s.reportedBytes)
		s.reportedBytes = s.bytes
	}
	for i := range s.states {
		p := &s.states[i]
		if p.stands {
			continue
		}
		s.alignment.stored(i, s.number, p.at.seen, p.at.ended)
		if p.at.held {
			s.alignment.expedite(s.now())
		}
	}
}

// evict forgets subjects that were not used lately, when they hold too much
// memory: any of them, down to three quarters of the bound. The batch's own stay: when all others have gone
// it need not look again before the next batch.
func (s *shard) evict() {
	if s.bytes <= s.cacheBytes || s.emptied == s.batch.number {
		return
	}
	for name, e := range s.subjects {
		if e.dirty || e.used == s.batch.number {
			continue
		}
		delete(s.subjects, name)
		s.bytes -= e.size
		s.metrics.cacheEvicted()
		if s.bytes <= s.cacheBytes/4*3 {
			return
		}
	}
	s.emptied = s.batch.number
}

// shardQueue is how many messages may wait for a shard. Runs are bounded by
// their assignments; this only keeps partitions from waiting for each other's sends.
const shardQueue = 64
