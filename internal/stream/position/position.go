package position

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Position is a place in a partition's log, between two records, with the
// partition's clocks there.
type Position struct {
	Offset int64  // the next record's
	Clock  int64  // running maximum of the Kafka timestamps before it, ms; noTime: none
	Newest int64  // newest time matched before it, ns; noTime: none
	Seen   int64  // newest time of any event looked at, also of one that waits to be taken, ns; noTime: none
	Pack   uint64 // hash of the program that read up to it
	Idle   bool   // the partition was caught up and silent for a minute: the stream's time goes on without it
	Ended  bool   // it was caught up: nobody waits for it
	Held   bool   // it waits for other partitions
	Since  int64  // of a shard: older events of the partition may not be counted, the log no longer had them, ns; 0: all are
}

// Begun is the mark as the start of a new reading: what it says of the end of
// the log was true for the reader before.
func (m Position) Begun() Position {
	m.Idle, m.Ended, m.Held = false, false, false
	return m
}

// A stored mark, which is a fence, is compared byte for byte, so its form is fixed:
// a format byte, the five numbers big-endian, the flags, since, and the commit that wrote it.
const (
	fenceFormat = 1
	fenceFlags  = 1 + 5*8
	FenceSize   = fenceFlags + 1 + 8 + 8
)

// AppendFence appends the bytes of m as a commit writes it. The commit is a
// random number: a fence of ours is known from one that another owner of the
// partition moved to the same place.
func (m Position) AppendFence(dst []byte, commit uint64) []byte {
	dst = append(dst, fenceFormat)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Offset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Clock))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Newest))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Seen))
	dst = binary.BigEndian.AppendUint64(dst, m.Pack)
	dst = append(dst, flag(m.Idle, 1)|flag(m.Ended, 2)|flag(m.Held, 4))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Since))
	return binary.BigEndian.AppendUint64(dst, commit)
}

func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

func ParseFence(b []byte) (Position, error) {
	if len(b) != FenceSize || b[0] != fenceFormat || b[fenceFlags] > 7 {
		return Position{}, fmt.Errorf("fence of %d bytes is not one of this version", len(b))
	}
	return Position{
		Offset: int64(binary.BigEndian.Uint64(b[1:])),
		Clock:  int64(binary.BigEndian.Uint64(b[9:])),
		Newest: int64(binary.BigEndian.Uint64(b[17:])),
		Seen:   int64(binary.BigEndian.Uint64(b[25:])),
		Pack:   binary.BigEndian.Uint64(b[33:]),
		Idle:   b[fenceFlags]&1 != 0,
		Ended:  b[fenceFlags]&2 != 0,
		Held:   b[fenceFlags]&4 != 0,
		Since:  int64(binary.BigEndian.Uint64(b[fenceFlags+1:])),
	}, nil
}

// ParseFences is what fences say; one that is missing says nothing.
func ParseFences(fences [][]byte) []Position {
	marks := make([]Position, len(fences))
	for i, b := range fences {
		marks[i].Newest = engine.NoTime
		if m, err := ParseFence(b); err == nil {
			marks[i] = m
		}
	}
	return marks
}

// AppendFenceKeys appends the keys of a shard's fences, one for each partition.
func AppendFenceKeys(dst [][]byte, k windowstore.Keys, shard int, partitions []TopicPartition) [][]byte {
	for _, p := range partitions {
		dst = append(dst, k.AppendFenceKey(nil, shard, p.Topic, p.Partition))
	}
	return dst
}

// LaterSince is the later of two times since which counts are whole, ns. 0, from the start, is before them all,
// also before one that lies before 1970.
func LaterSince(a, b int64) int64 {
	if a == 0 || b != 0 && b > a {
		return b
	}
	return a
}

// SomeSince is a time as one since which counts are whole: the one that would say "from the start" is a nanosecond later.
func SomeSince(t int64) int64 {
	if t == 0 {
		return 1
	}
	return t
}

type TopicPartition struct {
	Topic     string
	Partition int
}
