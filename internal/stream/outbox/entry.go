package outbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Entry is a crossing as it waits in the outbox.
type Entry struct {
	Timestamp int64 // Kafka's, of the event, in ms
	Canary    bool  // it is a canary's, and does not belong into the topic of crossings
	Header
	Value []byte // the record, which becomes the value of the message
}

// Header is what a publisher needs of a crossing, so that nobody reads the record.
type Header struct {
	ID        string
	Key       string // kind/subject
	Status    string // "crossed" or "cleared"
	Time      string // RFC 3339, as in the record
	Rule      string
	Level     string // as in the record
	Partition int    // of the event that crossed; a clear has none, nor an offset
	Offset    int64
}

// Told is what the metrics tell of the crossing, which was published so many ms after its event.
func (h *Header) Told(delay int64) metrics.Crossing {
	return metrics.Crossing{Rule: h.Rule, Level: h.Level, Status: h.Status, Partition: h.Partition, Offset: h.Offset, Delay: delay}
}

// Format is a form in which entries are stored. All begin with the timestamp, 8 bytes. The byte
// after it is the format.
type Format byte

const (
	// FormatRecord is the form of versions that know no other: nothing but the record, which is JSON, and its first byte '{'.
	FormatRecord Format = '{'
	// FormatHeader has the format's byte, the header, the record, and a checksum. The header is texts, each after its length as a
	// uvarint, in the order of the struct, then partition and offset as varints.
	FormatHeader Format = 1
	// FormatCanary is the same, of a canary's crossing. A version that does not know it must not be given one: it would wait there.
	FormatCanary Format = 2
)

// Formats are those in which entries may be written: what all who may publish them read.
type Formats struct {
	Header bool // crossings have FormatHeader; else FormatRecord
	Canary bool // canaries have entries; others would publish them as crossings, or would wait there
}

// OldestFormats are those that every version reads.
func OldestFormats() Formats { return Formats{} }

// Of is the format of a crossing's entry, or of a canary's, which may have to have none.
func (f Formats) Of(canary bool) (of Format, ok bool) {
	switch {
	case canary:
		return FormatCanary, f.Canary
	case f.Header:
		return FormatHeader, true
	}
	return FormatRecord, true
}

// Every format except FormatRecord ends with the xxhash64 of all before it, in 8 bytes, whatever is
// in between. So an entry of a later version is distinguished from a damaged entry.
const checksumSize = 8

var (
	// ErrDamaged is of an entry that nobody can read.
	ErrDamaged = errors.New("outbox entry is damaged")
	// ErrUnreadable is of an entry that is whole, and that this version cannot read.
	ErrUnreadable = errors.New("outbox entry cannot be read")
)

// AppendEntry appends the entry of a crossing, whose event has a Kafka timestamp (ms).
func AppendEntry(dst []byte, f Format, timestamp int64, c *thresholds.Crossing) []byte {
	begin := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, uint64(timestamp))
	if f == FormatRecord {
		return c.AppendJSON(dst)
	}
	dst = appendHeader(append(dst, byte(f)), c)
	dst = c.AppendJSON(dst)
	return binary.BigEndian.AppendUint64(dst, xxhash.Sum64(dst[begin:]))
}

func appendHeader(dst []byte, c *thresholds.Crossing) []byte {
	var b [128]byte // most texts are shorter
	dst = appendText(dst, c.AppendID(b[:0]))
	dst = appendText(dst, c.AppendKey(b[:0]))
	dst = appendText(dst, append(b[:0], c.Status()...))
	dst = appendText(dst, time.Unix(0, c.Time).UTC().AppendFormat(b[:0], time.RFC3339Nano))
	dst = appendText(dst, append(b[:0], c.Rule.ID...))
	dst = appendText(dst, append(b[:0], c.Level.String()...))
	if c.Level == 0 || c.Topic == "" {
		return append(dst, 0, 0)
	}
	dst = binary.AppendVarint(dst, int64(c.Partition))
	return binary.AppendVarint(dst, c.Offset)
}

// appendText appends a text with its length in front, as a reader of the record would have it: as UTF-8.
func appendText(dst, text []byte) []byte {
	if !utf8.Valid(text) {
		text = []byte(string([]rune(string(text))))
	}
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// ParseEntry reads an entry of any format. Its record lies in b. The error is, or wraps, ErrDamaged or ErrUnreadable.
func ParseEntry(b []byte) (Entry, error) {
	if len(b) < 9 {
		return Entry{}, ErrDamaged
	}
	e := Entry{Timestamp: int64(binary.BigEndian.Uint64(b))}
	if Format(b[8]) == FormatRecord {
		return e, e.parseRecord(b[8:])
	}
	body := b[:max(0, len(b)-checksumSize)]
	if len(body) < 9 || xxhash.Sum64(body) != binary.BigEndian.Uint64(b[len(body):]) {
		return Entry{}, ErrDamaged
	}
	if f := Format(b[8]); f != FormatHeader && f != FormatCanary {
		return Entry{}, fmt.Errorf("%w: it has format %d, of a later version", ErrUnreadable, f)
	}
	e.Canary = Format(b[8]) == FormatCanary
	r := headerReader{rest: body[9:]}
	e.Header = r.header()
	if r.cut {
		return Entry{}, fmt.Errorf("%w: its header is cut short", ErrUnreadable)
	}
	e.Value = r.rest
	return e, nil
}

// headerReader reads what appendHeader wrote. What is cut short reads as nothing.
type headerReader struct {
	rest []byte
	cut  bool
}

func (r *headerReader) header() (h Header) {
	for _, text := range []*string{&h.ID, &h.Key, &h.Status, &h.Time, &h.Rule, &h.Level} {
		*text = r.text()
	}
	h.Partition = int(r.number())
	h.Offset = r.number()
	return h
}

func (r *headerReader) text() string {
	size, n := binary.Uvarint(r.rest)
	if n <= 0 || size > uint64(len(r.rest)-n) {
		r.rest, r.cut = nil, true
		return ""
	}
	end := n + int(size)
	s := string(r.rest[n:end])
	r.rest = r.rest[end:]
	return s
}

func (r *headerReader) number() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.rest, r.cut = nil, true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}
