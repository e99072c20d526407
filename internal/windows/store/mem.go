package store

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// Mem is a Store in memory: for demo, replay and verify, and the model against
// which Redis is tested. What it is given and what it gives are copies.
type Mem struct {
	shards []memShard
	count  atomic.Int64
	bytes  atomic.Int64
}

// memShard is one shard. Values stand beside the map, under the number that the map gives. So a key
// that is written again costs no new string, and its value is written in place.
type memShard struct {
	mu     sync.Mutex
	number map[string]uint32
	values [][]byte // nil: free
	free   []uint32 // numbers of deleted keys
	due    dueList
	lists  map[string]*memList // by rule
}

// NewMem is an empty store of that many shards.
func NewMem(shards int) *Mem {
	m := &Mem{shards: make([]memShard, shards)}
	for i := range m.shards {
		m.shards[i].number = map[string]uint32{}
		m.shards[i].due.place = map[string]int{}
		m.shards[i].lists = map[string]*memList{}
	}
	return m
}

// Len is the number of keys held, the index of armed subjects and the lists apart.
func (m *Mem) Len() int { return int(m.count.Load()) }

// Bytes is the size of the keys and values held, without what the maps add.
func (m *Mem) Bytes() int64 { return m.bytes.Load() }

// Keys names the keys: they need no prefix here.
func (m *Mem) Keys() Keys { return Keys{} }

// Ping always succeeds.
func (m *Mem) Ping(ctx context.Context) error { return ctx.Err() }

// Close does nothing: what was stored can still be read.
func (m *Mem) Close() error { return nil }

// Load is Store's.
func (m *Mem) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	s, err := m.lock(ctx, "load", shard)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	dst = dst[:0]
	total := 0
	for _, key := range keys {
		dst = append(dst, s.get(key))
		total += len(dst[len(dst)-1])
	}
	buf := make([]byte, 0, total)
	for i, value := range dst {
		if value != nil {
			buf, dst[i] = appendCopy(buf, value)
		}
	}
	return dst, nil
}

// appendCopy appends value to buf and returns that end of it, never nil, with no room after it.
func appendCopy[T string | []byte](buf []byte, value T) (grown, end []byte) {
	n := len(buf)
	buf = append(buf, value...)
	return buf, buf[n:len(buf):len(buf)]
}

// Commit is Store's.
func (m *Mem) Commit(ctx context.Context, shard int, c *Commit) (Result, error) {
	c.MustBeValid()
	s, err := m.lock(ctx, "commit", shard)
	if err != nil {
		return Result{}, err
	}
	defer s.mu.Unlock()
	if differ := s.fenced(c.Fences); differ != nil {
		return Result{Outcome: Fenced, Fences: differ}, nil
	}
	if differ := s.stale(c.Records); differ != nil {
		return Result{Outcome: Stale, Records: differ}, nil
	}
	m.grew(s.apply(c))
	return Result{}, nil
}

// Scan calls f, until it returns false, with the keys of the shard that begin with prefix and were
// there when it began. They come in no order.
func (m *Mem) Scan(ctx context.Context, shard int, prefix []byte, f func(key []byte) bool) error {
	s, err := m.lock(ctx, "scan", shard)
	if err != nil {
		return err
	}
	// f may use the store, so it is called when the lock is given back.
	found := s.keysWith(string(prefix))
	s.mu.Unlock()
	for _, key := range found {
		if !f([]byte(key)) {
			return nil
		}
	}
	return nil
}

// ScanRecords is Store's.
func (m *Mem) ScanRecords(ctx context.Context, f func(shard int, key []byte) bool, pause func()) error {
	return ScanEach(ctx, m, len(m.shards), f, pause)
}

// scanner is a store whose Scan looks only at its shard.
type scanner interface {
	Keys() Keys
	Scan(ctx context.Context, shard int, prefix []byte, f func(key []byte) bool) error
}

// ScanEach is ScanRecords of a store whose shards are looked through one by one, each in a step.
func ScanEach(ctx context.Context, s scanner, shards int, f func(shard int, key []byte) bool, pause func()) error {
	goes := true
	for n := range shards {
		err := s.Scan(ctx, n, s.Keys().AppendRecordPrefix(nil, n), func(key []byte) bool {
			goes = f(n, key)
			return goes
		})
		if err != nil || !goes {
			return err
		}
		if pause != nil {
			pause()
		}
	}
	return nil
}

