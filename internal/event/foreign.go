package event

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"unicode/utf8"
)

// format is a form in which producers send events that are not the JSON that is read here.
type format struct {
	reason string
	is     func(b []byte) bool
	detail string
}

// compressed is what to do about a value that was compressed by itself.
const compressed = "; send the JSON itself, and have the producer compress with its setting compression.type, which Kafka's clients undo"

// formats are looked at in this order: the surer ones first.
var formats = []format{
	{ReasonGzip, magic("\x1f\x8b\x08"), "the value is compressed by gzip" + compressed},
	{ReasonZstd, magic("\x28\xb5\x2f\xfd"), "the value is compressed by zstd" + compressed},
	{ReasonLZ4, magic("\x04\x22\x4d\x18"), "the value is compressed by lz4" + compressed},
	{ReasonSnappy, magic("\xff\x06\x00\x00sNaPpY", "\x82SNAPPY\x00"), "the value is compressed by snappy" + compressed},
	{ReasonBzip2, magic("BZh"), "the value is compressed by bzip2" + compressed},
	{ReasonXZ, magic("\xfd7zXZ\x00"), "the value is compressed by xz" + compressed},
	{ReasonZip, magic("PK\x03\x04"), "the value is a zip archive" + compressed},
	{ReasonZlib, isZlib, "the value is compressed by zlib (deflate)" + compressed},
	{ReasonAvro, magic("Obj\x01", "\xc3\x01"), "the value is Avro; send JSON, which Avro's JsonEncoder writes as well"},
	{ReasonUTF32, isUTF32, "the value is in UTF-32; encode it as UTF-8"},
	{ReasonUTF16, isUTF16, "the value is in UTF-16; encode it as UTF-8"},
	{ReasonBOM, magic("\uFEFF"), "the value begins with a byte order mark; send UTF-8 without one"},
	{ReasonRegistry, isFramed, "the value begins as a schema registry's serializers (Confluent's wire format) write it, with a magic byte 0 and a schema's id; " +
		"send the JSON alone, by a plain serializer for texts or JSON"},
	{ReasonMessagePack, isMessagePack, "the value is MessagePack; send JSON, which is text in UTF-8"},
	{ReasonCBOR, isCBOR, "the value is CBOR; send JSON, which is text in UTF-8"},
	{ReasonBase64, isBase64, "the value is base64 of JSON; send the JSON itself, by a serializer for bytes or texts"},
	{ReasonBatch, isBatch, "an array of CloudEvents is their batch mode, which there is not in Kafka; send each CloudEvent in a record of its own, structured or binary"},
	{ReasonArray, isArray, "an array is not an event; send each of its events in a record of its own"},
	{ReasonText, isJSONText, "a string that holds JSON is not an event, it was encoded twice; send the object itself, not its text in quotes"},
	{ReasonProtobuf, isProtobuf, "the value looks like protobuf; send JSON, which protobuf's JSON mapping (JsonFormat, protojson) writes as well"},
}

// Foreign says what a value is that is no JSON object, as far as its beginning shows. Otherwise it
// returns nil.
func Foreign(b []byte) *Malformed {
	for i := range formats {
		if f := &formats[i]; f.is(b) {
			return &Malformed{f.reason, "", -1, f.detail}
		}
	}
	return nil
}

// named replaces what was found wrong with a value by what the value is, if that is not JSON. A
// value that is too large is that, whatever it holds.
func named(b []byte, bad *Malformed) *Malformed {
	if bad.Reason == ReasonTooLarge {
		return bad
	}
	if foreign := Foreign(b); foreign != nil {
		return foreign
	}
	return bad
}

// magic recognises values that begin in one of these ways.
func magic(beginnings ...string) func([]byte) bool {
	return func(b []byte) bool {
		for _, s := range beginnings {
			if begins(b, s) {
				return true
			}
		}
		return false
	}
}

// isZlib recognises the header of zlib with the usual window: two bytes that are a multiple of 31.
func isZlib(b []byte) bool {
	return len(b) > 2 && b[0] == 'x' && ('x'<<8+int(b[1]))%31 == 0 && !isText(b)
}

