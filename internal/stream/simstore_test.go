package stream

import (
	"bytes"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// simStore is the store's contract in its plainest form, with a past that it
// can fall back to, as a failover to a replica that lags does.
type simStore struct {
	kv    map[string]string
	armed map[string]int64 // "shard member"
	past  []map[string]string
	rnd   *rand.Rand
	lose  float64 // how often an answer is lost, or a call
}

func newSimStore(rnd *rand.Rand) *simStore {
	return &simStore{kv: map[string]string{}, armed: map[string]int64{}, rnd: rnd}
}

func (s *simStore) fails() bool { return s.rnd.Float64() < s.lose }

func (s *simStore) remember() {
	if s.past = append(s.past, maps.Clone(s.kv)); len(s.past) > 6 {
		s.past = s.past[1:]
	}
}

// rollBack makes the store forget its last commits.
func (s *simStore) rollBack() {
	if len(s.past) > 0 {
		s.kv = maps.Clone(s.past[s.rnd.IntN(len(s.past))])
		s.past = nil
	}
}

func (s *simStore) get(key []byte) []byte {
	if v, ok := s.kv[string(key)]; ok {
		return []byte(v)
	}
	return nil
}

func (s *simStore) Load(_ context.Context, _ int, keys, dst [][]byte) ([][]byte, error) {
	if s.fails() {
		return nil, errCut
	}
	for _, k := range keys {
		dst = append(dst, s.get(k))
	}
	return dst, nil
}

func (s *simStore) Commit(_ context.Context, _ int, c *windows.Commit) (windows.Result, error) {
	if s.fails() {
		return windows.Result{}, errCut
	}
	var res windows.Result
	for i, f := range c.Fences {
		if v := s.get(f.Key); (v == nil) != (f.From == nil) || !bytes.Equal(v, f.From) {
			res.Fences = append(res.Fences, windows.Present{Index: i, Value: v})
		}
	}
	for i, r := range c.Records {
		if v := s.get(r.Key); (v == nil) != (r.Version == nil) || !bytes.HasPrefix(v, r.Version) {
			res.Records = append(res.Records, windows.Present{Index: i, Value: v})
		}
	}
	switch {
	case len(res.Fences) > 0:
		return windows.Result{Outcome: windows.Fenced, Fences: res.Fences}, nil
	case len(res.Records) > 0:
		return windows.Result{Outcome: windows.Stale, Records: res.Records}, nil
	}
	s.write(c)
	if s.fails() {
		return windows.Result{}, errCut
	}
	return windows.Result{}, nil
}

func (s *simStore) write(c *windows.Commit) {
	s.remember()
	for _, k := range c.Deletes {
		delete(s.kv, string(k))
	}
	if len(c.Deletes) > 0 {
		return
	}
	for _, f := range c.Fences {
		if f.To != nil {
			s.kv[string(f.Key)] = string(f.To)
		}
	}
	for _, r := range c.Records {
		if r.Value != nil {
			s.kv[string(r.Key)] = string(r.Value)
		}
	}
	for _, p := range c.Puts {
		s.kv[string(p.Key)] = string(p.Value)
	}
}

func (s *simStore) Scan(_ context.Context, _ int, prefix []byte, f func(key []byte) bool) error {
	for _, k := range slices.Sorted(maps.Keys(s.kv)) {
		if strings.HasPrefix(k, string(prefix)) && !f([]byte(k)) {
			break
		}
	}
	return nil
}

func (s *simStore) Put(_ context.Context, _ int, key, value []byte) error {
	if s.fails() {
		return errCut
	}
	s.kv[string(key)] = string(value)
	return nil
}

func (s *simStore) PutAbsent(_ context.Context, _ int, key, value []byte) ([]byte, error) {
	if s.fails() {
		return nil, errCut
	}
	if _, ok := s.kv[string(key)]; !ok {
		s.kv[string(key)] = string(value)
	}
	return s.get(key), nil
}

func (s *simStore) Delete(_ context.Context, _ int, keys ...[]byte) error {
	for _, k := range keys {
		delete(s.kv, string(k))
	}
	return nil
}

func (s *simStore) Arm(context.Context, int, ...windows.Due) error { return nil }

func (s *simStore) Disarm(context.Context, int, ...[]byte) error { return nil }

func (s *simStore) Armed(context.Context, int, int64, int) ([]windows.Due, error) { return nil, nil }

func (s *simStore) Keys() windows.Keys         { return windows.Keys{Prefix: windows.DefaultPrefix} }
func (s *simStore) Ping(context.Context) error { return nil }
func (s *simStore) Close() error               { return nil }
