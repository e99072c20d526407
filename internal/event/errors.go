package event

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// The reasons for which a record is no event that can be counted.
const (
	ReasonEmpty       = "empty"            // the value has no bytes, or is null
	ReasonTooLarge    = "too-large"        // the value is larger than MaxSize
	ReasonSyntax      = "syntax"           // not JSON (RFC 8259)
	ReasonUTF8        = "utf8"             // a text is not valid UTF-8
	ReasonSurrogate   = "surrogate"        // a \u escape is half of a surrogate pair
	ReasonDuplicate   = "duplicate-member" // a known member is given twice
	ReasonMissing     = "missing"          // a required member is absent or null
	ReasonWrongType   = "wrong-type"       // a member is of another JSON type, or a number with sign, fraction or exponent
	ReasonOutOfRange  = "out-of-range"     // a text too short or too long, an integer too small or too large, a time before 1678
	ReasonTime        = "time"             // a time is not in the form of RFC 3339 that is accepted
	ReasonDepth       = "depth"            // nested deeper than MaxDepth
	ReasonTrailing    = "trailing"         // something follows the event
	ReasonCloudEvents = "cloudevents"      // the envelope breaks CloudEvents 1.0
	ReasonTimestamp   = "no-timestamp"     // the record has no Kafka timestamp, so that nothing can be ahead of it
	ReasonUnreadable  = "unreadable"       // the record is one of a batch that cannot be read as its producer wrote it
	ReasonAhead       = "ahead"            // the time lies after 2261, ahead of any clock: not malformed, but nothing that can be counted

	// The value is something else than JSON, or JSON that holds the event in another way. This is
	// recognised by how it begins, see foreign.go.
	ReasonGzip        = "gzip"
	ReasonZstd        = "zstd"
	ReasonLZ4         = "lz4"
	ReasonSnappy      = "snappy"
	ReasonZlib        = "zlib"
	ReasonBzip2       = "bzip2"
	ReasonXZ          = "xz"
	ReasonZip         = "zip"
	ReasonUTF16       = "utf-16"
	ReasonUTF32       = "utf-32"
	ReasonBOM         = "utf-8-bom"
	ReasonRegistry    = "schema-registry"
	ReasonAvro        = "avro"
	ReasonMessagePack = "messagepack"
	ReasonCBOR        = "cbor"
	ReasonProtobuf    = "protobuf"
	ReasonBatch       = "cloudevents-batch"
	ReasonArray       = "json-array"
	ReasonText        = "json-string"
	ReasonBase64      = "base64"
	ReasonLines       = "ndjson"
)

var reasons = []string{
	ReasonEmpty, ReasonTooLarge, ReasonSyntax, ReasonUTF8, ReasonSurrogate, ReasonDuplicate, ReasonMissing,
	ReasonWrongType, ReasonOutOfRange, ReasonTime, ReasonDepth, ReasonTrailing, ReasonCloudEvents, ReasonTimestamp, ReasonUnreadable, ReasonAhead,
	ReasonGzip, ReasonZstd, ReasonLZ4, ReasonSnappy, ReasonZlib, ReasonBzip2, ReasonXZ, ReasonZip, ReasonUTF16, ReasonUTF32, ReasonBOM,
	ReasonRegistry, ReasonAvro, ReasonMessagePack, ReasonCBOR, ReasonProtobuf, ReasonBatch, ReasonArray, ReasonText, ReasonBase64, ReasonLines,
}

// Reasons returns all values that Malformed.Reason can have, so that a metric
// can be made for each before the first malformed record.
func Reasons() []string { return slices.Clone(reasons) }

// Malformed says why a record is no event. It never quotes an id, a text or a
// name that the record holds: these may be personal data.
type Malformed struct {
	Reason string // one of Reasons
	Member string // the known member or the header it is about, "" if none; a CloudEvent's event is under data or data_base64
	Offset int    // the byte it is at, from 0, in the value (under data_base64: in what that decodes to); -1 if it is at none
	Detail string // what is wrong, and what to do
}

// Error returns the member, the detail and the offset, as far as there are any: "count: 1.5 is not
// an integer from 1 to 1,000,000,000,000 (byte 41)".
func (m *Malformed) Error() string {
	s := m.Detail
	if m.Member != "" {
		s = m.Member + ": " + s
	}
	if m.Offset >= 0 {
		s += " (byte " + strconv.Itoa(m.Offset) + ")"
	}
	return s
}

// under puts the member below the member that it is a part of.
func (m *Malformed) under(outer string) *Malformed {
	if m.Member != "" {
		outer += "."
	}
	m.Member = outer + m.Member
	return m
}

// asError keeps a nil *Malformed from becoming an error that is not nil.
func asError(m *Malformed) error {
	if m == nil {
		return nil
	}
	return m
}

// wrongType says that the value at b[i] is of another type than the one wanted.
func wrongType(name, want string, b []byte, i int) *Malformed {
	kind := ""
	switch c := b[i]; {
	case c == '"':
		kind = "a string"
	case c == '{':
		kind = "an object"
	case c == '[':
		kind = "an array"
	case begins(b[i:], "true") || begins(b[i:], "false"):
		kind = "true or false"
	case begins(b[i:], "null"):
		kind = "null"
	case c == '-' || isDigit(c):
		kind = "a number"
	default:
		return faultByte.at(name, i)
	}
	return &Malformed{ReasonWrongType, name, i, kind + " is not " + want}
}

func begins(b []byte, word string) bool { return bytes.HasPrefix(b, []byte(word)) }

// refused makes an error of a fault that set found in a text of n bytes. The
// member is called name there.
func refused(f fault, m member, name string, n, offset int) *Malformed {
	bad := f.at(name, offset)
	if f == faultLength {
		bad.Detail = "a string of " + humanize.Number(n) + " bytes is not " + m.want()
	}
	return bad
}
