package stream

import (
	"context"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// source reads partitions of Kafka, or of whatever stands in for it.
type source interface {
	// Open begins to read a partition at an offset.
	Open(topic string, partition int, offset int64) reader
	// Offsets is the first offset of the log and the one behind its end.
	Offsets(ctx context.Context, topic string, partition int) (start, end int64, err error)
	// OffsetAt is the first offset whose timestamp is not before ms; the end if there is none.
	OffsetAt(ctx context.Context, topic string, partition int, ms int64) (int64, error)
	// Partitions is how many a topic has.
	Partitions(ctx context.Context, topic string) (int, error)
}

// cluster is what the service asks the brokers beside the log.
type cluster interface {
	topicFinder
	Partitions(ctx context.Context, topic string) (int, error)
	// Ends are those of a partition's log; LogEnd is the leader's own, which not all replicas may have.
	Ends(ctx context.Context, topic string, partition int) (fetch.Ends, error)
	LogEnd(ctx context.Context, topic string, partition int) (int64, error)
	OpenTransactions(ctx context.Context, topic string, partition int) ([]fetch.OpenTransaction, error)
	Close()
}

// topicFinder knows topics by their names.
type topicFinder interface {
	Topic(ctx context.Context, topic string) (fetch.Topic, error)
}

// reader reads one partition in order.
type reader interface {
	// Next returns the next set, empty if there are no records now. It is valid
	// until the next call. An offset that the log does not hold is a *fetch.OutOfRange;
	// after any error Next may be called again.
	Next(ctx context.Context) (recordSet, error)
	// SeekTo makes offset the next one.
	SeekTo(offset int64)
	Close()
}

// recordSet is what one fetch brought.
type recordSet interface {
	// Read fills r with the next record; false: there is none.
	Read(ctx context.Context, r *fetch.Record) (bool, error)
	// Span is the offset behind the set, and the end of the log as far as
	// consumers may see.
	Span() (next, end int64)
}

// fromKafka is the source that reads Kafka.
type fromKafka struct{ *fetch.Client }

// Open is source's.
func (k fromKafka) Open(topic string, partition int, offset int64) reader {
	return kafkaReader{k.Client.Open(topic, partition, offset)}
}

type kafkaReader struct{ fetch.Stream }

// Next is reader's.
func (r kafkaReader) Next(ctx context.Context) (recordSet, error) {
	set, err := r.Stream.Next(ctx)
	if err != nil {
		return nil, err
	}
	return set, nil
}
