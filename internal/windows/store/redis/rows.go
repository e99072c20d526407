package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Rows is Store's. Rows of one progress have no place of their own in Redis. So a place in the middle of them is found by
// bisection over their ranks: one command a step, of all lists together.
func (r *Store) Rows(ctx context.Context, asked ...store.RowsAsked) ([][]store.Row, error) {
	all := make([]stretch, len(asked))
	for i := range asked {
		all[i] = stretch{RowsAsked: &asked[i], key: r.keys.AppendListKey(nil, asked[i].Shard, asked[i].Rule)}
	}
	rows, err := r.stretches(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("rows of %d lists: %w", len(asked), err)
	}
	return rows, nil
}

// stretch is a stretch of a list that is being looked for.
type stretch struct {
	*store.RowsAsked
	key       []byte
	low, high int // between these ranks it begins, if a place among equals is asked for
}

// among reports whether the place is among rows of one progress.
func (s *stretch) among() bool { return len(s.From.ID) > 0 || s.From.After }

func (r *Store) stretches(ctx context.Context, all []stretch) ([][]store.Row, error) {
	if err := r.equals(ctx, all); err != nil {
		return nil, err
	}
	for {
		more, err := r.halve(ctx, all)
		if err != nil {
			return nil, err
		}
		if !more {
			return r.read(ctx, all)
		}
	}
}

// equals finds between which ranks the rows of the progress asked for are.
func (r *Store) equals(ctx context.Context, all []stretch) error {
	p := pipeline{store: r}
	for i := range all {
		if s := &all[i]; s.among() {
			score := scoreOf(s.From.Progress)
			p.add("zcount", s.key, "-inf", fmt.Sprint("(", score))
			p.add("zcount", s.key, "-inf", score)
		}
	}
	err := p.send(ctx)
	at := 0
	for i := range all {
		if s := &all[i]; s.among() && err == nil {
			low, err1 := p.cmds[at].(*goredis.Cmd).Int()
			high, err2 := p.cmds[at+1].(*goredis.Cmd).Int()
			s.low, s.high = low, high
			err = errors.Join(err1, err2)
			at += 2
		}
	}
	return err
}

// halve looks in the middle of each stretch in which the place is not found yet. It reports whether there was any.
func (r *Store) halve(ctx context.Context, all []stretch) (more bool, err error) {
	p := pipeline{store: r}
	var open []*stretch
	for i := range all {
		if s := &all[i]; s.low < s.high {
			open = append(open, s)
			middle := (s.low + s.high) / 2
			p.add("zrange", s.key, middle, middle)
		}
	}
	if err := p.send(ctx); err != nil {
		return false, err
	}
	for i, s := range open {
		middle := (s.low + s.high) / 2
		found, _ := p.cmds[i].(*goredis.Cmd).Val().([]any)
		if len(found) == 0 { // the list has shrunk meanwhile
			s.high = middle
			continue
		}
		id, _ := found[0].(string)
		if c := bytes.Compare([]byte(id), s.From.ID); c < 0 || c == 0 && s.From.After {
			s.low = middle + 1
		} else {
			s.high = middle
		}
	}
	return len(open) > 0, nil
}

// read reads all stretches.
func (r *Store) read(ctx context.Context, all []stretch) ([][]store.Row, error) {
	p := pipeline{store: r}
	for i := range all {
		switch s := &all[i]; {
		case s.among():
			p.add("zrange", s.key, s.low, s.low+s.Limit-1, "withscores")
		case s.Skip > 0:
			p.add("zrange", s.key, s.Skip, s.Skip+s.Limit-1, "withscores")
		default:
			p.add("zrangebyscore", s.key, scoreOf(s.From.Progress), "+inf", "withscores", "limit", 0, s.Limit)
		}
	}
	if err := p.send(ctx); err != nil {
		return nil, err
	}
	rows := make([][]store.Row, len(all))
	for i := range all {
		var err error
		if rows[i], err = rowsOf(p.cmds[i].(*goredis.Cmd).Val()); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// rowsOf reads members and scores.
func rowsOf(reply any) (rows []store.Row, err error) {
	list, _ := reply.([]any)
	for pair := range slices.Chunk(list, 2) {
		id, ok := pair[0].(string)
		score, ok2 := pair[len(pair)-1].(string)
		progress, err := progressOf(score)
		if err != nil || !ok || !ok2 {
			return nil, fmt.Errorf("unexpected reply %v", pair)
		}
		rows = append(rows, store.Row{ID: []byte(id), Progress: progress})
	}
	return rows, nil
}
