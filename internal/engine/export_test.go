package engine

import "github.com/seed-afe14ff2/aggregator/internal/thresholds"

// What only tests ask.

// Queued is how many dates a replay keeps of clears that may be due.
func (r *Replay) Queued() int { return len(r.queue) }

// SetSince sets from when on a replay's counters have everything.
func (r *Replay) SetSince(since func(kind thresholds.Kind, counter int) int64) { r.apply.Since = since }
