package fetch

import (
	"context"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// question is a request that the library does not have, or not in the version needed, and
// its response.
type question interface {
	// append appends the request, which follows the header's client id.
	append(b []byte) []byte
	// read reads the response, which follows the header's correlation id. What is wrong with it is
	// the frame's error; the error returned is the broker's.
	read(f *frame) error
}

// ask sends a question to a broker (anyBroker: whichever) and reads the response. After an error the
// question is not to be looked at: given up, it may still be under way.
func (c *Client) ask(ctx context.Context, call string, broker int32, key protocol.ApiKey, version int16, q question) error {
	x := &inquiry{broker: broker, key: key, version: version, clientID: c.opts.Transport.ClientID, question: q}
	if _, err := c.opts.Transport.RoundTrip(ctx, c.opts.Brokers, x); err != nil {
		return err
	}
	c.opts.Watch.Answered(call)
	return x.err
}

const anyBroker = -1

// inquiry is a question as a message of kafka-go's Transport that writes and reads itself.
type inquiry struct {
	question
	broker   int32
	key      protocol.ApiKey
	version  int16
	clientID string

	err error // the broker's
	in  [8]byte
}

var (
	_ protocol.BrokerMessage = (*inquiry)(nil)
	_ protocol.RawExchanger  = (*inquiry)(nil)
)

// ApiKey makes the inquiry a Transport's message.
func (x *inquiry) ApiKey() protocol.ApiKey { return x.key }

// Broker routes the inquiry.
func (x *inquiry) Broker(c protocol.Cluster) (protocol.Broker, error) {
	if x.broker != anyBroker {
		return brokerOf(c, x.broker)
	}
	for _, b := range c.Brokers {
		return b, nil
	}
	return protocol.Broker{}, kafka.BrokerNotAvailable
}

func brokerOf(c protocol.Cluster, id int32) (protocol.Broker, error) {
	b, ok := c.Brokers[id]
	if !ok {
		return protocol.Broker{}, fmt.Errorf("broker %d: %w", id, kafka.BrokerNotAvailable)
	}
	return b, nil
}

// Required says that the inquiry writes and reads itself.
func (x *inquiry) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange sends the request and reads the response. An error closes the connection.
func (x *inquiry) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	b := appendHeader(nil, x.key, x.version, 0, x.clientID) // correlation: the connection is ours alone meanwhile
	if _, err := rw.Write(sized(x.append(b))); err != nil {
		return nil, err
	}
	return x, x.readResponse(rw)
}

func (x *inquiry) readResponse(r io.Reader) error {
	f, _ := openFrame(r, x.in[:])
	x.err = x.read(&f)
	return f.err
}
