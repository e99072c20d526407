//go:build linux

package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
)

// feed fills a topic with the events of a gen.Even, a part after the other.
type feed struct {
	b        testing.TB
	topic    string
	producer *producer
	even     *gen.Even
	ends     []int64 // by partition: what Kafka has
	record   gen.Record
}

// feed makes a topic of its own for these events. The producer waits that long to fill a batch.
func (x *fixture) feed(c gen.EvenConfig, linger time.Duration) *feed {
	topic := fmt.Sprint("feed-", x.number+1)
	createTopics(x.kafka, topic, c.Partitions)
	return &feed{
		b: x.b, topic: topic, producer: newProducer(x.b, x.kafka, topic, c.Partitions, linger),
		even: gen.NewEven(c), ends: make([]int64, c.Partitions),
	}
}

// send sends so many events as fast as Kafka takes them; their times spread over a span.
func (f *feed) send(count int, from time.Time, span time.Duration) {
	f.b.Helper()
	for n := range count {
		f.even.Make(&f.record, from.Add(time.Duration(float64(span)*float64(n)/float64(count))))
		f.producer.send(f.b.Context(), &f.record)
	}
	f.flush()
}

func (f *feed) flush() {
	f.b.Helper()
	var err error
	if f.ends, err = f.producer.flush(context.WithoutCancel(f.b.Context())); err != nil {
		f.b.Fatal(err)
	}
}

// pace sends events at an even rate until enough holds for the number sent.
// An event bears the moment at which it was due, however late it is sent, so
// that a sender that is held up hides nothing. It returns how late the latest was.
func (f *feed) pace(ctx context.Context, from time.Time, perSecond float64, enough func(sent int) bool) (latest time.Duration) {
	return pace(time.Millisecond, from, perSecond, func(due time.Time, sent int) bool {
		f.even.Make(&f.record, due)
		f.producer.send(ctx, &f.record)
		return enough(sent)
	})
}

// pace calls send with the moment at which each event is due, and how many events were sent with
// it. Each tick it sends all that are due, until send reports that these are enough. It returns how
// late the latest was.
func pace(each time.Duration, from time.Time, perSecond float64, send func(due time.Time, sent int) (enough bool)) (latest time.Duration) {
	tick := time.NewTicker(each)
	defer tick.Stop()
	for sent := 0; ; <-tick.C {
		for {
			due := from.Add(time.Duration(float64(sent) / perSecond * float64(time.Second)))
			late := time.Since(due)
			if late < 0 {
				break
			}
			latest = max(latest, late)
			if sent++; send(due, sent) {
				return latest
			}
		}
	}
}
