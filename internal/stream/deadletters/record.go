package deadletters

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// Record is a record that is to be put back.
type Record struct {
	Line    int   // of the file, from 1
	Origin  Place // where it was refused: into that partition it goes
	Letter  *Place
	Reason  string
	Time    int64 // when that was, Unix ms; engine.NoTimestamp: the line does not say it
	Key     []byte
	Value   []byte
	Headers []event.Header

	identity  string
	originals map[int64]int64 // where the event was refused, and until when that record had been written, Unix ms
	sameAs    int             // the line that has the same event for the same partition; 0: this is the first
	offset    int64           // where the event is in the log; -1: it is not there
}

// placed checks that it says where it was.
func (r *Record) placed() error {
	if r.Origin.Topic == "" || r.Origin.Partition < 0 || r.Origin.Offset < 0 {
		return errors.New(`"topic", "partition" and "offset" say where the record was refused; leave them as they are`)
	}
	return nil
}

// refuse notes where and when the event was refused. Clocks of producers may be ahead of the service's by so much.
func (r *Record) refuse(at *Record, ahead time.Duration) {
	if r.originals == nil {
		r.originals = map[int64]int64{}
	}
	until := int64(math.MaxInt64)
	if at.Time != engine.NoTimestamp {
		until = at.Time + ahead.Milliseconds()
	}
	r.originals[at.Origin.Offset] = max(r.originals[at.Origin.Offset], until)
}

// refused reports whether a record of the log is the one that was refused. One that came later is of a topic that was made anew.
func (r *Record) refused(offset, timestamp int64) bool {
	until, is := r.originals[offset]
	return is && timestamp <= until
}

// bytes is about what it takes in memory.
func (r *Record) bytes() int {
	n := 400 + len(r.Key) + len(r.Value) + len(r.identity)
	for _, h := range r.Headers {
		n += 50 + len(h.Key) + len(h.Value)
	}
	return n
}

// message is the record as it is sent. Its Kafka timestamp is that of the sending.
func (r *Record) message() kafka.Message {
	m := kafka.Message{Topic: r.Origin.Topic, WriterData: r.Origin.Partition, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, kafka.Header{Key: string(h.Key), Value: h.Value})
	}
	return m
}

// judge decides about records as the service does.
type judge struct {
	in      engine.Intake // what reads events
	headers []event.Header
}

func newJudge(o engine.IntakeOptions) *judge {
	o = o.WithDefaults()
	return &judge{in: engine.Intake{Decoder: event.Decoder{Types: o.Types}, MaxAhead: o.MaxAhead}}
}

// refuse is why the service would refuse a record of a Kafka timestamp, ms. Otherwise the event's identity is noted.
func (j *judge) refuse(r *Record, timestamp int64) error {
	if n := headerBytes(r.Headers); len(r.Headers) > records.MaxHeaders || n > records.MaxHeaderBytes {
		return tooLarge("%d headers of %d bytes together; send at most %d, of %d bytes", len(r.Headers), n, records.MaxHeaders, records.MaxHeaderBytes)
	}
	if len(r.Key) > keyMost {
		return tooLarge("a key of %d bytes; send one of at most %d", len(r.Key), keyMost)
	}
	if err := j.in.Decoder.DecodeRecord(&j.in.Event, r.Value, r.Headers); err != nil {
		return err
	}
	if j.in.TooNew(engine.Nanoseconds(timestamp)) {
		return engine.AheadOf(j.in.Event.Time, timestamp, j.in.MaxAhead)
	}
	r.identity = string(j.in.Event.AppendIdentity(nil))
	return nil
}

func tooLarge(format string, args ...any) error {
	return &event.Malformed{Reason: event.ReasonTooLarge, Offset: -1, Detail: fmt.Sprintf(format, args...)}
}

// headerBytes is what headers take in a record, by Kafka's format.
func headerBytes(list []event.Header) int {
	n := 0
	for _, h := range list {
		for _, b := range [][]byte{h.Key, h.Value} {
			n += len(binary.AppendVarint(nil, int64(len(b)))) + len(b)
		}
	}
	return n
}

// identity is that of the event in a record of the log, in dst; false: the service refuses the record.
func (j *judge) identity(dst []byte, x *records.Record) ([]byte, bool) {
	if x.Fault != nil || x.Timestamp == engine.NoTimestamp {
		return dst, false
	}
	j.headers = j.headers[:0]
	for _, h := range x.Headers {
		j.headers = append(j.headers, event.Header{Key: h.Key, Value: h.Value})
	}
	if j.in.Decoder.DecodeRecord(&j.in.Event, x.Value, j.headers) != nil || j.in.TooNew(engine.Nanoseconds(x.Timestamp)) {
		return dst, false
	}
	return j.in.Event.AppendIdentity(dst), true
}
