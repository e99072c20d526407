package shard

import (
	"bytes"
	"context"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// reconcile takes the records that another process wrote since they were read, and applies this
// batch's operations on them again. If the operations of a record were not kept, the shard goes
// back to its fences. So it does if they need more than a commit holds by now. It reports whether
// the commit is to be built again.
func (s *counter) reconcile(ctx context.Context, r *receipt, res windowstore.Result) (again bool, err error) {
	// Records that are gone from the store though their fences are there are reported. Those that
	// may be forgotten are no news. They are counted again: what is in memory may be older than the
	// fences (a cache outlives its assignments), so it cannot stand in for them. readHead reports
	// that the outbox's head is gone.
	keptAll := true
	for of, stored := range r.newer(res) {
		e := of.entry
		if e == nil {
			continue
		}
		if stored == nil && e.gone() {
			s.recordGone(s.Number, "a subject")
		}
		keptAll = keptAll && e.kept != nil
	}
	if !keptAll {
		s.Log.Debug("another process writes a subject: going back to the fences", "shard", s.Number)
		s.reset()
		return false, nil
	}
	for of, stored := range r.newer(res) {
		if of.entry == nil {
			b := &s.commits.boxes[of.box]
			b.read = stored != nil
			err = s.commits.takeHead(b, stored)
		} else {
			err = s.redo(ctx, of.entry, bytes.Clone(stored))
		}
		if err != nil {
			return false, err
		}
	}
	s.batch.conflict = false
	if s.batch.commitKeys() > windowstore.MaxCommitKeys {
		s.Log.Debug("sets that another process writes too have grown beyond one commit: going back to the fences", "shard", s.Number)
		s.reset()
		return false, nil
	}
	return true, nil
}

// redo applies the kept operations of e to its record as another process left
// it. If a still newer record is met while parts are read, it begins again.
func (s *counter) redo(ctx context.Context, e *Entry, record []byte) error {
	if err := s.cache.decode(e, record); err != nil {
		return err
	}
	e.dirty = false // what it had is gone: a still newer record may be taken
	var op engine.Operation
	for again := true; again; {
		s.batch.withdraw(e)
		version := bytes.Clone(e.version)
		if err := s.readKept(ctx, e, 0); err != nil {
			return err
		}
		e.base = s.apply.AppendProgress(e.base[:0], &e.Subject)
		s.beginNear(e)
		e.begun = true
		again = !bytes.Equal(version, e.version)
		for i := 0; i < len(e.kept.Ops) && !again; i++ {
			if !s.cache.complete(e, e.kept.adds(i)) {
				if err := s.readKept(ctx, e, i); err != nil {
					return err
				}
				if again = !bytes.Equal(version, e.version); again {
					break
				}
			}
			o := &e.kept.Ops[i]
			e.kept.Operation(i, &op)
			s.applyTo(e, s.positions.states[o.Partition].assignment, &op, o)
		}
	}
	e.dirty = true
	return nil
}

// readKept reads the parts that the kept operations of e need, from the i-th on, and its histories: a sweep keeps no operation.
func (s *counter) readKept(ctx context.Context, e *Entry, i int) error {
	list := func(yield func(*Entry, []engine.Addition) bool) {
		for j := i; j < len(e.kept.Ops) && yield(e, e.kept.adds(j)); j++ {
		}
		yield(e, nil)
	}
	for {
		wants := s.cache.missing(list)
		if len(wants) == 0 {
			return nil
		}
		conflict, err := s.cache.readParts(ctx, wants)
		if s.batch.conflict = s.batch.conflict || conflict; err != nil {
			return err
		}
	}
}

// nearLevel reports whether a rule of e, among the rules in fed, may reach its next level before
// the next commit. It assumes that the other processes have counted as much since the last commit
// as this one has.
func nearLevel(a *engine.Applier, e *Entry, fed []int, peers uint64) bool {
	rules := a.Program.Kinds[e.Kind].Rules
	for _, r := range fed {
		progress := a.Progress(&e.Subject, r)
		next, ok := nextLevel(rules[r].Rule, e.RuleState(r).Level)
		if ok && progress > e.base[r] && uint64(next) <= progress+(progress-e.base[r])*peers {
			return true
		}
	}
	return false
}

func nextLevel(r *thresholds.Rule, announced uint64) (thresholds.Level, bool) {
	for _, l := range r.Levels {
		if uint64(l) > announced {
			return l, true
		}
	}
	return 0, false
}
