package stream

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// deadLetters takes the records that cannot be counted. It returns when all are safe.
type deadLetters interface {
	write(ctx context.Context, letters []deadLetter) error
}

// deadLetter is a record that cannot be counted, with the reason. It owns its bytes.
type deadLetter struct {
	lease      *lease
	offset     int64
	key, value []byte
	headers    []kafka.Header
	reason     string
	message    string
}

func newDeadLetter(l *lease, r *fetch.Record, err error) deadLetter {
	d := deadLetter{
		lease: l, offset: r.Offset, key: bytesOf(r.Key), value: bytesOf(r.Value),
		reason: reasonOf(err), message: err.Error(),
	}
	for _, h := range r.Headers {
		d.headers = append(d.headers, kafka.Header{Key: string(h.Key), Value: bytesOf(h.Value)})
	}
	return d
}

// weight is about what the letter takes in memory.
func (d *deadLetter) weight() int {
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

func reasonOf(err error) string {
	var m *event.Malformed
	if errors.As(err, &m) {
		return m.Reason
	}
	return event.ReasonAhead
}

// deadTopic writes dead letters to Kafka: key, value and headers as they were,
// and behind them where they came from and why, under the names that Kafka Connect uses.
type deadTopic struct {
	writer messageWriter
	topic  func(topic string) string
	retry  func(ctx context.Context, what string, f func() error) error
}

func (t *deadTopic) write(ctx context.Context, letters []deadLetter) error {
	messages := make([]kafka.Message, 0, len(letters))
	for i := range letters {
		m := t.message(&letters[i])
		for size(&m) > largestLetter && (len(m.Value) > 0 || len(m.Key) > 0) {
			m = cut(m)
		}
		messages = append(messages, m)
	}
	return t.retry(ctx, "the dead-letter topic", func() error {
		// Not ended by ctx: a write that is given up goes on behind our back,
		// and the next try would write the same again.
		err := t.writer.WriteMessages(context.WithoutCancel(ctx), messages...)
		var each kafka.WriteErrors
		if errors.As(err, &each) {
			messages = unwritten(messages, each)
		}
		if err != nil {
			return ExplainKafka(err)
		}
		return nil
	})
}

// unwritten are the messages whose write failed, those cut that the topic does
// not take for their size.
func unwritten(messages []kafka.Message, errs kafka.WriteErrors) []kafka.Message {
	var left []kafka.Message
	for i, m := range messages {
		if errors.Is(errs[i], kafka.MessageSizeTooLarge) {
			m = cut(m)
		}
		if errs[i] != nil {
			left = append(left, m)
		}
	}
	return left
}

// largestLetter is the most that a dead letter takes, in bytes: a topic takes
// messages of 1 MiB unless it was set up otherwise. An event is at most 64 KiB,
// so only a record that was never meant as one is larger.
const largestLetter = 1_000_000

// cut leaves out what makes a dead letter too large: the value, with a header
// that says how long it was; of a letter that was cut before, key and headers of its producer.
func cut(m kafka.Message) kafka.Message {
	ours := slices.IndexFunc(m.Headers, func(h kafka.Header) bool { return h.Key == "__connect.errors.topic" })
	if slices.ContainsFunc(m.Headers, func(h kafka.Header) bool { return h.Key == headerCut }) {
		m.Key, m.Headers = nil, m.Headers[max(0, ours):]
		return m
	}
	m.Headers = append(slices.Clone(m.Headers), kafka.Header{Key: headerCut, Value: strconv.AppendInt(nil, int64(len(m.Value)), 10)})
	m.Value = nil
	return m
}

// headerCut is on a dead letter whose value was left out: its length in bytes.
const headerCut = "aggregator.value.bytes"

// size is about what a message takes.
func size(m *kafka.Message) int {
	n := len(m.Key) + len(m.Value)
	for _, h := range m.Headers {
		n += len(h.Key) + len(h.Value) + 10
	}
	return n
}

func (t *deadTopic) message(d *deadLetter) kafka.Message {
	headers := slices.Clone(d.headers)
	add := func(key, value string) {
		headers = append(headers, kafka.Header{Key: key, Value: []byte(value)})
	}
	add("__connect.errors.topic", d.lease.topic)
	add("__connect.errors.partition", strconv.Itoa(d.lease.partition))
	add("__connect.errors.offset", strconv.FormatInt(d.offset, 10))
	add("__connect.errors.stage", stageOf(d.reason))
	add("__connect.errors.exception.message", d.message)
	add("aggregator.reason", d.reason)
	return kafka.Message{Topic: t.topic(d.lease.topic), Key: d.key, Value: d.value, Headers: headers}
}

// stageOf names the step that refused the record, in Connect's words.
func stageOf(reason string) string {
	if reason == event.ReasonAhead {
		return "TRANSFORMATION"
	}
	return "VALUE_CONVERTER"
}
