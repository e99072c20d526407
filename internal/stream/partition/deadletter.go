package partition

import (
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// DeadLetter is a record that cannot be counted, with the reason. It owns its bytes.
type DeadLetter struct {
	Lease      *shard.Assignment
	Offset     int64
	Key, Value []byte
	Headers    []kafka.Header
	unread     int64 // bytes of a value that was too long to be read; 0: it was read
	Reason     string
	Message    string
}

func newDeadLetter(l *shard.Assignment, r *fetch.Record, err error) DeadLetter {
	d := DeadLetter{
		Lease: l, Offset: r.Offset, Key: bytesOf(r.Key), Value: bytesOf(r.Value),
		Reason: engine.ReasonOf(err), Message: err.Error(),
	}
	if r.Fault != nil {
		d.unread = max(r.Fault.Value, 0)
	}
	for _, h := range r.Headers {
		d.Headers = append(d.Headers, kafka.Header{Key: string(h.Key), Value: bytesOf(h.Value)})
	}
	return d
}

// bytes is about what the letter takes in memory.
func (d *DeadLetter) bytes() int {
	n := 200 + len(d.Key) + len(d.Value) + len(d.Message)
	for _, h := range d.Headers {
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

// cut is how much of a dead letter is left out, each beside those before it.
type cut uint8

const (
	CutNothing  cut = iota
	cutValue        // a header says how long it was
	cutProducer     // key and headers of the producer
	cutText         // the end of the message that says what is wrong
)

// shortText is what is left of the message of a letter of which all else is cut, in bytes.
const shortText = 100

// HeaderCut is on a dead letter whose value was left out: its length in bytes.
const HeaderCut = "aggregator.value.bytes"

// Size is the most that a message takes in a batch, before it is compressed.
func Size(m *kafka.Message) int {
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

// Record is the message of a letter of which something is left out.
func (d *DeadLetter) Record(c cut) kafka.Message {
	var m kafka.Message
	if c < cutProducer {
		m.Key, m.Headers = d.Key, original(d.Headers)
	}
	add := func(key, value string) {
		m.Headers = append(m.Headers, kafka.Header{Key: key, Value: []byte(value)})
	}
	text := d.Message
	if c >= cutText && len(text) > shortText {
		text = strings.ToValidUTF8(text[:shortText], "") + " ..."
	}
	add("__connect.errors.topic", d.Lease.Topic)
	add("__connect.errors.partition", strconv.Itoa(d.Lease.Partition))
	add("__connect.errors.offset", strconv.FormatInt(d.Offset, 10))
	add("__connect.errors.stage", stageOf(d.Reason))
	add("__connect.errors.exception.message", text)
	add("aggregator.reason", d.Reason)
	if c < cutValue && d.unread == 0 {
		m.Value = d.Value
	} else {
		add(HeaderCut, strconv.FormatInt(d.unread+int64(len(d.Value)), 10))
	}
	return m
}

// The names of our headers begin with one of these, and those of a producer's headers that do are given another beginning.
const (
	headerOurs     = "aggregator."
	headerConnects = "__connect.errors."
	headerOriginal = "aggregator.original."
)

// original are a producer's headers, with those of our names renamed, so that nobody takes them for ours. A record that was a
// dead letter before, and was put back, may bring both: it says with the first ones where it came from at first, and the
// later ones of the same name go, or a letter would grow each time that it is put back.
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
