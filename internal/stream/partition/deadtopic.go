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

// largestLetter is the most that a dead letter takes, in bytes: a topic takes
// batches of 1 MiB unless it was set up otherwise. An event is at most 64 KiB,
// so only a record that was never meant as one is larger.
const largestLetter = 1_000_000

// ErrNoTopic is a topic that does not exist.
var ErrNoTopic = errors.New("topic does not exist: make it with `aggregator topics`")
