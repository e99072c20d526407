package shard

import (
	"context"
	"sync"
)

// pool are the chunks of an assignment that wait to be filled: as many as exist, so that the memory
// between a partition and its shards is bounded. The chunk that came back last is given out first:
// it is warm in the CPU's caches. As long as a few are enough, the others take no memory.
type pool struct {
	tokens chan struct{} // one for each of chunks
	mu     sync.Mutex
	chunks []*Chunk
}

func newPool(most int) *pool {
	s := &pool{tokens: make(chan struct{}, most), chunks: make([]*Chunk, 0, most)}
	s.Refill()
	return s
}

// Get waits for a chunk until ctx ends.
func (s *pool) Get(ctx context.Context) (*Chunk, error) {
	select {
	case <-s.tokens:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.chunks) - 1
	r := s.chunks[last]
	s.chunks = s.chunks[:last]
	return r, nil
}

// Put takes a chunk back.
func (s *pool) Put(r *Chunk) {
	s.mu.Lock()
	s.chunks = append(s.chunks, r)
	s.mu.Unlock()
	s.tokens <- struct{}{}
}

// Whole reports whether no chunk is under way.
func (s *pool) Whole() bool { return len(s.tokens) == cap(s.tokens) }

// Refill makes new chunks in place of those that do not come back.
func (s *pool) Refill() {
	for !s.Whole() {
		s.Put(&Chunk{})
	}
}
