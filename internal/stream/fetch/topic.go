package fetch

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// TopicID is the id that Kafka gives a topic when it is made: a topic that is
// deleted and made anew has another. All zero: the broker gives none.
type TopicID [16]byte

// TopicID returns a topic's id, as a broker knows it now. It retries for Options.Patience.
func (c *Client) TopicID(ctx context.Context, topic string) (TopicID, error) {
	var id TopicID
	err := c.retry(ctx, func(ctx context.Context) error {
		q := &idQuestion{topic: topic}
		if err := c.ask(ctx, anyBroker, protocol.Metadata, idVersion, q); err != nil {
			return err
		}
		id = q.found
		return nil
	})
	if err != nil {
		return TopicID{}, fmt.Errorf("id of topic %s: %w", topic, err)
	}
	return id, nil
}

// idQuestion is a Metadata request for one topic, in a version that has ids, which
// the library's does not.
type idQuestion struct {
	topic string

	found TopicID
}

// idVersion is of Metadata, in the flexible format. Kafka 3.1 and later have it.
const idVersion = 12

func (q *idQuestion) append(b []byte) []byte {
	b = append(b, 0)                   // no tags
	b = append(b, 1+1)                 // topics
	b = append(b, make([]byte, 16)...) // by name, not by id
	b = binary.AppendUvarint(b, uint64(len(q.topic)+1))
	b = append(b, q.topic...)
	return append(b, 0, 0, 0, 0) // no tags; not to be made; no permissions; no tags
}

func (q *idQuestion) read(f *frame) error {
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
	copy(q.found[:], f.bytes(len(q.found)))
	f.skip(max(f.left, 0))
	if code != 0 {
		return kafka.Error(code)
	}
	return nil
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
