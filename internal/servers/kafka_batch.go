package servers

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// RecordBatch is a batch as Kafka has it on the wire, uncompressed and outside transactions.
// Offsets and timestamps (ms) of its records count from first and timestamp (OffsetDelta,
// TimestampDelta64). They may be any, also such as no client would write. The batch says that it
// holds so many offsets.
func RecordBatch(first, timestamp int64, offsets int32, records ...kmsg.Record) []byte {
	b := kmsg.RecordBatch{
		FirstOffset: first, Magic: 2, LastOffsetDelta: offsets - 1, FirstTimestamp: timestamp, MaxTimestamp: timestamp,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(records)),
	}
	for _, r := range records {
		r.Length = int32(len(r.AppendTo(nil))) - 1 // without the length itself, a byte while it is 0
		b.Records = r.AppendTo(b.Records)
		b.MaxTimestamp = max(b.MaxTimestamp, timestamp+r.TimestampDelta64)
	}
	const length, crc, protected = 8, 17, 21 // where these begin in a batch
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[length:], uint32(len(raw)-length-4))
	binary.BigEndian.PutUint32(raw[crc:], crc32.Checksum(raw[protected:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}
