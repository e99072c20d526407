package outbox

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// Producer writes by one request at a time. Unlike the library's writer it never sends a message
// twice by itself. After an error it is open whether Kafka has it, and the caller has to find out.
type Producer struct {
	Client      *kafka.Client
	Topic       string // of messages that name none
	Compression kafka.Compression
	Call        string        // what it is called to the watcher
	Watch       fetch.Watcher // told how requests end; nil: nobody is
}

const (
	// SendTimeout bounds one request. The leader waits half of it for its followers. A follower
	// that is gone holds an acknowledgement up until Kafka takes it out of the replicas, after 9 s
	// by default.
	SendTimeout = 40 * time.Second
)

// WriteMessages writes messages of one topic and partition, which is their WriterData, in
// their order, as long as it is not later than notAfter; zero: at any time. Otherwise a process that
// was stopped while it dialled would send them when it wakes up. If the error is a kafka.WriteErrors, those without one are safe.
func (p *Producer) WriteMessages(ctx context.Context, notAfter time.Time, messages ...kafka.Message) error {
	for done := 0; done < len(messages); {
		n := batchOf(messages[done:])
		if _, err := p.send(ctx, notAfter, messages[done:done+n]); err != nil {
			errs := make(kafka.WriteErrors, len(messages))
			for i := range errs[done:] {
				errs[done+i] = err
			}
			return errs
		}
		done += n
	}
	return nil
}

// Append writes messages of one topic and partition, which is their WriterData, as one batch. It returns the offset of the first.
func (p *Producer) Append(ctx context.Context, messages ...kafka.Message) (offset int64, err error) {
	return p.send(ctx, time.Time{}, messages)
}

// deadlineReader hands out records, when a request is put together, as long as it is not
// too late.
type deadlineReader struct {
	kafka.RecordReader
	NotAfter time.Time
}

// ReadRecord is kafka.RecordReader's.
func (t *deadlineReader) ReadRecord() (*kafka.Record, error) {
	if time.Now().After(t.NotAfter) {
		return nil, ErrTooLate
	}
	return t.RecordReader.ReadRecord()
}

// ErrTooLate is of a request that was not sent, since its time was over.
var ErrTooLate = errors.New("not sent: too late")

// batchOf is how many of the messages fit into a batch, at least one.
func batchOf(messages []kafka.Message) int {
	size := 0
	for i := range messages {
		m := &messages[i]
		size += len(m.Key) + len(m.Value)
		for _, h := range m.Headers {
			size += len(h.Key) + len(h.Value)
		}
		if size > BatchBytes && i > 0 {
			return i
		}
	}
	return len(messages)
}

// send writes one batch, and returns when all replicas have it, with the offset of its first record.
func (p *Producer) send(ctx context.Context, notAfter time.Time, messages []kafka.Message) (offset int64, err error) {
	records := make([]kafka.Record, len(messages))
	for i, m := range messages {
		records[i] = kafka.Record{Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(m.Value), Headers: m.Headers}
	}
	r := &kafka.ProduceRequest{
		Topic: cmp.Or(messages[0].Topic, p.Topic), Partition: messages[0].WriterData.(int), RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(records...), Compression: p.Compression,
	}
	if !notAfter.IsZero() {
		r.Records = &deadlineReader{r.Records, notAfter}
	}
	res, err := p.Client.Produce(ctx, r)
	p.tell(res, err)
	if err != nil {
		return 0, err
	}
	return res.BaseOffset, res.Error
}

// tell tells how a request ended. One that was not sent, since its time was over, is no failed call.
func (p *Producer) tell(res *kafka.ProduceResponse, err error) {
	switch {
	case p.Watch == nil || errors.Is(err, ErrTooLate):
	case err != nil:
		p.Watch.Failed(p.Call, err)
	case res.Error != nil:
		p.Watch.Answered(p.Call)
		p.Watch.Failed(p.Call, res.Error)
	default:
		p.Watch.Answered(p.Call)
	}
}
