package position

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
)

// A fence is compared byte for byte, so its form is fixed. It is a format byte, the five numbers of
// the position big-endian, the flags, since, and the commit that wrote it.
const (
	fenceFormat = 1
	fenceFlags  = 1 + 5*8 // where the flags are

	// FenceSize is the bytes of a fence.
	FenceSize = fenceFlags + 1 + 8 + 8
)

// The flags of a fence.
const (
	flagIdle  = 1 << iota // Position.Idle
	flagEnded             // Position.Ended
	flagHeld              // Position.Held

	allFlags = flagIdle | flagEnded | flagHeld
)

// AppendFence appends the bytes of p as a commit writes it. The commit is a random number. It
// distinguishes a fence of ours from a fence that another owner of the partition moved to the same
// place.
func (p Position) AppendFence(dst []byte, commit uint64) []byte {
	dst = append(dst, fenceFormat)
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Offset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Clock))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Newest))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Seen))
	dst = binary.BigEndian.AppendUint64(dst, p.Pack)
	dst = append(dst, flag(p.Idle, flagIdle)|flag(p.Ended, flagEnded)|flag(p.Held, flagHeld))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Since))
	return binary.BigEndian.AppendUint64(dst, commit)
}

func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

// ParseFence reads a fence, all except its commit.
func ParseFence(b []byte) (Position, error) {
	if len(b) != FenceSize || b[0] != fenceFormat || b[fenceFlags] > allFlags {
		return Position{}, fmt.Errorf("fence of %d bytes is not one of this version", len(b))
	}
	return Position{
		Offset: int64(binary.BigEndian.Uint64(b[1:])),
		Clock:  int64(binary.BigEndian.Uint64(b[9:])),
		Newest: int64(binary.BigEndian.Uint64(b[17:])),
		Seen:   int64(binary.BigEndian.Uint64(b[25:])),
		Pack:   binary.BigEndian.Uint64(b[33:]),
		Idle:   b[fenceFlags]&flagIdle != 0,
		Ended:  b[fenceFlags]&flagEnded != 0,
		Held:   b[fenceFlags]&flagHeld != 0,
		Since:  int64(binary.BigEndian.Uint64(b[fenceFlags+1:])),
	}, nil
}

// ParseFences reads fences. A fence that is missing, or cannot be read, is a position at which
// nothing was matched, by no program.
func ParseFences(fences [][]byte) []Position {
	positions := make([]Position, len(fences))
	for i, b := range fences {
		positions[i].Newest = engine.NoTime
		if p, err := ParseFence(b); err == nil {
			positions[i] = p
		}
	}
	return positions
}
