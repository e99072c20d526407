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
	return ReasonAhead
}

// deadTopic writes dead letters to Kafka: key, value and headers as they were,
// and behind them where they came from and why, under the names that Kafka Connect uses.
type deadTopic struct {
	writer *kafka.Writer
	topic  func(topic string) string
	retry  func(ctx context.Context, what string, f func() error) error
}

func (t *deadTopic) write(ctx context.Context, letters []deadLetter) error {
	messages := make([]kafka.Message, 0, len(letters))
	for i := range letters {
		messages = append(messages, t.message(&letters[i]))
	}
	return t.retry(ctx, "the dead-letter topic", func() error {
		// Not ended by ctx: a write that is given up goes on behind our back,
		// and the next try would write the same again.
		err := t.writer.WriteMessages(context.WithoutCancel(ctx), messages...)
		var each kafka.WriteErrors
		if errors.As(err, &each) {
			messages = unwritten(messages, each)
		}
		return err
	})
}

// unwritten are the messages whose write failed.
func unwritten(messages []kafka.Message, errs kafka.WriteErrors) []kafka.Message {
	var left []kafka.Message
	for i, m := range messages {
		if errs[i] != nil {
			left = append(left, m)
		}
	}
	return left
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
	if reason == ReasonAhead {
		return "TRANSFORMATION"
	}
	return "VALUE_CONVERTER"
}
