package fetch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Timestamp returns the Kafka timestamp of the record at an offset, ms, whether readers of committed records are shown it or not.
// It is that of the first record of its batch, since only the front of the batch is looked at: nothing is decompressed. It
// retries for Options.Patience.
func (c *Client) Timestamp(ctx context.Context, topic string, partition int, offset int64) (int64, error) {
	var timestamp int64
	err := c.retry(ctx, CallOffsets, func(ctx context.Context) error {
		l, err := c.leaders(ctx)
		if err != nil {
			return err
		}
		broker, err := l.of(topic, int32(partition))
		if err != nil {
			return err
		}
		q := &timestampQuestion{topic: topic, partition: int32(partition), offset: offset}
		if err := c.ask(ctx, CallOffsets, broker, protocol.Fetch, fetchVersion, q); err != nil {
			return err
		}
		timestamp = q.timestamp
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("timestamp of %s/%d at offset %d: %w", topic, partition, offset, err)
	}
	return timestamp, nil
}

// timestampQuestion is a Fetch request for the batch of an offset, of which only the front is read.
type timestampQuestion struct {
	topic     string
	partition int32
	offset    int64

	timestamp int64
}

// frontBytes is how much is asked for. A broker gives a whole batch all the same: it gives no part of one.
const frontBytes = 1024

func (q *timestampQuestion) append(b []byte) []byte {
	const readUncommitted = 0
	b = appendInt32(b, -1) // replica: a consumer
	b = appendInt32(b, 0)  // wait
	b = appendInt32(b, 0)  // bytes at least
	b = appendInt32(b, frontBytes)
	b = append(b, readUncommitted)
	b = appendInt32(b, 0)  // session id
	b = appendInt32(b, -1) // session epoch: none
	b = appendInt32(b, 1)  // topics
	b = appendString(b, q.topic)
	b = appendInt32(b, 1) // partitions
	b = appendInt32(b, q.partition)
	b = appendInt32(b, -1) // leader epoch: whichever
	b = binary.BigEndian.AppendUint64(b, uint64(q.offset))
	b = binary.BigEndian.AppendUint64(b, 0) // log start: for followers
	b = appendInt32(b, frontBytes)
	b = appendInt32(b, 0)      // forgotten topics
	return appendString(b, "") // rack
}

func (q *timestampQuestion) read(f *frame) error {
	f.int32() // throttle
	code := f.int16()
	f.int32() // session id
	if code != 0 {
		f.skip(max(f.left, 0))
		return kafka.Error(code)
	}
	return q.readPartition(f)
}

// readPartition reads the answer for the only partition of the only topic.
func (q *timestampQuestion) readPartition(f *frame) error {
	if n := f.count(6); n != 1 && f.err == nil {
		f.err = fmt.Errorf("%w: %d topics for one", errFrame, n)
	}
	f.bytes(int(f.int16()))
	if n := f.count(38); n != 1 && f.err == nil {
		f.err = fmt.Errorf("%w: %d partitions for one", errFrame, n)
	}
	f.int32() // partition
	refused := f.int16()
	f.int64() // the ends of the log, and its start
	f.int64()
	f.int64()
	for range f.count(16) { // transactions that were aborted
		f.int64()
		f.int64()
	}
	f.int32() // preferred replica: no rack was named
	size := max(0, int(f.int32()))
	var err error
	q.timestamp, err = batchTimestamp(f, size)
	if f.err == nil {
		f.skip(f.left)
	}
	if refused != 0 {
		return kafka.Error(refused)
	}
	return err
}

// errNoBatch: the log ends there, or the broker gives nothing of what is there.
var errNoBatch = errors.New("no batch that can be read is there")

// The front of a batch, as far as it is read. Its format 2 is the only one since Kafka 4.0.
const (
	batchFront  = 8 + 4 + 4 + 1 + 4 + 2 + 4 + 8 + 8
	batchFormat = 2
	byBroker    = 1 << 3 // of the attributes: the broker set the timestamps, all to the latest
)

// batchTimestamp reads the first timestamp of the first of so many bytes of batches.
func batchTimestamp(f *frame, size int) (int64, error) {
	if size < batchFront {
		return 0, errNoBatch
	}
	f.int64() // offset
	f.int32() // length
	f.int32() // leader epoch
	format := f.fixed(1)[0]
	f.int32() // checksum
	attributes := f.int16()
	f.int32() // last offset
	first, latest := f.int64(), f.int64()
	switch {
	case format != batchFormat:
		return 0, errNoBatch
	case attributes&byBroker != 0:
		return latest, nil
	}
	return first, nil
}
