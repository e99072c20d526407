package stream

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

// since is the time before which events may not be counted in the shard, of any
// partition, since the log no longer had them, ns; 0: all are.
func (s *shard) since() int64 {
	latest := int64(0)
	for i := range s.states {
		latest = laterSince(latest, s.states[i].at.since)
	}
	return latest
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
