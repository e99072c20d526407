package partition

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
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

// DeadTopic writes dead letters to Kafka: key, value and headers as they were, and behind them where they came from and
// why, under the names that Kafka Connect uses. Those of a partition go to one partition, in their order.
type DeadTopic struct {
	Writer     outbox.MessageWriter
	Topic      func(topic string) string
	Partitions func(ctx context.Context, topic string) (int, error)
	Retry      func(ctx context.Context, what string, f func() error) error

	mu    sync.Mutex
	count map[string]int // partitions of the topics that are written to; asked for again after an error
}

// Write returns when all letters are safe. If ctx ends before, it may be that Kafka has some:
// they come again with their records.
func (t *DeadTopic) Write(ctx context.Context, letters []DeadLetter) error {
	list := make([]*sending, len(letters))
	for i := range letters {
		list[i] = &sending{letter: &letters[i], message: letters[i].Record(CutNothing)}
		for Size(&list[i].message) > largestLetter && list[i].shorten() {
		}
	}
	return t.Retry(ctx, "the dead-letter topic", func() error {
		if err := t.post(ctx, list); err != nil {
			return explain.Kafka(err)
		}
		return nil
	})
}

// post writes the letters that were not written yet. What the topic refuses for its size is sent again in halves,
// and a letter that is refused alone is cut: both come to an end.
func (t *DeadTopic) post(ctx context.Context, list []*sending) error {
	list = slices.DeleteFunc(slices.Clone(list), func(x *sending) bool { return x.done })
	if len(list) == 0 {
		return nil
	}
	err := t.attempt(ctx, list)
	switch {
	case !refusedForSize(err):
		return err
	case len(list) > 1:
		if err := t.post(ctx, list[:len(list)/2]); err != nil {
			return err
		}
	case !list[0].shorten():
		return fmt.Errorf("it takes no message of %d bytes, which is the least that a dead letter has: raise max.message.bytes of %s: %w",
			Size(&list[0].message), t.Topic(list[0].letter.Lease.Topic), err)
	}
	return t.post(ctx, list)
}

// attempt sends letters of one partition once, and notes which are safe. The error is the first one's that is not.
func (t *DeadTopic) attempt(ctx context.Context, list []*sending) error {
	l := list[0].letter.Lease
	topic := t.Topic(l.Topic)
	n, err := t.partitionsOf(ctx, topic)
	if err != nil {
		return err
	}
	messages := make([]kafka.Message, len(list))
	for i, x := range list {
		x.message.Topic, x.message.WriterData = topic, l.Partition%n
		messages[i] = x.message
	}
	err = t.Writer.WriteMessages(ctx, time.Time{}, messages...)
	var each kafka.WriteErrors
	if err != nil && !errors.As(err, &each) {
		t.forget(topic)
		return err
	}
	err = nil
	for i, x := range list {
		x.done = each == nil || each[i] == nil
		if !x.done && err == nil {
			err = each[i]
		}
	}
	if err != nil && !refusedForSize(err) {
		t.forget(topic)
	}
	return err
}

func refusedForSize(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
}

func (t *DeadTopic) partitionsOf(ctx context.Context, topic string) (int, error) {
	t.mu.Lock()
	n := t.count[topic]
	t.mu.Unlock()
	if n > 0 {
		return n, nil
	}
	n, err := t.Partitions(ctx, topic)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, fmt.Errorf("%s: %w", topic, ErrNoTopic)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == nil {
		t.count = map[string]int{}
	}
	t.count[topic] = n
	return n, nil
}

func (t *DeadTopic) forget(topic string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.count, topic)
}

// sending is a dead letter on its way. How much of it is left out stands here, and is not read from its headers:
// a producer may write any.
type sending struct {
	letter  *DeadLetter
	cut     cut
	message kafka.Message
	done    bool // Kafka has it
}

// shorten leaves out the next thing whose lack makes the letter smaller. It says whether there was one.
func (x *sending) shorten() bool {
	for before := Size(&x.message); x.cut < cutText; {
		x.cut++
		if x.message = x.letter.Record(x.cut); Size(&x.message) < before {
			return true
		}
	}
	return false
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

// ErrNoTopic is a topic that does not exist.
var ErrNoTopic = errors.New("topic does not exist: make it with `aggregator topics`")
