package stream

import (
	"encoding/binary"
	"fmt"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// position is a place in a partition's log, between two records, with the
// partition's clocks there.
type position struct {
	offset int64  // the next record's
	clock  int64  // running maximum of the Kafka timestamps before it, ms; noTime: none
	newest int64  // newest time matched before it, ns; noTime: none
	seen   int64  // newest time of any event looked at, also of one that waits to be taken, ns; noTime: none
	pack   uint64 // hash of the program that read up to it
	idle   bool   // the partition was caught up and silent for a minute: the stream's time goes on without it
	ended  bool   // it was caught up: nobody waits for it
	held   bool   // it waits for other partitions
	since  int64  // of a shard: older events of the partition may not be counted, the log no longer had them, ns; 0: all are
}

// begun is the mark as the start of a new reading: what it says of the end of
// the log was true for the reader before.
func (m position) begun() position {
	m.idle, m.ended, m.held = false, false, false
	return m
}

// A stored mark, which is a fence, is compared byte for byte, so its form is fixed:
// a format byte, the five numbers big-endian, the flags, since, and the commit that wrote it.
const (
	fenceFormat = 1
	fenceFlags  = 1 + 5*8
	fenceSize   = fenceFlags + 1 + 8 + 8
)

// appendFence appends the bytes of m as a commit writes it. The commit is a
// random number: a fence of ours is known from one that another owner of the
// partition moved to the same place.
func (m position) appendFence(dst []byte, commit uint64) []byte {
	dst = append(dst, fenceFormat)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.offset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.clock))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.newest))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.seen))
	dst = binary.BigEndian.AppendUint64(dst, m.pack)
	dst = append(dst, flag(m.idle, 1)|flag(m.ended, 2)|flag(m.held, 4))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.since))
	return binary.BigEndian.AppendUint64(dst, commit)
}

func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

func parseFence(b []byte) (position, error) {
	if len(b) != fenceSize || b[0] != fenceFormat || b[fenceFlags] > 7 {
		return position{}, fmt.Errorf("fence of %d bytes is not one of this version", len(b))
	}
	return position{
		offset: int64(binary.BigEndian.Uint64(b[1:])),
		clock:  int64(binary.BigEndian.Uint64(b[9:])),
		newest: int64(binary.BigEndian.Uint64(b[17:])),
		seen:   int64(binary.BigEndian.Uint64(b[25:])),
		pack:   binary.BigEndian.Uint64(b[33:]),
		idle:   b[fenceFlags]&1 != 0,
		ended:  b[fenceFlags]&2 != 0,
		held:   b[fenceFlags]&4 != 0,
		since:  int64(binary.BigEndian.Uint64(b[fenceFlags+1:])),
	}, nil
}

// marksOf is what fences say; one that is missing says nothing.
func marksOf(fences [][]byte) []position {
	marks := make([]position, len(fences))
	for i, b := range fences {
		marks[i].newest = noTime
		if m, err := parseFence(b); err == nil {
			marks[i] = m
		}
	}
	return marks
}

// appendFenceKeys appends the keys of a shard's fences, one for each partition.
func appendFenceKeys(dst [][]byte, k windowstore.Keys, shard int, partitions []topicPartition) [][]byte {
	for _, p := range partitions {
		dst = append(dst, k.AppendFenceKey(nil, shard, p.topic, p.partition))
	}
	return dst
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

type topicPartition struct {
	topic     string
	partition int
}
