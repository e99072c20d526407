package shard

import (
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// partitionState is where a partition stands for the shard.
type partitionState struct {
	assignment *Assignment       // nil: another process owns it, or nobody
	Stands     bool              // ours, and begun: `at` is what was applied
	At         position.Position // ours: applied up to. Another's: its fence as last read
	fence      position.Position // ours: as stored
	Stored     []byte            // ours: its bytes
	Key        []byte            // of the fence

	deferred uint32 // the batch in which an event of it crossed last
}

// move makes the partition stand at m. What is not counted of it stays so.
func (p *partitionState) move(m position.Position) {
	m.Since = p.At.Since
	p.At = m
}

// AppendFenceKeys appends the keys of a shard's fences, one for each partition.
func AppendFenceKeys(dst [][]byte, k windowstore.Keys, shard int, partitions []position.TopicPartition) [][]byte {
	for _, p := range partitions {
		dst = append(dst, k.AppendFenceKey(nil, shard, p.Topic, p.Partition))
	}
	return dst
}

// fenceKeys are the keys of the shard's fences, by place.
func (s *Shard) fenceKeys() [][]byte {
	return AppendFenceKeys(nil, s.Keys, s.Number, s.Partitions)
}

// since is the time before which events may not be counted in the shard, of any
// partition, since the log no longer had them, ns; 0: all are.
func (s *Shard) since() int64 {
	latest := int64(0)
	for i := range s.States {
		latest = position.LaterSince(latest, s.States[i].At.Since)
	}
	return latest
}

// StreamTime is the time the stream has reached: the smallest newest time of
// the partitions, without those that are caught up and silent; if all are, the largest.
func (s *Shard) StreamTime() int64 {
	r := s.reach()
	return r.Time()
}

func (s *Shard) reach() position.Reach {
	r := position.NewReach()
	for i := range s.States {
		r.Add(&s.States[i].At)
	}
	return r
}
