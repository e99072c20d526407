package outbox

import (
	"encoding/binary"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// ParseHead is the version and the number of the next entry, as stored; nil and 0 if there is no head.
func ParseHead(head []byte) (version []byte, next uint64) {
	if len(head) != windows.VersionSize+8 {
		return nil, 0
	}
	return head[:windows.VersionSize], binary.BigEndian.Uint64(head[windows.VersionSize:])
}

// ParsePublished is the number below which all entries were published, as stored.
func ParsePublished(noted []byte) uint64 {
	if len(noted) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(noted)
}

// Depth is how many entries wait, by the stored head and noted.
func Depth(head, noted []byte) uint64 {
	_, h := ParseHead(head)
	return h - min(h, ParsePublished(noted))
}