// Put is Store's.
func (m *Mem) Put(ctx context.Context, shard int, key, value []byte) error {
	s, err := m.lock(ctx, "put in", shard)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	m.grew(s.set(key, value))
	return nil
}

// PutAbsent is Store's.
func (m *Mem) PutAbsent(ctx context.Context, shard int, key, value []byte) ([]byte, error) {
	s, err := m.lock(ctx, "put in", shard)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if present := s.get(key); present != nil {
		return bytes.Clone(present), nil
	}
	m.grew(s.set(key, value))
	return append([]byte{}, value...), nil
}

// Delete is Store's.
func (m *Mem) Delete(ctx context.Context, shard int, keys ...[]byte) error {
	s, err := m.lock(ctx, "delete in", shard)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, key := range keys {
		m.grew(s.remove(key))
	}
	return nil
}

// grew notes by how many keys and bytes a shard grew.
func (m *Mem) grew(count, size int) {
	m.count.Add(int64(count))
	m.bytes.Add(int64(size))
}

// lock returns the shard, locked.
func (m *Mem) lock(ctx context.Context, what string, shard int) (*memShard, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s shard %d: %w", what, shard, err)
	}
	s := &m.shards[shard]
	s.mu.Lock()
	return s, nil
}

// get returns the value itself, nil if the key is absent.
func (s *memShard) get(key []byte) []byte {
	n, ok := s.number[string(key)]
	if !ok {
		return nil
	}
	return s.values[n]
}

// fenced returns what the fences that differ hold.
func (s *memShard) fenced(fences []Fence) []Present {
	var differ []Present
	for i := range fences {
		if value := s.get(fences[i].Key); !fences[i].holds(value) {
			differ = append(differ, Present{i, bytes.Clone(value)})
		}
	}
	return differ
}

// stale returns what the records that differ hold.
func (s *memShard) stale(records []Record) []Present {
	var differ []Present
	for i := range records {
		if value := s.get(records[i].Key); !records[i].holds(value) {
			differ = append(differ, Present{i, bytes.Clone(value)})
		}
	}
	return differ
}

// apply writes a commit. It returns by how many keys and bytes the shard grew.
func (s *memShard) apply(c *Commit) (count, size int) {
	add := func(n, b int) { count, size = count+n, size+b }
	for i := range c.Fences {
		if f := &c.Fences[i]; f.To != nil {
			add(s.set(f.Key, f.To))
		}
	}
	for i := range c.Records {
		if r := &c.Records[i]; r.Value != nil {
			add(s.set(r.Key, r.Value))
		}
	}
	for i := range c.Puts {
		add(s.set(c.Puts[i].Key, c.Puts[i].Value))
	}
	for _, key := range c.Deletes {
		add(s.remove(key))
	}
	return count, size
}

// set writes a copy of value. It returns by how many keys and bytes the shard grew.
func (s *memShard) set(key, value []byte) (count, size int) {
	if n, ok := s.number[string(key)]; ok {
		old := s.values[n]
		s.values[n] = refill(old, value)
		return 0, len(value) - len(old)
	}
	n := uint32(len(s.values))
	if last := len(s.free) - 1; last >= 0 {
		n, s.free = s.free[last], s.free[:last]
	} else {
		s.values = append(s.values, nil)
	}
	s.number[string(key)] = n
	s.values[n] = append([]byte{}, value...)
	return 1, len(key) + len(value)
}

// refill copies value into the memory of old, unless that is too small or wastes half of it.
func refill(old, value []byte) []byte {
	const slack = 64
	if len(value) > cap(old) || cap(old) > 2*len(value)+slack {
		old = []byte{}
	}
	return append(old[:0], value...)
}

func (s *memShard) remove(key []byte) (count, size int) {
	n, ok := s.number[string(key)]
	if !ok {
		return 0, 0
	}
	size = len(key) + len(s.values[n])
	delete(s.number, string(key))
	s.values[n] = nil
	s.free = append(s.free, n)
	return -1, -size
}

func (s *memShard) keysWith(prefix string) []string {
	var found []string
	for key := range s.number {
		if strings.HasPrefix(key, prefix) {
			found = append(found, key)
		}
	}
	return found
}
