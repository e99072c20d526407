package partition

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/segmentio/kafka-go"
)

// DeadTopic writes dead letters to Kafka: key, value and headers as they were. Headers after them name where the letter came
// from and why, as Kafka Connect does. The letters of a partition go to one partition, in their order.
type DeadTopic struct {
	Writer     outbox.MessageWriter
	Topic      func(topic string) string
	Partitions func(ctx context.Context, topic string) (int, error)
	Retry      func(ctx context.Context, what string, f func() error) error

	mu    sync.Mutex
	count map[string]int // partitions of the topics that are written to; asked for again after an error
}

// Write returns when all letters are safe. If ctx ends before, Kafka may have some of them.
// They come again with their records.
func (t *DeadTopic) Write(ctx context.Context, letters []deadLetter) error {
	list := make([]*sending, len(letters))
	for i := range letters {
		list[i] = &sending{letter: &letters[i], message: letters[i].record(cutNothing)}
		for sizeOf(&list[i].message) > largestLetter && list[i].shorten() {
		}
	}
	return t.Retry(ctx, "the dead-letter topic", func() error {
		if err := t.post(ctx, list); err != nil {
			return explain.Kafka(err)
		}
		return nil
	})
}

// post writes the letters that were not written yet. What the topic refuses for its size is sent again in halves.
// A letter that is refused alone is cut. Both come to an end.
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
			sizeOf(&list[0].message), t.Topic(list[0].letter.assignment.Topic), err)
	}
	return t.post(ctx, list)
}

// attempt sends letters of one partition once, and notes which are safe. The error is that of the first letter that is not.
func (t *DeadTopic) attempt(ctx context.Context, list []*sending) error {
	l := list[0].letter.assignment
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

// sending is a dead letter on its way. How much of it is cut is kept here, and is not read from its headers:
// a producer may write any.
type sending struct {
	letter  *deadLetter
	cut     cut
	message kafka.Message
	done    bool // Kafka has it
}

// shorten leaves out the next thing that makes the letter smaller. It reports whether there was any.
func (x *sending) shorten() bool {
	for before := sizeOf(&x.message); x.cut < cutText; {
		x.cut++
		if x.message = x.letter.record(x.cut); sizeOf(&x.message) < before {
			return true
		}
	}
	return false
}

// ErrNoTopic is a topic that does not exist.
var ErrNoTopic = errors.New("topic does not exist: make it with `aggregator topics`")
