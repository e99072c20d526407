package stream

import (
	"encoding/binary"
	"fmt"
)

// mark is a place in a partition's log, between two records, with the
// partition's clocks there.
type mark struct {
	offset int64  // the next record's
	clock  int64  // running maximum of the Kafka timestamps before it, ms; noTime: none
	newest int64  // newest time matched before it, ns; noTime: none
	pack   uint64 // hash of the program that read up to it
	idle   bool   // the partition was caught up and silent for a minute: the stream's time goes on without it
	ended  bool   // it was caught up: nobody waits for it
	since  int64  // of a shard: older events of the partition may not be counted, the log no longer had them, ns; 0: all are
}

// A stored mark, which is a fence, is compared byte for byte, so its form is fixed:
// a format byte, the four numbers big-endian, the flags, since, and the commit that wrote it.
const (
	fenceFormat = 1
	fenceSize   = 1 + 4*8 + 1 + 8 + 8
)

// appendFence appends the bytes of m as a commit writes it. The commit is a
// random number: a fence of ours is known from one that another owner of the
// partition moved to the same place.
func (m mark) appendFence(dst []byte, commit uint64) []byte {
	dst = append(dst, fenceFormat)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.offset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.clock))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.newest))
	dst = binary.BigEndian.AppendUint64(dst, m.pack)
	dst = append(dst, flag(m.idle, 1)|flag(m.ended, 2))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.since))
	return binary.BigEndian.AppendUint64(dst, commit)
}

func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

func parseFence(b []byte) (mark, error) {
	if len(b) != fenceSize || b[0] != fenceFormat || b[33] > 3 {
		return mark{}, fmt.Errorf("fence of %d bytes is not one of this version", len(b))
	}
	return mark{
		offset: int64(binary.BigEndian.Uint64(b[1:])),
		clock:  int64(binary.BigEndian.Uint64(b[9:])),
		newest: int64(binary.BigEndian.Uint64(b[17:])),
		pack:   binary.BigEndian.Uint64(b[25:]),
		idle:   b[33]&1 != 0,
		ended:  b[33]&2 != 0,
		since:  int64(binary.BigEndian.Uint64(b[34:])),
	}, nil
}
