package stream

import (
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// outboxEntry is a crossing as it waits in the outbox: the Kafka timestamp of
// the event (ms), then the record.
type outboxEntry struct {
	timestamp int64
	value     []byte
}

func (e outboxEntry) append(dst []byte) []byte {
	return append(binary.BigEndian.AppendUint64(dst, uint64(e.timestamp)), e.value...)
}

func parseOutboxEntry(b []byte) (outboxEntry, error) {
	if len(b) < 8 || !json.Valid(b[8:]) {
		return outboxEntry{}, errors.New("outbox entry is damaged")
	}
	return outboxEntry{timestamp: int64(binary.BigEndian.Uint64(b)), value: b[8:]}, nil
}

// outboxHead is the version and the number of the next entry, as stored; nil and 0 if there is no head.
func outboxHead(head []byte) (version []byte, next uint64) {
	if len(head) != windows.VersionSize+8 {
		return nil, 0
	}
	return head[:windows.VersionSize], binary.BigEndian.Uint64(head[windows.VersionSize:])
}

// outboxPublished is the number below which all entries were published, as stored.
func outboxPublished(noted []byte) uint64 {
	if len(noted) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(noted)
}

// outboxDepth is how many entries wait, by the stored head and noted.
func outboxDepth(head, noted []byte) uint64 {
	_, h := outboxHead(head)
	return h - min(h, outboxPublished(noted))
}

// outboxMost is the default of outboxMax: some 100 MB over 16 shards.
const outboxMost = 10_000
