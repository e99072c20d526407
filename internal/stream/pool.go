package stream

import (
	"context"
	"sync"
)

// pool are the chunks of an assignment that wait to be filled: as many as exist, so that the memory between a
// partition and its shards is bounded. The one that came back last is given out first: it is warm in the CPU's
// caches, and as long as a few are enough the others take no memory.
type pool struct {
	tokens chan struct{} // one for each of runs
	mu     sync.Mutex
	chunks []*chunk
}

func newPool(most int) *pool {
	s := &pool{tokens: make(chan struct{}, most), chunks: make([]*chunk, 0, most)}
	s.refill()
	return s
}

// get waits for a run until ctx ends.
func (s *pool) get(ctx context.Context) (*chunk, error) {
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

// put takes a run back.
func (s *pool) put(r *chunk) {
	s.mu.Lock()
	s.chunks = append(s.chunks, r)
	s.mu.Unlock()
	s.tokens <- struct{}{}
}

// waiting is how many runs wait.
func (s *pool) waiting() int { return len(s.tokens) }

// whole says whether no run is under way.
func (s *pool) whole() bool { return len(s.tokens) == cap(s.tokens) }

// refill makes new runs in place of those that do not come back.
func (s *pool) refill() {
	for !s.whole() {
		s.put(&chunk{})
	}
}
