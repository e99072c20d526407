package fetch

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// fetchVersion is the last version of Fetch that names topics by name and is
// not in the flexible format. Kafka 2.3 and later have it, 4.x too.
const fetchVersion = 11

var errFetchVersion = errors.New("the broker does not offer Fetch v11 (Kafka 2.3 or later does)")

// part is one partition of an exchange: what is asked for, and the answer.
type part struct {
	stream *stream
	seq    uint64 // of the stream when asked; after a SeekTo the answer is stale
	topic  string
	id     int32
	offset int64
	limit  int32        // bytes
	first  bool         // of the request
	set    *records.Set // filled by the exchange, which owns it until it is over

	answered bool // a broker that throttles answers no partition
	err      error
}

// exchange is one Fetch request to one broker and its response. It is a message of kafka-go's
// Transport that writes and reads itself. So record sets are read off the connection straight into
// the sets of their partitions.
//
// When RoundTrip fails the connection's goroutine may still be at it: the exchange and its sets
// must then be left to it.
type exchange struct {
	broker   int32
	clientID string
	id       int32 // correlation
	maxWait  time.Duration
	minBytes int
	parts    []part

	throttle time.Duration // answered: how long the broker asks to wait
	next     int           // the part that the response is expected to go on with
	version  int16         // negotiated by the Transport
	in       [8]byte
}

var (
	_ protocol.BrokerMessage = (*exchange)(nil)
	_ protocol.RawExchanger  = (*exchange)(nil)
)

// ApiKey makes the exchange a Transport's message.
func (x *exchange) ApiKey() protocol.ApiKey { return protocol.Fetch }

// Broker routes the exchange to the broker it was made for.
func (x *exchange) Broker(c protocol.Cluster) (protocol.Broker, error) {
	return brokerOf(c, x.broker)
}

// Required says that the exchange writes and reads itself.
func (x *exchange) Required(versions map[protocol.ApiKey]int16) bool {
	x.version = versions[protocol.Fetch]
	return true
}

// appendRequest appends the request's frame: header v1, body v11, no session.
func (x *exchange) appendRequest(b []byte) []byte {
	const readCommitted = 1
	b = appendHeader(b, protocol.Fetch, fetchVersion, x.id, x.clientID)
	b = appendInt32(b, -1) // replica: a consumer
	b = appendInt32(b, int32(x.maxWait.Milliseconds()))
	b = appendInt32(b, int32(x.minBytes))
	b = appendInt32(b, math.MaxInt32) // of all: the partitions' limits are enough
	b = append(b, readCommitted)
	b = appendInt32(b, 0)  // session id
	b = appendInt32(b, -1) // session epoch: none
	b = x.appendTopics(b)
	b = appendInt32(b, 0)   // forgotten topics
	b = appendString(b, "") // rack
	return sized(b)
}

// appendTopics appends the partitions in their order: a broker that cannot
// answer all answers the first.
func (x *exchange) appendTopics(b []byte) []byte {
	at := len(b)
	b = appendInt32(b, 0) // topics, below
	topics := uint32(0)
	for rest := x.parts; len(rest) > 0; topics++ {
		n := 1
		for n < len(rest) && rest[n].topic == rest[0].topic {
			n++
		}
		b = appendString(b, rest[0].topic)
		b = appendInt32(b, int32(n))
		for _, p := range rest[:n] {
			b = appendInt32(b, p.id)
			b = appendInt32(b, -1) // leader epoch: whichever
			b = binary.BigEndian.AppendUint64(b, uint64(p.offset))
			b = binary.BigEndian.AppendUint64(b, math.MaxUint64) // log start: for followers
			b = appendInt32(b, p.limit)
		}
		rest = rest[n:]
	}
	binary.BigEndian.PutUint32(b[at:], topics)
	return b
}
