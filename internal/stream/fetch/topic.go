package fetch

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// TopicID is the id that Kafka gives a topic when it is made: a topic that is deleted and recreated
// has another. All zero: the broker gives none.
type TopicID [16]byte

// Topic is what a broker knows of a topic now.
type Topic struct {
	ID         TopicID
	Partitions int
}

// Topic asks any broker for a topic. It retries for Options.Patience.
func (c *Client) Topic(ctx context.Context, topic string) (Topic, error) {
	var found Topic
	err := c.retry(ctx, CallMetadata, func(ctx context.Context) (err error) {
		found, err = c.topic(ctx, topic)
		return err
	})
	if err != nil {
		return Topic{}, fmt.Errorf("look at topic %s: %w", topic, err)
	}
	return found, nil
}

// LookAt asks any broker for a topic, once.
func (c *Client) LookAt(ctx context.Context, topic string) (Topic, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	found, err := c.topic(ctx, topic)
	if err != nil {
		c.opts.Watch.Failed(CallMetadata, err)
	}
	return found, err
}

func (c *Client) topic(ctx context.Context, topic string) (Topic, error) {
	q := &topicQuestion{topic: topic}
	if err := c.ask(ctx, CallMetadata, anyBroker, protocol.Metadata, topicVersion, q); err != nil {
		return Topic{}, err
	}
	return q.found, nil
}

// topicQuestion is a Metadata request for one topic, in a version that has ids, which
// the library's does not.
type topicQuestion struct {
	topic string

	found Topic
}

// topicVersion is of Metadata, in the flexible format. Kafka 3.1 and later have it.
const topicVersion = 12

// partitionSize is what a partition takes in the response at least: 14 bytes of numbers, three arrays, tags.
const partitionSize = 14 + 3 + 1

func (q *topicQuestion) append(b []byte) []byte {
	b = append(b, 0)                   // no tags
	b = append(b, 1+1)                 // topics
	b = append(b, make([]byte, 16)...) // by name, not by id
	b = appendCompact(b, q.topic)
	return append(b, 0, 0, 0, 0) // no tags; not to be made; no permissions; no tags
}

func (q *topicQuestion) read(f *frame) error {
	f.tags()
	f.int32() // throttle
	for range f.compact(11) {
		f.int32() // broker
		f.text()
		f.int32() // port
		f.text()
		f.tags()
	}
	f.text()  // cluster
	f.int32() // controller
	if n := f.compact(22); n != 1 && f.err == nil {
		f.err = fmt.Errorf("%w: %d topics for one", errFrame, n)
	}
	code := f.int16()
	f.text()
	copy(q.found.ID[:], f.bytes(len(q.found.ID)))
	f.fixed(1) // internal or not
	q.found.Partitions = f.compact(partitionSize)
	f.skip(max(f.left, 0))
	if code != 0 {
		return kafka.Error(code)
	}
	return nil
}
