package shard

import (
	"bytes"
	"context"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// reconcile takes the records that another process wrote since they were read,
// and applies this batch's operations on them again. If the operations of one were not kept, the
// shard goes back to its fences, and so it does if they need more than a commit holds by now. It says whether the commit is to be built again.
func (s *Shard) reconcile(ctx context.Context, res windowstore.Result) (again bool, err error) {
	s.missed(res)
	for _, p := range res.Records {
		if p.Index < len(s.commits.touched) && s.commits.touched[p.Index].kept == nil {
			s.Log.Debug("another process writes a subject: going back to the fences", "shard", s.Number)
			s.reset()
			return false, nil
		}
	}
	touched := slices.Clone(s.commits.touched)
	for _, p := range res.Records {
		if p.Index >= len(touched) {
			s.Head.read = p.Value != nil
			if err := s.takeHead(p.Value); err != nil {
				return false, err
			}
			continue
		}
		if err := s.redo(ctx, touched[p.Index], bytes.Clone(p.Value)); err != nil {
			return false, err
		}
	}
	s.Batch.conflict = false
	if s.Batch.CommitKeys() > windowstore.MaxCommitKeys {
		s.Log.Debug("sets that another process writes too have grown beyond one commit: going back to the fences", "shard", s.Number)
		s.reset()
		return false, nil
	}
	return true, nil
}

// missed tells of records that are gone from the store though their fences are there. Those that
// may be forgotten, since their windows are empty, are no news. They are counted anew: what is in
// memory may be older than the fences (a cache outlives its assignments), so it cannot stand in for them.
func (s *Shard) missed(res windowstore.Result) {
	for _, p := range res.Records {
		if p.Value != nil || p.Index >= len(s.commits.touched) {
			continue // of the outbox's head readHead tells
		}
		if e := s.commits.touched[p.Index]; e.version != nil && !e.empty {
			s.recordGone("a subject")
		}
	}
}

func (s *Shard) recordGone(what string) {
	s.Metrics.RecordGone()
	s.Log.Warn("record is gone from the store: counted anew", "shard", s.Number, "record", what)
}

// redo applies the kept operations of e to its record as another process left
// it. If a still newer record is met while parts are read, it begins again.
func (s *Shard) redo(ctx context.Context, e *Entry, record []byte) error {
	if err := s.decode(e, record); err != nil {
		return err
	}
	e.dirty = false // what it had is gone: a still newer record may be taken
	for again := true; again; {
		s.Batch.Crossings = slices.DeleteFunc(s.Batch.Crossings, func(a announced) bool { return a.entry == e })
		version := bytes.Clone(e.version)
		if err := s.readKept(ctx, e, 0); err != nil {
			return err
		}
		e.base = s.Apply.AppendProgress(e.base[:0], &e.Subject)
		again = !bytes.Equal(version, e.version)
		for i := 0; i < len(e.kept.Ops) && !again; i++ {
			e.kept.Operation(i, &s.op)
			if !s.load.complete(e, &s.op) {
				if err := s.readKept(ctx, e, i); err != nil {
					return err
				}
				if again = !bytes.Equal(version, e.version); again {
					break
				}
				e.kept.Operation(i, &s.op)
			}
			o := &e.kept.Ops[i]
			s.applyTo(e, s.States[o.Partition].assignment, o)
		}
	}
	e.dirty = true
	return nil
}

// readKept reads the parts that the kept operations of e need, from the i-th on, and its histories: a sweep keeps no operation.
func (s *Shard) readKept(ctx context.Context, e *Entry, i int) error {
	rest := Chunk{Ops: e.kept.Ops[i:], Adds: e.kept.Adds, text: e.kept.text}
	of := slices.Repeat([]*Entry{e}, len(rest.Ops))
	for {
		s.load.wantsOf(&rest, of, &s.op)
		for _, p := range e.NeedsHistory(nil) {
			s.load.want(e, p)
		}
		if len(s.load.wants) == 0 {
			return nil
		}
		if err := s.readParts(ctx); err != nil {
			return err
		}
	}
}

// keep notes s.op, which is o of its run, for redo.
func (s *Shard) keep(e *Entry, o *ChunkOp) {
	e.kept.Add(&s.op, int(o.Partition), o.offset, o.clock, o.Newest)
	s.Batch.kept++
}

// nearLevel reports whether a rule of e, of those that were fed, may reach its next level before the next
// commit, if the other processes have counted as much since the last one as this one has.
func (s *Shard) nearLevel(e *Entry, fed []int) bool {
	rules := s.Program.Kinds[e.Kind].Rules
	for _, r := range fed {
		progress := s.Apply.Progress(&e.Subject, r)
		next, ok := nextLevel(rules[r].Rule, e.RuleState(r).Level)
		if ok && progress > e.base[r] && uint64(next) <= progress+(progress-e.base[r])*uint64(s.Peers.Load()) {
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
