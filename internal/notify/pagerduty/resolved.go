package pagerduty

import (
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
)

// resolved is the newest clears. The zero value has none.
type resolved struct {
	mu     sync.Mutex
	dates  map[string]time.Time // of clears, by the crossings' dedup_key
	oldest []string             // the keys, in the order in which they came
}

// add notes a clear.
func (r *resolved) add(c *crossing.Crossing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dates == nil {
		r.dates = map[string]time.Time{}
	}
	before, known := r.dates[c.DedupKey]
	if !known {
		r.oldest = append(r.oldest, c.DedupKey)
	}
	if !known || c.Time.After(before) {
		r.dates[c.DedupKey] = c.Time
	}
	if len(r.oldest) > mostResolved {
		delete(r.dates, r.oldest[0])
		r.oldest = r.oldest[1:]
	}
}

// has reports whether a crossing is of an episode that was cleared. One that is later than the clear is not: when Redis has begun anew,
// the numbers of episodes do, too.
func (r *resolved) has(c *crossing.Crossing) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	date, known := r.dates[c.DedupKey]
	return known && !c.Time.After(date)
}
