package fetch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

// TestLargeBatches reads batches of 30 KB by fetches of 1 KB from several partitions. A broker
// gives a whole one only to the first of a request.
func TestLargeBatches(t *testing.T) {
	const partitions, n = 4, 12
	w := newWorld(t, 1, partitions, Options{PartitionBytes: 1000})
	p := w.kgo(kgo.ProducerBatchCompression(kgo.NoCompression()))
	value := strings.Repeat("x", 10_000)
	for i := range partitions * n {
		var batch []*kgo.Record
		for range 3 {
			batch = append(batch, &kgo.Record{Topic: "events", Partition: int32(i % partitions), Value: []byte(value)})
		}
		if err := p.ProduceSync(w.ctx(), batch...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	each(partitions, func(p int) {
		s := w.open(p, 0)
		recordstest.Equal(t, "records", len(w.values(s, 3*n)), 3*n)
	})
}

// TestOnePartitionTwice reads a partition by two streams, at different places.
func TestOnePartitionTwice(t *testing.T) {
	w := newWorld(t, 1, 2, Options{PartitionBytes: 300})
	w.produce(w.producer, 0, 0, 300, 10)
	each(3, func(i int) {
		from := 100 * i
		s := w.open(0, int64(from))
		recordstest.Equal(t, fmt.Sprint("from ", from), w.values(s, 300), counted(from, 300))
		for range 3 { // they wait for news beside each other
			w.next(s)
		}
	})
}

// TestBacklog reads a backlog in many pieces beside partitions without records, of
// a broker that would wait an hour for them.
func TestBacklog(t *testing.T) {
	const n = 2000
	w := newWorld(t, 1, 4, Options{PartitionBytes: 300, MaxWait: time.Hour, Timeout: time.Hour})
	w.produce(w.producer, 2, 0, n, 10)
	s := w.open(2, 0) // first, or the others' hour might have begun
	for _, p := range []int{0, 1, 3} {
		w.open(p, 0)
	}
	recordstest.Equal(t, "records", w.values(s, n), counted(0, n))
}

// TestThrottle answers as a broker does to a client over its quota: nothing of
// any partition.
func TestThrottle(t *testing.T) {
	w := newWorld(t, 1, 1, Options{})
	w.produce(w.producer, 0, 0, 10, 5)
	w.kafka.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		res := req.ResponseKind().(*kmsg.FetchResponse)
		res.ThrottleMillis = 30
		return res, nil, true
	})
	begin := time.Now()
	recordstest.Equal(t, "records", w.values(w.open(0, 0), 10), counted(0, 10))
	if d := time.Since(begin); d < 30*time.Millisecond {
		t.Errorf("asked again after %v", d)
	}
}

// TestCorrupt lets the broker send a broken batch once, and then for good.
func TestCorrupt(t *testing.T) {
	w := newWorld(t, 1, 1, Options{MaxWait: time.Millisecond})
	w.produce(w.producer, 0, 0, 10, 5)
	broken := func(times int) {
		w.kafka.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
			if times--; times > 0 {
				w.kafka.KeepControl()
			}
			offset := req.(*kmsg.FetchRequest).Topics[0].Partitions[0].FetchOffset
			if offset > 5 {
				return nil, nil, false
			}
			good, bad := batchOf(0, 5), batchOf(5, 5)
			bad[len(bad)-3] ^= 1
			return w.answer(req, append(good, bad...)), nil, true
		})
	}
	broken(1)
	s := w.open(0, 2)
	read := func() (got string, err error) {
		var r records.Record
		for set := w.next(s); ; {
			ok, err := set.Read(t.Context(), &r)
			if !ok {
				return strings.TrimSpace(got), err
			}
			got += fmt.Sprint(r.Offset, " ")
		}
	}
	got, err := read()
	recordstest.Equal(t, "before the broken one", fmt.Sprint(got, ", ", err), "2 3 4, read events/0 at offset 5: crc of the batch of offset 5 does not match")
	got, err = read()
	recordstest.Equal(t, "again", fmt.Sprint(got, ", ", err), "5 6 7 8 9, <nil>")

	broken(1000)
	s.SeekTo(0)
	if got, err = read(); got != "0 1 2 3 4" || err == nil {
		t.Errorf("%s, %v", got, err)
	}
	for range 3 {
		if got, err = read(); got != "" || err == nil {
			t.Errorf("still broken: %s, %v", got, err)
		}
	}
	s.SeekTo(6) // past it is the caller's decision; the broker sends the truth from there
	if got, err = read(); got != "6 7 8 9" || err != nil {
		t.Errorf("past it: %s, %v", got, err)
	}
}

// answer makes a response to a Fetch of one partition.
func (w *world) answer(req kmsg.Request, raw []byte) kmsg.Response {
	res := req.ResponseKind().(*kmsg.FetchResponse)
	p := kmsg.NewFetchResponseTopicPartition()
	p.HighWatermark, p.LastStableOffset, p.RecordBatches = 10, 10, raw
	res.Topics = append(res.Topics, kmsg.FetchResponseTopic{Topic: "events", Partitions: []kmsg.FetchResponseTopicPartition{p}})
	return res
}
