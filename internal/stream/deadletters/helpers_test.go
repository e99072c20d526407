package deadletters

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
)

// now is the time of tests, which is when the events of fetchtest happened.
var now = time.UnixMilli(fetchtest.ClicksAt).UTC()

// header is a header of a record.
func header(name, value string) records.Header {
	return records.Header{Key: []byte(name), Value: []byte(value)}
}

// letterOf is a record as the service writes it to a dead-letter topic.
func letterOf(reason string, origin Place, key, value []byte, producer ...records.Header) records.Record {
	return records.Record{Timestamp: fetchtest.ClicksAt, Key: key, Value: value, Headers: append(producer,
		header(partition.HeaderTopic, origin.Topic), header(partition.HeaderPartition, strconv.Itoa(origin.Partition)),
		header(partition.HeaderOffset, strconv.FormatInt(origin.Offset, 10)), header(partition.HeaderStage, "VALUE_CONVERTER"),
		header(partition.HeaderMessage, "what is wrong with "+reason), header(partition.HeaderReason, reason),
	)}
}

// brokers is a log that takes records, until it fails.
type brokers struct {
	fetchtest.Log
	at    int64 // Kafka timestamp of what comes next, ms
	most  int   // records of a batch; 0: any number
	fails func() (before, after error)
}

// Append is Appender's.
func (b *brokers) Append(_ context.Context, messages ...kafka.Message) (int64, error) {
	var before, after error
	if b.fails != nil {
		before, after = b.fails()
	}
	if before != nil {
		return 0, before
	}
	if b.most > 0 && len(messages) > b.most {
		return 0, kafka.MessageSizeTooLarge
	}
	n := messages[0].WriterData.(int)
	first := int64(len(b.Log[n]))
	for _, m := range messages {
		r := records.Record{Timestamp: b.at, Key: m.Key, Value: m.Value}
		for _, h := range m.Headers {
			r.Headers = append(r.Headers, records.Header{Key: []byte(h.Key), Value: h.Value})
		}
		b.Log[n] = append(b.Log[n], r)
	}
	return first, after
}

// newBrokers has as many partitions, each with so many records that are no events.
func newBrokers(partitions, refused int) *brokers {
	b := &brokers{at: fetchtest.ClicksAt}
	for range partitions {
		var list []records.Record
		for range refused {
			list = append(list, records.Record{Timestamp: b.at, Value: []byte(`{"id":1}`)})
		}
		b.Log = append(b.Log, list)
	}
	return b
}

// lineOf is a line that puts a value back, of a record that was refused at now.
func lineOf(partition int, offset int64, value string) string {
	return lineAt(partition, offset, 0, value)
}

// lineAt is one of a record that was refused so long after now.
func lineAt(partition int, offset int64, after time.Duration, value string) string {
	return fmt.Sprintf(`{"reason":"missing","time":%q,"topic":"events","partition":%d,"offset":%d,"key":"k","value":%s}`,
		now.Add(after).Format(time.RFC3339Nano), partition, offset, value)
}

func click(id string) string {
	return `{"id":"` + id + `","time":"2026-01-01T00:00:00Z","type":"click","incident":"A"}`
}

// putter puts back into brokers. What it tells goes to told.
func (b *brokers) putter(told func(*Outcome) error) *PutBack {
	p := NewPutBack(b, b, []string{"events"})
	p.Now, p.Told = func() time.Time { return now }, told
	return p
}

// put puts lines back, and returns what became of them, a word or two each.
func (b *brokers) put(t *testing.T, lines ...string) (results []string, totals Totals, err error) {
	t.Helper()
	p := b.putter(func(o *Outcome) error {
		text := fmt.Sprintf("%d %s", o.Line, o.Result)
		if o.Offset != nil {
			text += fmt.Sprintf(" %d/%d", o.Partition, *o.Offset)
		}
		results = append(results, text)
		return nil
	})
	refused, err := p.Read(t.Context(), strings.NewReader(strings.Join(lines, "\n")))
	if err != nil || len(refused) > 0 {
		t.Fatalf("refused: %v, %v", refused, err)
	}
	err = p.Run(t.Context())
	return results, p.Totals, err
}
