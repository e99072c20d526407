package fetch

import (
	"encoding/binary"

	"github.com/segmentio/kafka-go/protocol"
)

// appendHeader begins a request's frame, which sized ends.
func appendHeader(b []byte, key protocol.ApiKey, version int16, correlation int32, clientID string) []byte {
	b = append(b, 0, 0, 0, 0) // size
	b = binary.BigEndian.AppendUint16(b, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = appendInt32(b, correlation)
	return appendString(b, clientID)
}

// sized puts the size of a request's frame, which is all of b, to its front.
func sized(b []byte) []byte {
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func appendInt32(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// appendCompact is appendString in the flexible format.
func appendCompact(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s)+1)), s...)
}
