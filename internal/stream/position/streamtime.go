package position

import "github.com/seed-afe14ff2/aggregator/internal/engine"

// StoredTime is the same by the fences of a shard as stored; noTime if one is missing.
func StoredTime(fences [][]byte) int64 {
	r := Nowhere
	for _, b := range fences {
		m, err := ParseFence(b)
		if err != nil {
			return engine.NoTime
		}
		r.Add(&m)
	}
	return r.Time()
}

// Reach is the newest times of partitions: the smallest of those that are not
// silent, the smallest of those that have any, and the largest of all.
type Reach struct{ low, known, high int64 }

var Nowhere = Reach{low: engine.Never, known: engine.Never, high: engine.NoTime}

func (r *Reach) Add(m *Position) {
	r.high = max(r.high, m.Newest)
	if m.Idle {
		return
	}
	r.low = min(r.low, m.Newest)
	if m.Newest != engine.NoTime {
		r.known = min(r.known, m.Newest)
	}
}

func (r *Reach) Time() int64 {
	if r.low == engine.Never {
		return r.high
	}
	return r.low
}

// At is the moment of an event, which its partition had reached with the newest time: where it is applied again, the partition
// may be further by now.
func (r *Reach) At(newest int64) engine.Moment {
	m := engine.Moment{Time: min(r.Time(), newest), Known: newest}
	if r.known != engine.Never {
		m.Known = min(r.known, newest)
	}
	return m
}
