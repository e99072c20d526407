package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// deadLetters takes the records that cannot be counted. It returns when all are safe.
type deadLetters interface {
	write(ctx context.Context, letters []deadLetter) error
}

// deadLetter is a record that cannot be counted, with the reason. It owns its bytes.
type deadLetter struct {
	lease      *assignment
	offset     int64
	key, value []byte
	headers    []kafka.Header
	unread     int64 // bytes of a value that was too long to be read; 0: it was read
	reason     string
	message    string
}

func newDeadLetter(l *assignment, r *fetch.Record, err error) deadLetter {
	d := deadLetter{
		lease: l, offset: r.Offset, key: bytesOf(r.Key), value: bytesOf(r.Value),
		reason: reasonOf(err), message: err.Error(),
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

// deadTopic writes dead letters to Kafka: key, value and headers as they were, and behind them where they came from and
// why, under the names that Kafka Connect uses. Those of a partition go to one partition, in their order.
type deadTopic struct {
	writer     messageWriter
	topic      func(topic string) string
	partitions func(ctx context.Context, topic string) (int, error)
	retry      func(ctx context.Context, what string, f func() error) error

	mu    sync.Mutex
	count map[string]int // partitions of the topics that are written to; asked for again after an error
}

// write returns when all letters are safe. If ctx ends before, it may be that Kafka has some:
// they come again with their records.
func (t *deadTopic) write(ctx context.Context, letters []deadLetter) error {
	list := make([]*sending, len(letters))
	for i := range letters {
		list[i] = &sending{letter: &letters[i], message: letters[i].record(cutNothing)}
		for size(&list[i].message) > largestLetter && list[i].shorten() {
		}
	}
	return t.retry(ctx, "the dead-letter topic", func() error {
		if err := t.post(ctx, list); err != nil {
			return explain.Kafka(err)
		}
		return nil
	})
}

// post writes the letters that were not written yet. What the topic refuses for its size is sent again in halves,
// and a letter that is refused alone is cut: both come to an end.
func (t *deadTopic) post(ctx context.Context, list []*sending) error {
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
			size(&list[0].message), t.topic(list[0].letter.lease.topic), err)
	}
	return t.post(ctx, list)
}

// attempt sends letters of one partition once, and notes which are safe. The error is the first one's that is not.
func (t *deadTopic) attempt(ctx context.Context, list []*sending) error {
	l := list[0].letter.lease
	topic := t.topic(l.topic)
	n, err := t.partitionsOf(ctx, topic)
	if err != nil {
		return err
	}
	messages := make([]kafka.Message, len(list))
	for i, x := range list {
		x.message.Topic, x.message.WriterData = topic, l.partition%n
		messages[i] = x.message
	}
	err = t.writer.WriteMessages(ctx, messages...)
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

func (t *deadTopic) partitionsOf(ctx context.Context, topic string) (int, error) {
	t.mu.Lock()
	n := t.count[topic]
	t.mu.Unlock()
	if n > 0 {
		return n, nil
	}
	n, err := t.partitions(ctx, topic)
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

func (t *deadTopic) forget(topic string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.count, topic)
}

// sending is a dead letter on its way. How much of it is left out stands here, and is not read from its headers:
// a producer may write any.
type sending struct {
	letter  *deadLetter
	cut     cut
	message kafka.Message
	done    bool // Kafka has it
}

// shorten leaves out the next thing whose lack makes the letter smaller. It says whether there was one.
func (x *sending) shorten() bool {
	for before := size(&x.message); x.cut < cutText; {
		x.cut++
		if x.message = x.letter.record(x.cut); size(&x.message) < before {
			return true
		}
	}
	return false
}

// cut is how much of a dead letter is left out, each beside those before it.
type cut uint8

const (
	cutNothing  cut = iota
	cutValue        // a header says how long it was
	cutProducer     // key and headers of the producer
	cutText         // the end of the message that says what is wrong
)

// largestLetter is the most that a dead letter takes, in bytes: a topic takes
// batches of 1 MiB unless it was set up otherwise. An event is at most 64 KiB,
// so only a record that was never meant as one is larger.
const largestLetter = 1_000_000

// shortText is what is left of the message of a letter of which all else is cut, in bytes.
const shortText = 100

// headerCut is on a dead letter whose value was left out: its length in bytes.
const headerCut = "aggregator.value.bytes"

// size is the most that a message takes in a batch, before it is compressed.
func size(m *kafka.Message) int {
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

// record is the message of a letter of which something is left out.
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
	add("__connect.errors.topic", d.lease.topic)
	add("__connect.errors.partition", strconv.Itoa(d.lease.partition))
	add("__connect.errors.offset", strconv.FormatInt(d.offset, 10))
	add("__connect.errors.stage", stageOf(d.reason))
	add("__connect.errors.exception.message", text)
	add("aggregator.reason", d.reason)
	if c < cutValue && d.unread == 0 {
		m.Value = d.value
	} else {
		add(headerCut, strconv.FormatInt(d.unread+int64(len(d.value)), 10))
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
