package fetch

import (
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// readResponse reads the response's frame into the parts.
func (x *exchange) readResponse(r io.Reader) error {
	f, id := openFrame(r, x.in[:])
	if f.err == nil && id != x.id {
		return fmt.Errorf("%w: answers request %d, not %d", errFrame, id, x.id)
	}
	x.throttle = time.Duration(f.int32()) * time.Millisecond
	code := f.int16()
	f.int32() // session id
	for range f.count(6) {
		x.readTopic(&f)
	}
	if f.err == nil && f.left != 0 {
		f.err = fmt.Errorf("%w: %d bytes too many", errFrame, f.left)
	}
	if f.err == nil && code != 0 {
		f.err = kafka.Error(code)
	}
	return f.err
}

func (x *exchange) readTopic(f *frame) {
	topic := string(f.bytes(int(f.int16())))
	for range f.count(4) {
		if f.err != nil {
			return
		}
		id := f.int32()
		p := x.part(topic, id)
		if p == nil && f.err == nil {
			f.err = fmt.Errorf("%w: answers %s/%d, which was not asked for or twice", errFrame, topic, id)
		}
		if f.err != nil {
			return
		}
		p.read(f)
	}
}

// part returns the partition asked for and not answered yet. The search begins after the last
// answered one, since brokers mostly answer in the order asked.
func (x *exchange) part(topic string, id int32) *part {
	for range x.parts {
		p := &x.parts[x.next%len(x.parts)]
		x.next++
		if !p.answered && p.id == id && p.topic == topic {
			return p
		}
	}
	return nil
}

// read reads the answer.
func (p *part) read(f *frame) {
	p.answered = true
	code := f.int16()
	f.int64() // the high watermark of those who read what is not committed too
	p.set.HighWatermark = f.int64()
	p.set.LogStart = f.int64()
	raw := &p.set.Raw
	raw.Aborted = raw.Aborted[:0]
	for range f.count(16) {
		raw.Aborted = append(raw.Aborted, records.Aborted{Producer: f.int64(), First: f.int64()})
	}
	f.int32() // preferred replica: no rack was named
	size := max(0, int(f.int32()))
	if code != 0 {
		p.err = kafka.Error(code)
	}
	if p.err != nil {
		f.skip(size)
		return
	}
	keep := raw.Keep(size, int(p.limit))
	raw.Bytes = f.into(raw.Bytes, keep)
	if size > keep {
		f.skip(size - keep)
	}
}

// RawExchange sends the request and reads the response. An error closes the connection.
func (x *exchange) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if x.version != fetchVersion {
		return nil, errFetchVersion
	}
	if _, err := rw.Write(x.appendRequest(nil)); err != nil {
		return nil, err
	}
	if err := x.readResponse(rw); err != nil {
		return nil, err
	}
	return x, nil
}
