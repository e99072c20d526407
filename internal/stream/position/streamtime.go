package position

import "github.com/seed-afe14ff2/aggregator/internal/engine"

// Reach is how far the stream is by the newest times of its partitions, ns. low is the smallest of
// those that are not silent, known the smallest of those of them that have any. high is the largest
// of all.
type Reach struct{ low, known, high int64 }

// NewReach is the reach of no partitions.
func NewReach() Reach { return Reach{low: engine.Never, known: engine.Never, high: engine.NoTime} }

// Add takes a partition's position in.
func (r *Reach) Add(p *Position) {
	r.high = max(r.high, p.Newest)
	if p.Idle {
		return
	}
	r.low = min(r.low, p.Newest)
	if p.Newest != engine.NoTime {
		r.known = min(r.known, p.Newest)
	}
}

// Time is the stream's time, ns: the smallest newest time of the partitions that are not silent; if
// all are, the largest. NoTime: for some partition it is not known that anything matched, or there
// are none.
func (r *Reach) Time() int64 {
	if r.low == engine.Never {
		return r.high
	}
	return r.low
}

// At is the moment of an event at which its partition had reached the newest time (ns). Where the
// event is applied again, the partition may be further by now.
func (r *Reach) At(newest int64) engine.Moment {
	m := engine.Moment{Time: min(r.Time(), newest), Known: newest}
	if r.known != engine.Never {
		m.Known = min(r.known, newest)
	}
	return m
}

// StoredTime is the stream's time by the fences of a shard as stored, ns; NoTime if one is missing.
func StoredTime(fences [][]byte) int64 {
	r := NewReach()
	for _, b := range fences {
		p, err := ParseFence(b)
		if err != nil {
			return engine.NoTime
		}
		r.Add(&p)
	}
	return r.Time()
}
