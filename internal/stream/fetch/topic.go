package fetch

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// TopicID is the id that Kafka gives a topic when it is made: a topic that is
// deleted and made anew has another. All zero: the brokers give none (before 2.8).
type TopicID [16]byte

// TopicID returns a topic's id, as a broker knows it now. It retries for Options.Patience.
func (c *Client) TopicID(ctx context.Context, topic string) (TopicID, error) {
	var id TopicID
	err := c.retry(ctx, func(ctx context.Context) error {
		x := &idExchange{clientID: c.opts.Transport.ClientID, topic: topic}
		if _, err := c.opts.Transport.RoundTrip(ctx, c.opts.Brokers, x); err != nil {
			return err
		}
		id = x.found
		return x.err
	})
	if err != nil {
		return TopicID{}, fmt.Errorf("id of topic %s: %w", topic, err)
	}
	return id, nil
}

// idExchange is a Metadata request for one topic and its response, in a version
// that has ids, which the library's does not.
type idExchange struct {
	clientID, topic string

	found TopicID
	err   error
	in    [8]byte
}

// idVersion is of Metadata, in the flexible format. Kafka 3.1 and later have it.
const idVersion = 12

var (
	_ protocol.BrokerMessage = (*idExchange)(nil)
	_ protocol.RawExchanger  = (*idExchange)(nil)
)

// ApiKey makes the exchange a Transport's message.
func (x *idExchange) ApiKey() protocol.ApiKey { return protocol.Metadata }

// Broker routes the exchange to any broker.
func (x *idExchange) Broker(c protocol.Cluster) (protocol.Broker, error) {
	for _, b := range c.Brokers {
		return b, nil
	}
	return protocol.Broker{}, kafka.BrokerNotAvailable
}

// Required says that the exchange writes and reads itself.
func (x *idExchange) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange sends the request and reads the response. An error closes the connection.
func (x *idExchange) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if _, err := rw.Write(x.appendRequest(nil)); err != nil {
		return nil, err
	}
	return x, x.readResponse(rw)
}

func (x *idExchange) appendRequest(b []byte) []byte {
	b = append(b, 0, 0, 0, 0) // size, below
	b = binary.BigEndian.AppendUint16(b, uint16(protocol.Metadata))
	b = binary.BigEndian.AppendUint16(b, idVersion)
	b = appendInt32(b, 0) // correlation: the connection is ours alone meanwhile
	b = appendString(b, x.clientID)
	b = append(b, 0)                   // no tags
	b = append(b, 1+1)                 // topics
	b = append(b, make([]byte, 16)...) // by name, not by id
	b = binary.AppendUvarint(b, uint64(len(x.topic)+1))
	b = append(b, x.topic...)
	b = append(b, 0, 0, 0, 0) // no tags; not to be made; no permissions; no tags
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func (x *idExchange) readResponse(r io.Reader) error {
	f := frame{r: r, left: 4, buf: x.in[:]}
	f.left = int(f.int32())
	f.int32() // correlation
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
	if code := f.int16(); code != 0 {
		x.err = kafka.Error(code)
	}
	f.text()
	copy(x.found[:], f.bytes(len(x.found)))
	f.skip(max(f.left, 0))
	return f.err
}

// The flexible format: lengths are varints, of arrays and texts one more than
// they have.

func (f *frame) uvarint() int {
	v := 0
	for shift := 0; shift < 28; shift += 7 {
		b := f.fixed(1)[0]
		v |= int(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	if f.err == nil {
		f.err = fmt.Errorf("%w: a length of more than four bytes", errFrame)
	}
	return 0
}

// compact reads the length of an array of which each element takes at least
// size bytes.
func (f *frame) compact(size int) int {
	n := max(f.uvarint()-1, 0)
	if n > f.left/size && f.err == nil {
		f.err = fmt.Errorf("%w: %d elements in %d bytes", errFrame, n, f.left)
	}
	if f.err != nil {
		return 0
	}
	return n
}

// text passes over a text.
func (f *frame) text() { f.skip(max(f.uvarint()-1, 0)) }

// tags passes over tagged fields.
func (f *frame) tags() {
	for range f.uvarint() {
		if f.err != nil {
			return
		}
		f.uvarint()
		f.skip(f.uvarint())
	}
}
