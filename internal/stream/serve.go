package stream

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// message is what a shard's goroutine is told.
type message struct {
	kind  messageKind
	lease *lease
	run   *run            // takeRun
	fence []byte          // beginLease: as stored
	mark  mark            // beginLease: what it says
	due   []windows.Due   // sweepDue: subjects that may have a clear due
	done  chan<- struct{} // endLease: told when it is over
}

type messageKind uint8

const (
	beginLease messageKind = iota
	takeRun
	endLease
	sweepDue
)

// serve is the shard's goroutine: it takes messages until ctx ends, commits
// what has waited long enough, and looks after its fences.
func (s *shard) serve(ctx context.Context, in <-chan message) {
	look := time.NewTicker(watchEvery)
	defer look.Stop()
	age := time.NewTimer(s.maxAge)
	defer age.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case m := <-in:
			err = s.handle(ctx, m)
		case <-age.C:
			if s.tide.held.Load() == 0 {
				age.Reset(s.maxAge / 4)
				break
			}
			age.Reset(heldEvery)
			err = s.hurry(ctx)
		case <-look.C:
			err = s.watch(ctx)
		}
		if err == nil && s.old() {
			err = s.commit(ctx)
		}
		s.evict()
		s.publish()
		if err != nil && ctx.Err() == nil {
			s.fail(ctx, err)
		}
	}
}

// heldEvery is how often a shard tells how far it is, and looks how far others
// are, while a partition waits for others.
const heldEvery = 50 * time.Millisecond

// hurry does at once what else waits for its time. One shard will do: the
// others' fences say the same.
func (s *shard) hurry(ctx context.Context) error {
	if s.number != 0 {
		return nil
	}
	if err := s.commit(ctx); err != nil {
		return err
	}
	return s.watch(ctx)
}

// watchEvery is how often a shard compares its fences with the store.
const watchEvery = 2 * time.Second

func (s *shard) handle(ctx context.Context, m message) error {
	switch m.kind {
	case beginLease:
		s.begin(m.lease, m.fence, m.mark)
		return nil
	case takeRun:
		err := s.take(ctx, m.lease, m.run)
		m.lease.free <- m.run
		return err
	case endLease:
		err := s.end(ctx, m.lease)
		m.done <- struct{}{}
		return err
	default:
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
	wait(ctx, 5*time.Second)
}

// watch reads all fences of the shard. A fence of ours that is not what we last
// wrote means that the store went back, or that another owner is at work. It
// moves those that nothing moved, and learns how far others are.
func (s *shard) watch(ctx context.Context) error {
	values, err := s.look(ctx)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			s.metrics.storeError("load", err)
		}
		return nil
	}
	switch key := values[len(s.places)]; {
	case key == nil:
		s.restoreSecret(ctx)
	case !bytes.Equal(key, s.secret.bytes()):
		return errOtherSecret
	}
	values = values[:len(s.places)]
	for i, v := range values {
		p := &s.places[i]
		if p.stands && !bytes.Equal(v, p.stored) {
			s.log.Warn("fence is not what was written: going back to it", "shard", s.number,
				"topic", p.lease.topic, "partition", p.lease.partition, "gone", v == nil)
			s.reset()
			return nil
		}
		if p.stands || v == nil {
			continue
		}
		if m, err := parseFence(v); err == nil {
			p.at = m
		}
	}
	if s.number == 0 && s.sinces != nil && s.sinces.pending() {
		s.lookSince(ctx, values)
	}
	if s.batch.begun.IsZero() {
		return s.commit(ctx)
	}
	return nil
}

// look reads the fences, and behind them the fingerprint key. While the outbox
// is at its limit it does not return, so that nothing more is counted.
func (s *shard) look(ctx context.Context) ([][]byte, error) {
	var keys [][]byte
	for i := range s.places {
		keys = append(keys, s.places[i].key)
	}
	keys = append(keys, s.keys.AppendMetaKey(nil, s.number, settingFingerprint),
		s.keys.AppendHeadKey(nil, s.number), s.keys.AppendNotedKey(nil, s.number))
	for {
		readCtx, cancel := context.WithTimeout(ctx, watchEvery)
		values, err := s.store.Load(readCtx, s.number, keys, nil)
		cancel()
		if err != nil {
			return nil, err
		}
		waiting := outboxDepth(values[len(keys)-2], values[len(keys)-1])
		if waiting < s.outboxMax {
			return values, nil
		}
		s.log.Warn("outbox is full: reading stops until crossings can be published", "shard", s.number, "entries", waiting)
		wait(ctx, watchEvery)
	}
}

// outboxDepth is how many entries wait, by the stored head and noted.
func outboxDepth(head, noted []byte) uint64 {
	var h, n uint64
	if len(head) == windows.VersionSize+8 {
		h = binary.BigEndian.Uint64(head[windows.VersionSize:])
	}
	if len(noted) == 8 {
		n = binary.BigEndian.Uint64(noted)
	}
	return h - min(h, n)
}

// restoreSecret puts the fingerprint key back into a store that lost everything:
// members counted from now on must fit those of a later start.
func (s *shard) restoreSecret(ctx context.Context) {
	key := s.keys.AppendMetaKey(nil, s.number, settingFingerprint)
	if _, err := s.store.PutAbsent(ctx, s.number, key, s.secret.bytes()); err != nil && ctx.Err() == nil {
		s.metrics.storeError("setting", err)
	}
}

// errOtherSecret: members counted with two keys would count twice.
var errOtherSecret = errors.New("the store was given another fingerprint key: stop all processes, restore the key (privacy.key_file) and start again")

// lookSince shows the stored fences to those who wait for a new pack to reach
// every partition.
func (s *shard) lookSince(ctx context.Context, fences [][]byte) {
	marks := make([]mark, len(fences))
	for i, b := range fences {
		if b != nil {
			marks[i], _ = parseFence(b)
		}
	}
	if err := s.sinces.look(ctx, marks); err != nil && ctx.Err() == nil {
		s.metrics.storeError("setting", err)
	}
}

// publish tells the sweeper and the partitions how far the stream is here, and the metrics what it holds.
func (s *shard) publish() {
	s.reached.Store(s.streamTime())
	if s.bytes != s.told {
		s.metrics.cached.Add(float64(s.bytes - s.told))
		s.told = s.bytes
	}
	if s.number != 0 {
		return
	}
	for i := range s.places {
		if p := &s.places[i]; !p.stands {
			s.tide.set(i, p.at.newest, p.at.ended)
		}
	}
}

// evict forgets subjects that were not used lately, when they hold too much
// memory: any of them, down to three quarters of the bound.
func (s *shard) evict() {
	if s.bytes <= s.cacheBytes {
		return
	}
	for name, e := range s.subjects {
		if e.dirty || e.used == s.batch.number {
			continue
		}
		delete(s.subjects, name)
		s.bytes -= e.size
		s.metrics.evicted.Inc()
		if s.bytes <= s.cacheBytes/4*3 {
			return
		}
	}
}
