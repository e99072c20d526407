package stream

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// List is Store's, as are the next ones.
func (s *simStore) List(ctx context.Context, shard int, changes ...windowstore.RowChange) error {
	if err := s.world.call(ctx); err != nil {
		return err
	}
	x, past := &s.shards[shard], simPast{}
	for _, c := range changes {
		x.lists[c.Rule] = true
		kept, _ := s.Mem.LookUp(context.Background(), shard, c.RowName)
		sights, _ := s.Mem.Sights(context.Background(), shard, c.RowName)
		past.rows = append(past.rows, windowstore.RowChange{RowName: c.RowName, Progress: kept[0].Progress, Sights: sights[0], Gone: !kept[0].Listed})
	}
	slices.Reverse(past.rows)
	x.note(past)
	_ = s.Mem.List(context.Background(), shard, changes...)
	return s.world.call(ctx)
}

func (s *simStore) Rows(ctx context.Context, asked ...windowstore.RowsAsked) ([][]windowstore.Row, error) {
	if err := s.world.call(ctx); err != nil {
		return nil, err
	}
	return s.Mem.Rows(context.Background(), asked...)
}

func (s *simStore) LookUp(ctx context.Context, shard int, names ...windowstore.RowName) ([]windowstore.RowKept, error) {
	if err := s.world.call(ctx); err != nil {
		return nil, err
	}
	kept, _ := s.Mem.LookUp(context.Background(), shard, names...)
	return kept, s.world.call(ctx)
}

func (s *simStore) Sights(ctx context.Context, shard int, names ...windowstore.RowName) ([][]byte, error) {
	if err := s.world.call(ctx); err != nil {
		return nil, err
	}
	return s.Mem.Sights(context.Background(), shard, names...)
}

func (s *simStore) Lists(ctx context.Context, shard int) ([]string, error) {
	if err := s.world.call(ctx); err != nil {
		return nil, err
	}
	return s.Mem.Lists(context.Background(), shard)
}

func (s *simStore) DropStrays(ctx context.Context, shard int, rule string, from uint64) (uint64, error) {
	if err := s.world.call(ctx); err != nil {
		return 0, err
	}
	return s.Mem.DropStrays(context.Background(), shard, rule, from)
}

// list is a turn of the lister, of which only one is at work, as the shards' lists are held while they are written.
func (p *simProcess) list(all bool) {
	if p.workers == nil {
		return
	}
	l := p.edition.Load().lister()
	p.turn(l, func() {
		if all {
			l.Flush(p.ctx)
		} else {
			l.Turn(p.ctx)
		}
	})
}

// gently lets the last events come while nothing breaks: no scan is needed then for the lists to be right. It begins with lists that
// a scan has put right, if that is possible at once.
func (w *simWorld) gently() error {
	w.calm = true
	w.log.growAll()
	w.gather()
	w.agree()
	w.pass(shard.VerifyEvery)
	for range 2 {
		for _, p := range w.processes {
			for i := range p.shards {
				p.shardTurn(i, true)
			}
			p.list(true)
			p.sweep(true)
		}
		w.drain()
	}
	w.calm = false
	for n := range simShards {
		if !w.scanned(n) {
			return nil
		}
	}
	if w.checkLists() != nil {
		return nil
	}
	w.gentle = true
	for range 100 {
		w.turn()
	}
	w.gentle, w.calm = false, true
	w.log.produceAll()
	w.gather()
	w.drain()
	for _, p := range w.processes {
		p.list(true)
	}
	if err := w.checkLists(); err != nil {
		return fmt.Errorf("before a scan: %w", err)
	}
	w.calm = false
	return nil
}

// checkLists compares the lists of subjects near a limit with their records.
func (w *simWorld) checkLists() error {
	program := w.truth.kind.program
	want := map[string]uint64{}
	for n := range simShards {
		if !w.scanned(n) {
			continue
		}
		for key := range w.store.shards[n].keys {
			if _, _, _, ok := w.store.Keys().ParseRecordKey([]byte(key)); !ok {
				continue
			}
			if err := w.wantRows(n, []byte(key), want); err != nil {
				return err
			}
		}
	}
	for n := range simShards {
		if !w.scanned(n) {
			continue
		}
		for rule := range program.Rules {
			lists, _ := w.store.Mem.Rows(w.ctx, windowstore.RowsAsked{Shard: n, Rule: rule.ID, From: windowstore.Top(), Limit: 1e6})
			for _, row := range lists[0] {
				name := fmt.Sprintf("%d/%s/%s", n, rule.ID, row.ID)
				if progress, ok := want[name]; !ok || progress != row.Progress {
					return fmt.Errorf("listed is %s with %d, want it %v, with %d", name, row.Progress, ok, progress)
				}
				delete(want, name)
			}
		}
	}
	for name, progress := range want {
		return fmt.Errorf("not listed: %s with %d", name, progress)
	}
	return nil
}

// scanned reports whether a shard is scanned: how far the stream is there may not be known again since the store went back.
func (w *simWorld) scanned(n int) bool {
	return !slices.ContainsFunc(w.processes, func(p *simProcess) bool { return p.shards[n].StreamTimeShared.Load() == engine.NoTime })
}

// wantRows notes the rows of the record under a key.
func (w *simWorld) wantRows(n int, key []byte, want map[string]uint64) error {
	record := w.store.peek(n, key)
	_, name, id, _ := w.store.Keys().ParseRecordKey(key)
	kind, _ := thresholds.ParseKind(name)
	if record == nil || kind == thresholds.Canary {
		return nil
	}
	r := inspect.Reader{Program: w.truth.kind.program, Store: w.store.Mem, Shards: simShards}
	s, err := r.Subject(w.ctx, n, kind, bytes.Clone(id), record)
	if err != nil {
		return err
	}
	now, ok := s.Time()
	if !ok || s.Empty(now) {
		return nil // its windows ran empty
	}
	for i := range r.Program.Kinds[kind].Rules {
		rule := &r.Program.Kinds[kind].Rules[i]
		if progress := rule.Progress(rule.AppendValues(nil, s.Subject)); progress >= uint64(engine.ListedFrom) || s.RuleState(i).Level > 0 {
			want[fmt.Sprintf("%d/%s/%s", n, rule.ID, id)] = progress
		}
	}
	return nil
}
