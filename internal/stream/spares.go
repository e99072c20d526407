package stream

import (
	"context"
	"sync"
)

// spares are the runs of a lease that wait to be filled: as many as exist, so that the memory between a
// partition and its shards is bounded. The one that came back last is given out first: it is warm in the CPU's
// caches, and as long as a few are enough the others take no memory.
type spares struct {
	there chan struct{} // one for each of runs
	mu    sync.Mutex
	runs  []*run
}

func newSpares(most int) *spares {
	s := &spares{there: make(chan struct{}, most), runs: make([]*run, 0, most)}
	s.refill()
	return s
}

// get waits for a run until ctx ends.
func (s *spares) get(ctx context.Context) (*run, error) {
	select {
	case <-s.there:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.runs) - 1
	r := s.runs[last]
	s.runs = s.runs[:last]
	return r, nil
}

// put takes a run back.
func (s *spares) put(r *run) {
	s.mu.Lock()
	s.runs = append(s.runs, r)
	s.mu.Unlock()
	s.there <- struct{}{}
}

// waiting is how many runs wait.
func (s *spares) waiting() int { return len(s.there) }

// whole says whether no run is under way.
func (s *spares) whole() bool { return len(s.there) == cap(s.there) }

// refill makes new runs in place of those that do not come back.
func (s *spares) refill() {
	for !s.whole() {
		s.put(&run{})
	}
}
