package shard

import (
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/faultpoint"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Commit writes the batch as one atomic step. It tries until the store
// answers; an error is ctx's end, or damage. Afterwards the batch is empty: written, or
// forgotten with everything else if the store refused it.
func (s *counter) Commit(ctx context.Context) error {
	for {
		if err := s.readHeads(ctx); err != nil {
			return err
		}
		r := s.commits.build(&s.batch, &s.positions)
		if r.empty() {
			s.written(ctx, r)
			return nil
		}
		again, err := s.send(ctx, r)
		if err != nil || !again {
			return err
		}
	}
}

// readHeads reads the heads of the outboxes that the batch has crossings for.
func (s *counter) readHeads(ctx context.Context) error {
	for i := range s.commits.boxes {
		b := &s.commits.boxes[i]
		if b.read || !s.batch.has(i) {
			continue
		}
		if err := s.commits.readHead(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// send writes a commit and deals with the answer. It reports whether the commit is to be
// built and sent again.
func (s *counter) send(ctx context.Context, r *receipt) (again bool, err error) {
	var res windowstore.Result
	started := time.Now()
	before := s.Pulse.At(watchdog.StepCommit)
	err = s.Retrier.Retry(ctx, metrics.OperationCommit, s.Number, func() (err error) {
		faultpoint.Pass("commit")
		res, err = s.Store.Commit(ctx, s.Number, r.commit)
		return err
	})
	s.Pulse.At(before)
	faultpoint.Pass("committed")
	if err != nil {
		return false, err
	}
	s.Metrics.Commit(time.Since(started), r.commit)
	switch r.read(res) {
	case done:
		s.written(ctx, r)
		return false, nil
	case fenced:
		partition, stored := r.mismatch(res)
		s.reportMismatch(&s.positions.states[partition], stored)
		s.reset()
		return false, nil
	default:
		s.Metrics.Conflict()
		return s.reconcile(ctx, r, res)
	}
}

// written notes that the batch is in the store.
func (s *counter) written(ctx context.Context, r *receipt) {
	for partition, to := range r.moved() {
		s.positions.stored(partition, to)
	}
	for of, value := range r.wrote() {
		e := of.entry
		if e == nil {
			s.commits.boxes[of.box].written(value)
			continue
		}
		if len(e.version) == 0 {
			s.Metrics.SubjectMade(e.Kind)
		}
		e.written(value)
		s.listChanged(e)
	}
	s.tellTried()
	if len(s.batch.crossings) > 0 && s.OnCrossings != nil {
		s.OnCrossings(s.Number)
	}
	if list := s.batch.changed(); len(list) > 0 {
		index := index{&s.cache}
		index.note(ctx, list)
		_ = s.recheckIndex(ctx, list) // fails only if ctx ends: then the next owner's scan puts it right
	}
	s.close()
	faultpoint.Pass("indexed")
}

// tellTried tells the metrics of the crossings of which nobody else is told.
func (s *counter) tellTried() {
	for i := range s.batch.crossings {
		switch c := &s.batch.crossings[i]; {
		case c.to != noBox:
		case s.Shadow:
			s.Metrics.ShadowDropped()
		default:
			s.Metrics.ShadowCrossing(c.told)
		}
	}
}

// close ends the batch.
func (s *counter) close() {
	s.batch.clean()
	for _, e := range s.batch.entries {
		s.cache.count(e)
	}
	s.begin(s.batch.next())
}

// reportMismatch reports a fence that is not what was written.
func (s *counter) reportMismatch(p *partitionState, stored []byte) {
	d := p.difference(stored)
	if d.wentBack {
		s.Metrics.WentBack()
	}
	s.Log.Warn("fence is not what was written: going back to the stored one", "found", d.found, "shard", s.Number,
		"topic", p.assignment.Topic, "partition", p.assignment.Partition, "written", p.fence.Offset, "stored", d.offset)
}

// recheckIndex looks once more at subjects that were noted in the index, if other processes note some too.
func (s *counter) recheckIndex(ctx context.Context, entries []*Entry) error {
	if s.Peers.Load() == 0 {
		return nil
	}
	return index{&s.cache}.recheck(ctx, entries, s.StreamTime())
}
