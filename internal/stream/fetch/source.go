package fetch

import (
	"context"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// Source reads partitions of Kafka, or of whatever stands in for it.
type Source interface {
	// Open begins to read a partition at an offset.
	Open(topic string, partition int, offset int64) Reader
	// Offsets is the first offset of the log and the offset after its end.
	Offsets(ctx context.Context, topic string, partition int) (start, end int64, err error)
	// OffsetAt is the first offset whose timestamp is not before ms; the end if there is none.
	OffsetAt(ctx context.Context, topic string, partition int, ms int64) (int64, error)
	// Partitions is how many a topic has.
	Partitions(ctx context.Context, topic string) (int, error)
}

// Cluster is what the service asks the brokers beside the log.
type Cluster interface {
	TopicFinder
	Partitions(ctx context.Context, topic string) (int, error)
	// Ends are those of a partition's log; LogEnd is the leader's own, which not all replicas may have.
	Ends(ctx context.Context, topic string, partition int) (Ends, error)
	LogEnd(ctx context.Context, topic string, partition int) (int64, error)
	OpenTransactions(ctx context.Context, topic string, partition int) ([]OpenTransaction, error)
	// Timestamp is that of the record at an offset, ms, committed or not: of its batch, to be exact.
	Timestamp(ctx context.Context, topic string, partition int, offset int64) (int64, error)
	// LookAt is Topic without trying again.
	LookAt(ctx context.Context, topic string) (Topic, error)
	Close()
}

// TopicFinder knows topics by their names.
type TopicFinder interface {
	Topic(ctx context.Context, topic string) (Topic, error)
}

// Reader reads one partition in order.
type Reader interface {
	// Next returns the next set, empty if there are no records now. It is valid
	// until the next call. An offset that the log does not hold is a *fetch.OutOfRange;
	// after any error Next may be called again.
	Next(ctx context.Context) (RecordSet, error)
	// SeekTo makes offset the next one.
	SeekTo(offset int64)
	Close()
}

// RecordSet is what one fetch brought.
type RecordSet interface {
	// Read fills r with the next record; false: there is none.
	Read(ctx context.Context, r *records.Record) (bool, error)
	// Span is the offset after the set, and the end of the log as far as consumers may see.
	Span() (next, end int64)
}

// Kafka is the source that reads Kafka.
type Kafka struct{ *Client }

// Open is source's.
func (k Kafka) Open(topic string, partition int, offset int64) Reader {
	return kafkaReader{k.Client.Open(topic, partition, offset)}
}

type kafkaReader struct{ Stream }

// Next is reader's.
func (r kafkaReader) Next(ctx context.Context) (RecordSet, error) {
	set, err := r.Stream.Next(ctx)
	if err != nil {
		return nil, err
	}
	return set, nil
}
