package stream

import (
	"context"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// simStore is Mem with a past that each shard can go back to, as a failover to a
// replica that lags does, and with calls that may be lost, or their answers.
type simStore struct {
	*windowstore.Mem
	world  *simWorld
	shards [simShards]simShard
}

// simShard is what of a shard Mem cannot tell.
type simShard struct {
	past  []simPast
	keys  map[string]bool // every key ever written
	armed map[string]int64
	lists map[string]bool // rules that ever had one
}

// simPast is what one call changed.
type simPast struct {
	keys    []string
	values  [][]byte // before; nil: absent
	members []string
	dates   []int64                 // before; NoTime: absent
	rows    []windowstore.RowChange // that make what rows were before
}

// simPasts is how many calls of a shard may be forgotten at once.
const simPasts = 8

func newSimStore(w *simWorld) *simStore {
	s := &simStore{Mem: windowstore.NewMem(simShards), world: w}
	for i := range s.shards {
		s.shards[i].keys, s.shards[i].armed, s.shards[i].lists = map[string]bool{}, map[string]int64{}, map[string]bool{}
	}
	return s
}

// peek reads a key without anything happening.
func (s *simStore) peek(shard int, key []byte) []byte {
	values, err := s.Mem.Load(context.Background(), shard, [][]byte{key}, nil)
	if err != nil {
		panic(err)
	}
	return values[0]
}

// remember notes what keys and members hold before a call changes them.
func (s *simStore) remember(shard int, keys [][]byte, members ...[]byte) {
	x := &s.shards[shard]
	past := simPast{}
	for _, k := range keys {
		x.keys[string(k)] = true
		past.keys = append(past.keys, string(k))
		past.values = append(past.values, s.peek(shard, k))
	}
	for _, m := range members {
		date, ok := x.armed[string(m)]
		if !ok {
			date = engine.NoTime
		}
		past.members, past.dates = append(past.members, string(m)), append(past.dates, date)
	}
	x.note(past)
}

func (x *simShard) note(past simPast) {
	if x.past = append(x.past, past); len(x.past) > simPasts {
		x.past = x.past[1:]
	}
}

// goBack makes one shard, or all, forget their last calls.
func (s *simStore) goBack() {
	only := s.world.rnd.IntN(2 * simShards)
	for n := range s.shards {
		if only < simShards && only != n {
			continue
		}
		x := &s.shards[n]
		for range s.world.rnd.IntN(len(x.past) + 1) {
			last := x.past[len(x.past)-1]
			x.past = x.past[:len(x.past)-1]
			s.undo(n, &last)
		}
		x.past = nil
	}
}

func (s *simStore) undo(shard int, p *simPast) {
	ctx := context.Background()
	for i, k := range p.keys {
		if p.values[i] == nil {
			_ = s.Mem.Delete(ctx, shard, []byte(k))
		} else {
			_ = s.Mem.Put(ctx, shard, []byte(k), p.values[i])
		}
	}
	for i, m := range p.members {
		if p.dates[i] == engine.NoTime {
			s.disarm(shard, []byte(m))
		} else {
			s.arm(shard, windowstore.Due{Member: []byte(m), Unix: p.dates[i]})
		}
	}
	_ = s.Mem.List(ctx, shard, p.rows...)
}

// loseAll makes one shard, or all, empty.
func (s *simStore) loseAll() {
	only := s.world.rnd.IntN(2 * simShards)
	for n := range s.shards {
		if only < simShards && only != n {
			continue
		}
		x := &s.shards[n]
		for k := range x.keys {
			_ = s.Mem.Delete(context.Background(), n, []byte(k))
		}
		for m := range x.armed {
			s.disarm(n, []byte(m))
		}
		for rule := range x.lists {
			_ = s.Mem.DropList(context.Background(), n, rule)
		}
		x.past = nil
	}
}

// digest writes everything stored to h.
func (s *simStore) digest(h hash.Hash) {
	for n := range s.shards {
		var keys []string
		for k := range s.shards[n].keys {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			_, _ = h.Write([]byte(k))
			_, _ = h.Write(s.peek(n, []byte(k)))
		}
		for _, rule := range slices.Sorted(maps.Keys(s.shards[n].lists)) {
			lists, _ := s.Mem.Rows(context.Background(), windowstore.RowsAsked{Shard: n, Rule: rule, From: windowstore.Top(), Limit: 1e6})
			_, _ = fmt.Fprintf(h, "%s %v", rule, lists)
		}
	}
}

// Ping is Store's, as are the next ones.
func (s *simStore) Ping(ctx context.Context) error { return s.world.call(ctx) }

func (s *simStore) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	if err := s.world.call(ctx); err != nil {
		return nil, err
	}
	dst, _ = s.Mem.Load(context.Background(), shard, keys, dst)
	s.world.leases.loaded(s, shard, keys, dst)
	return dst, s.world.call(ctx)
}