// wide reports whether a value begins with two ASCII characters of size bytes each, as JSON in
// UTF-16 and UTF-32 does. In each, only the byte at the given place is not 0.
func wide(b []byte, size, at int) bool {
	if len(b) < 2*size {
		return false
	}
	for i, c := range b[:2*size] {
		if (c != 0) != (i%size == at) || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isUTF32(b []byte) bool {
	return begins(b, "\xff\xfe\x00\x00") || begins(b, "\x00\x00\xfe\xff") || wide(b, 4, 0) || wide(b, 4, 3)
}

func isUTF16(b []byte) bool {
	return begins(b, "\xff\xfe") || begins(b, "\xfe\xff") || wide(b, 2, 0) || wide(b, 2, 1)
}

// isFramed recognises the framing of schema registries: a byte 0 and a schema's id, of four bytes
// or of eight.
func isFramed(b []byte) bool {
	if len(b) < 6 || b[0] != 0 {
		return false
	}
	id := binary.BigEndian.Uint32(b[1:])
	if id == 0 && len(b) > 9 {
		id = binary.BigEndian.Uint32(b[5:])
	}
	return id != 0 && id < 1<<31
}

// isMessagePack recognises a map with a text for its first key.
func isMessagePack(b []byte) bool {
	key := 0
	switch {
	case len(b) == 0:
	case b[0] > 0x80 && b[0] < 0x90:
		key = 1
	case b[0] == 0xde:
		key = 3
	case b[0] == 0xdf:
		key = 5
	}
	switch {
	case key == 0 || len(b) < key+2:
		return false
	case b[key] == 0xd9:
		return isName(b[key+2:], b[key+1])
	}
	return b[key]&0xe0 == 0xa0 && isName(b[key+1:], b[key]&0x1f)
}

// isCBOR recognises a map with a text for its first key, with or without the tag that says that it
// is CBOR.
func isCBOR(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("\xd9\xd9\xf7"))
	if len(b) < 2 || b[0] <= 0xa0 || b[0] > 0xb7 && b[0] != 0xbf {
		return false
	}
	return b[1]&0xe0 == 0x60 && isName(b[2:], b[1]&0x1f)
}

// isName reports whether b begins with a name of n characters of ASCII, as members of events have.
func isName(b []byte, n byte) bool {
	if n == 0 || len(b) < int(n) {
		return false
	}
	for _, c := range b[:n] {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// isBase64 recognises base64 of an object, as a text or as a JSON string.
func isBase64(b []byte) bool {
	b = bytes.TrimPrefix(b[skipSpace(b, 0):], []byte(`"`))
	if len(b) < 4 {
		return false
	}
	var start [3]byte
	if _, err := base64.StdEncoding.Decode(start[:], b[:4]); err != nil || start[0] != '{' {
		return false
	}
	return start[1] == '"' || skipSpace(start[:2], 1) == 2
}

// isBatch recognises the batch mode of CloudEvents: an array whose first value is an envelope.
func isBatch(b []byte) bool {
	i := skipSpace(b, 0)
	if !begins(b[i:], "[") {
		return false
	}
	var d Decoder
	return d.isEnvelope(b[i+1:])
}

func isArray(b []byte) bool { return begins(b[skipSpace(b, 0):], "[") }

func isJSONText(b []byte) bool { return holdsJSON(b, skipSpace(b, 0)) }

// holdsJSON reports whether the value at b[i] is a string that holds an object, or such a string.
func holdsJSON(b []byte, i int) bool {
	if i == len(b) || b[i] != '"' {
		return false
	}
	text := b[skipSpace(b, i+1):]
	return begins(text, "{") || begins(text, `\"`)
}

// isProtobuf recognises a value that is no text and reads as two fields or more, to its last byte.
// Nothing in protobuf says that it is that, so this comes last.
func isProtobuf(b []byte) bool {
	if isText(b) {
		return false
	}
	fields := 0
	for len(b) > 0 {
		n := protobufField(b)
		if n == 0 {
			return false
		}
		b = b[n:]
		fields++
	}
	return fields >= 2
}

// isText reports whether b is UTF-8 without control characters except white space.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return utf8.Valid(b)
}

// protobufField is the length of the field with which b begins, 0 if it begins with none.
func protobufField(b []byte) int {
	const highest = 1_000 // number of a field that a schema for events would have
	tag, n := binary.Uvarint(b)
	if n <= 0 || tag>>3 == 0 || tag>>3 > highest {
		return 0
	}
	size, more := uint64(0), 0
	switch tag & 7 {
	case 0:
		_, more = binary.Uvarint(b[n:])
	case 1:
		size = 8
	case 2:
		size, more = binary.Uvarint(b[n:])
	case 5:
		size = 4
	default:
		return 0
	}
	if more < 0 || more == 0 && size == 0 || size > uint64(len(b)-n-more) {
		return 0
	}
	return n + more + int(size) // #nosec G115 -- not more than len(b)
}
