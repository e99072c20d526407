package fetch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// LogEnd returns the offset behind the last record of a partition, those
// included that not all replicas have yet: readers are not shown them, but may be later.
// It retries for Options.Patience.
func (c *Client) LogEnd(ctx context.Context, topic string, partition int) (int64, error) {
	var end int64
	err := c.retry(ctx, func(ctx context.Context) error {
		l, err := c.leaders(ctx)
		if err != nil {
			return err
		}
		ask := &endExchange{clientID: c.opts.Transport.ClientID, topic: topic, partition: int32(partition)}
		if ask.broker, ask.epoch, err = l.epoch(topic, ask.partition); err != nil {
			return err
		}
		if _, err := c.opts.Transport.RoundTrip(ctx, c.opts.Brokers, ask); err != nil {
			return err
		}
		end = ask.end
		return ask.err
	})
	if err != nil {
		return 0, fmt.Errorf("end of the log of %s/%d: %w", topic, partition, err)
	}
	return end, nil
}

// endExchange asks a leader for the end of the epoch in which it leads, which is
// that of its log: an OffsetForLeaderEpoch request and its response.
type endExchange struct {
	broker           int32
	clientID         string
	topic            string
	partition, epoch int32

	end int64
	err error
	in  [8]byte
}

// endVersion is the version of OffsetForLeaderEpoch that is sent: the last one
// that is not in the flexible format.
const endVersion = 3

var (
	_ protocol.BrokerMessage = (*endExchange)(nil)
	_ protocol.RawExchanger  = (*endExchange)(nil)
)

// ApiKey makes the exchange a Transport's message.
func (x *endExchange) ApiKey() protocol.ApiKey { return protocol.OffsetForLeaderEpoch }

// Broker routes the exchange to the leader.
func (x *endExchange) Broker(c protocol.Cluster) (protocol.Broker, error) {
	return (&exchange{broker: x.broker}).Broker(c)
}

// Required says that the exchange writes and reads itself.
func (x *endExchange) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange sends the request and reads the response. An error closes the connection.
func (x *endExchange) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if _, err := rw.Write(x.appendRequest(nil)); err != nil {
		return nil, err
	}
	return x, x.readResponse(rw)
}

func (x *endExchange) appendRequest(b []byte) []byte {
	b = append(b, 0, 0, 0, 0) // size, below
	b = binary.BigEndian.AppendUint16(b, uint16(protocol.OffsetForLeaderEpoch))
	b = binary.BigEndian.AppendUint16(b, endVersion)
	b = appendInt32(b, 0) // correlation: the connection is ours alone meanwhile
	b = appendString(b, x.clientID)
	b = appendInt32(b, -1) // replica: a consumer
	b = appendInt32(b, 1)  // topics
	b = appendString(b, x.topic)
	b = appendInt32(b, 1) // partitions
	b = appendInt32(b, x.partition)
	b = appendInt32(b, x.epoch) // as we know it: an answer of another epoch is an error
	b = appendInt32(b, x.epoch) // asked for
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func (x *endExchange) readResponse(r io.Reader) error {
	f := frame{r: r, left: 4, buf: x.in[:]}
	f.left = int(f.int32())
	f.int32() // correlation
	f.int32() // throttle
	if n := f.count(6); n != 1 && f.err == nil {
		f.err = fmt.Errorf("%w: %d topics for one", errFrame, n)
	}
	f.bytes(int(f.int16()))
	if n := f.count(18); n != 1 && f.err == nil {
		f.err = fmt.Errorf("%w: %d partitions for one", errFrame, n)
	}
	if code := f.int16(); code != 0 {
		x.err = kafka.Error(code)
	}
	f.int32() // partition
	epoch := f.int32()
	x.end = f.int64()
	if x.err == nil && (epoch != x.epoch || x.end < 0) {
		x.err = errEpoch
	}
	if f.err == nil && f.left != 0 {
		f.err = fmt.Errorf("%w: %d bytes too many", errFrame, f.left)
	}
	return f.err
}

var errEpoch = errors.New("the leader answers for another epoch")

// epoch returns the broker that leads a partition, and since which epoch.
func (l leaders) epoch(topic string, partition int32) (broker, epoch int32, err error) {
	if broker, err = l.of(topic, partition); err != nil {
		return 0, 0, err
	}
	for _, t := range l.res.Topics {
		for _, p := range t.Partitions {
			if t.Name == topic && p.PartitionIndex == partition {
				return broker, p.LeaderEpoch, nil
			}
		}
	}
	return 0, 0, kafka.UnknownTopicOrPartition
}