func (s *simStore) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	if err := s.world.call(ctx); err != nil {
		return windowstore.Result{}, err
	}
	past := s.shards[shard].past
	s.remember(shard, written(c))
	res, err := s.Mem.Commit(context.Background(), shard, c)
	if err != nil || res.Outcome != windowstore.Done {
		s.shards[shard].past = past
	} else {
		s.world.leases.committed(s, shard, c)
	}
	if err == nil {
		err = s.world.call(ctx)
	}
	return res, err
}

// written are the keys that a commit changes.
func written(c *windowstore.Commit) [][]byte {
	keys := slices.Clone(c.Deletes)
	for _, f := range c.Fences {
		if f.To != nil {
			keys = append(keys, f.Key)
		}
	}
	for _, r := range c.Records {
		if r.Value != nil {
			keys = append(keys, r.Key)
		}
	}
	for _, p := range c.Puts {
		keys = append(keys, p.Key)
	}
	return keys
}

func (s *simStore) ScanRecords(ctx context.Context, f func(shard int, key []byte) bool, pause func()) error {
	return windowstore.ScanEach(ctx, s, len(s.shards), f, pause)
}

func (s *simStore) Scan(ctx context.Context, shard int, prefix []byte, f func(key []byte) bool) error {
	if err := s.world.call(ctx); err != nil {
		return err
	}
	var keys []string
	for k := range s.shards[shard].keys {
		if strings.HasPrefix(k, string(prefix)) && s.peek(shard, []byte(k)) != nil {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if !f([]byte(k)) {
			break
		}
	}
	return nil
}

func (s *simStore) Put(ctx context.Context, shard int, key, value []byte) error {
	if err := s.world.call(ctx); err != nil {
		return err
	}
	s.remember(shard, [][]byte{key})
	_ = s.Mem.Put(context.Background(), shard, key, value)
	return s.world.call(ctx)
}

func (s *simStore) PutAbsent(ctx context.Context, shard int, key, value []byte) ([]byte, error) {
	if err := s.world.call(ctx); err != nil {
		return nil, err
	}
	s.remember(shard, [][]byte{key})
	present, _ := s.Mem.PutAbsent(context.Background(), shard, key, value)
	return present, s.world.call(ctx)
}

func (s *simStore) Delete(ctx context.Context, shard int, keys ...[]byte) error {
	if err := s.world.call(ctx); err != nil {
		return err
	}
	s.remember(shard, keys)
	_ = s.Mem.Delete(context.Background(), shard, keys...)
	return s.world.call(ctx)
}

func (s *simStore) Arm(ctx context.Context, shard int, due ...windowstore.Due) error {
	return s.armAll(ctx, shard, due, false)
}

func (s *simStore) ArmAbsent(ctx context.Context, shard int, due ...windowstore.Due) error {
	return s.armAll(ctx, shard, due, true)
}

func (s *simStore) armAll(ctx context.Context, shard int, due []windowstore.Due, absent bool) error {
	if err := s.world.call(ctx); err != nil {
		return err
	}
	for _, d := range due {
		if _, there := s.shards[shard].armed[string(d.Member)]; there && absent {
			continue
		}
		s.remember(shard, nil, d.Member)
		s.arm(shard, d)
	}
	return s.world.call(ctx)
}

func (s *simStore) arm(shard int, d windowstore.Due) {
	s.shards[shard].armed[string(d.Member)] = d.Unix
	_ = s.Mem.Arm(context.Background(), shard, d)
}

func (s *simStore) Disarm(ctx context.Context, shard int, members ...[]byte) error {
	if err := s.world.call(ctx); err != nil {
		return err
	}
	for _, m := range members {
		s.remember(shard, nil, m)
		s.disarm(shard, m)
	}
	return s.world.call(ctx)
}

func (s *simStore) disarm(shard int, member []byte) {
	delete(s.shards[shard].armed, string(member))
	_ = s.Mem.Disarm(context.Background(), shard, member)
}

func (s *simStore) Armed(ctx context.Context, shard int, upTo int64, limit int) ([]windowstore.Due, error) {
	if err := s.world.call(ctx); err != nil {
		return nil, err
	}
	return s.Mem.Armed(context.Background(), shard, upTo, limit)
}
