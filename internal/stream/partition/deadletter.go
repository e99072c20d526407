package partition

import (
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// deadLetter is a record that cannot be counted, with the reason. It owns its bytes.
type deadLetter struct {
	assignment *shard.Assignment
	offset     int64
	key, value []byte
	headers    []kafka.Header
	unread     int64 // bytes of a value that was too long to be read; 0: it was read
	reason     string
	message    string
}

func newDeadLetter(l *shard.Assignment, r *records.Record, err error) deadLetter {
	d := deadLetter{
		assignment: l, offset: r.Offset, key: bytesOf(r.Key), value: bytesOf(r.Value),
		reason: engine.ReasonOf(err), message: err.Error(),
	}
	if r.Fault != nil {
		d.unread = max(r.Fault.Value, 0)
	}
	for _, h := range r.Headers {
		d.headers = append(d.headers, kafka.Header{Key: string(h.Key), Value: bytesOf(h.Value)})
	}
	return d
}

// bytes is about what the letter takes in memory.
func (d *deadLetter) bytes() int {
	n := 200 + len(d.key) + len(d.value) + len(d.message)
	for _, h := range d.headers {
		n += 50 + len(h.Key) + len(h.Value)
	}
	return n
}

// bytesOf is a copy that keeps nil apart from empty, as Kafka does.
func bytesOf(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

// cut is how much of a dead letter is left out. Each leaves out what those before it do as well.
type cut uint8

const (
	cutNothing  cut = iota
	cutValue        // a header says how long it was
	cutProducer     // key and headers of the producer
	cutText         // the end of the message that says what is wrong
)

// shortText is how much is left of a letter's message when all else is cut, in bytes.
const shortText = 100

// The headers that a dead letter has of its own, after those of its producer.
const (
	HeaderTopic     = "__connect.errors.topic" // where the record was
	HeaderPartition = "__connect.errors.partition"
	HeaderOffset    = "__connect.errors.offset"
	HeaderStage     = "__connect.errors.stage"
	HeaderMessage   = "__connect.errors.exception.message"
	HeaderReason    = "aggregator.reason"
	HeaderCut       = "aggregator.value.bytes" // only of a letter whose value was left out: the value's length, in bytes
)

// sizeOf is the most that a message takes in a batch, before it is compressed.
func sizeOf(m *kafka.Message) int {
	n := batchHead + recordHead + len(m.Key) + len(m.Value)
	for _, h := range m.Headers {
		n += len(h.Key) + len(h.Value) + 2*lengthBytes
	}
	return n
}

// What Kafka's format takes beside the bytes of a message.
const (
	batchHead   = 61
	recordHead  = 40 // lengths of record, key, value and number of headers; the place in the batch
	lengthBytes = 5
)

// record is the letter as a message, without what is cut.
func (d *deadLetter) record(c cut) kafka.Message {
	var m kafka.Message
	if c < cutProducer {
		m.Key, m.Headers = d.key, original(d.headers)
	}
	add := func(key, value string) {
		m.Headers = append(m.Headers, kafka.Header{Key: key, Value: []byte(value)})
	}
	text := d.message
	if c >= cutText && len(text) > shortText {
		text = strings.ToValidUTF8(text[:shortText], "") + " ..."
	}
	add(HeaderTopic, d.assignment.Topic)
	add(HeaderPartition, strconv.Itoa(d.assignment.Partition))
	add(HeaderOffset, strconv.FormatInt(d.offset, 10))
	add(HeaderStage, stageOf(d.reason))
	add(HeaderMessage, text)
	add(HeaderReason, d.reason)
	if c < cutValue && d.unread == 0 {
		m.Value = d.value
	} else {
		add(HeaderCut, strconv.FormatInt(d.unread+int64(len(d.value)), 10))
	}
	return m
}

// The names of our headers begin with headerOurs or headerConnects. A producer's header that does so too gets headerOriginal
// in front.
const (
	headerOurs     = "aggregator."
	headerConnects = "__connect.errors."
	headerOriginal = "aggregator.original."
)

// Restored is the name that a header of a dead letter had with its producer. It is "" for a header that the service wrote,
// also if it did so when the record was refused before.
func Restored(name string) string {
	name = strings.TrimPrefix(name, headerOriginal)
	switch name {
	case HeaderTopic, HeaderPartition, HeaderOffset, HeaderStage, HeaderMessage, HeaderReason, HeaderCut:
		return ""
	}
	return name
}

// original returns a producer's headers. Those with our names are renamed, so that nobody takes them for ours. A record that
// was a dead letter before, and was put back, may have both. Its first ones name where it came from at first. Later ones
// of the same name are left out, otherwise a letter would grow each time that it is put back.
func original(headers []kafka.Header) []kafka.Header {
	list := make([]kafka.Header, 0, len(headers)+7)
	first := map[string]bool{}
	for _, h := range headers {
		if strings.HasPrefix(h.Key, headerOriginal) {
			first[h.Key] = true
		}
	}
	for _, h := range headers {
		ours := strings.HasPrefix(h.Key, headerOurs) || strings.HasPrefix(h.Key, headerConnects)
		if ours && !strings.HasPrefix(h.Key, headerOriginal) {
			if h.Key = headerOriginal + h.Key; first[h.Key] {
				continue
			}
		}
		list = append(list, h)
	}
	return list
}

// stageOf names the step that refused the record, in Connect's words.
func stageOf(reason string) string {
	if reason == event.ReasonAhead {
		return "TRANSFORMATION"
	}
	return "VALUE_CONVERTER"
}
