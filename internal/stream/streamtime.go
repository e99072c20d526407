package stream

// storedTime is the same by the fences of a shard as stored; noTime if one is missing.
func storedTime(fences [][]byte) int64 {
	r := nowhere
	for _, b := range fences {
		m, err := parseFence(b)
		if err != nil {
			return noTime
		}
		r.add(&m)
	}
	return r.time()
}

// reach is the newest times of partitions: the smallest of those that are not
// silent, the smallest of those that have any, and the largest of all.
type reach struct{ low, known, high int64 }

var nowhere = reach{low: never, known: never, high: noTime}

func (r *reach) add(m *position) {
	r.high = max(r.high, m.newest)
	if m.idle {
		return
	}
	r.low = min(r.low, m.newest)
	if m.newest != noTime {
		r.known = min(r.known, m.newest)
	}
}

func (r *reach) time() int64 {
	if r.low == never {
		return r.high
	}
	return r.low
}

// at is the moment of an event, which its partition had reached with the newest time: where it is applied again, the partition
// may be further by now.
func (r *reach) at(newest int64) moment {
	m := moment{time: min(r.time(), newest), known: newest}
	if r.known != never {
		m.known = min(r.known, newest)
	}
	return m
}
