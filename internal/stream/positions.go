package stream

import windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"

// partitionState is where a partition stands for the shard.
type partitionState struct {
	assignment *assignment // nil: another process owns it, or nobody
	stands     bool        // ours, and begun: `at` is what was applied
	at         position    // ours: applied up to. Another's: its fence as last read
	fence      position    // ours: as stored
	stored     []byte      // ours: its bytes
	key        []byte      // of the fence

	deferred uint32 // the batch in which an event of it crossed last
}

// move makes the partition stand at m. What is not counted of it stays so.
func (p *partitionState) move(m position) {
	m.since = p.at.since
	p.at = m
}

// fenceKeys are the keys of the shard's fences, by place.
func (s *shard) fenceKeys() [][]byte { return appendFenceKeys(nil, s.keys, s.number, s.partitions) }

// appendFenceKeys appends the keys of a shard's fences, one for each partition.
func appendFenceKeys(dst [][]byte, k windowstore.Keys, shard int, partitions []topicPartition) [][]byte {
	for _, p := range partitions {
		dst = append(dst, k.AppendFenceKey(nil, shard, p.topic, p.partition))
	}
	return dst
}

// since is the time before which events may not be counted in the shard, of any
// partition, since the log no longer had them, ns; 0: all are.
func (s *shard) since() int64 {
	latest := int64(0)
	for i := range s.states {
		latest = laterSince(latest, s.states[i].at.since)
	}
	return latest
}

// laterSince is the later of two times since which counts are whole, ns. 0, from the start, is before them all,
// also before one that lies before 1970.
func laterSince(a, b int64) int64 {
	if a == 0 || b != 0 && b > a {
		return b
	}
	return a
}

// someSince is a time as one since which counts are whole: the one that would say "from the start" is a nanosecond later.
func someSince(t int64) int64 {
	if t == 0 {
		return 1
	}
	return t
}

// streamTime is the time the stream has reached: the smallest newest time of
// the partitions, without those that are caught up and silent; if all are, the largest.
func (s *shard) streamTime() int64 {
	r := s.reach()
	return r.time()
}

func (s *shard) reach() reach {
	r := nowhere
	for i := range s.states {
		r.add(&s.states[i].at)
	}
	return r
}

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
