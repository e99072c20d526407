package fetch

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

// newKafkaWorld makes a world of a real Kafka, in which "events" is one topic of several.
func newKafkaWorld(t *testing.T, k *servers.KafkaServer, opts Options, topics ...string) *world {
	t.Helper()
	opts.Transport = &kafka.Transport{MetadataTopics: topics, DialTimeout: time.Second}
	w := &world{T: t, addrs: k.Addrs()}
	w.client = newClient(t, w.addrs, opts)
	w.producer = w.kgo()
	return w
}

// TestKafkaSame compares with franz-go what a real broker gives: as producers wrote it, with the
// broker's timestamps, and as the broker itself (that is, Java) compressed it again.
func TestKafkaSame(t *testing.T) {
	const partitions = 2
	k := servers.SharedKafka(t)
	for _, config := range []map[string]string{
		nil,
		{"compression.type": "uncompressed"},
		{"compression.type": "gzip"},
		{"compression.type": "snappy"},
		{"compression.type": "lz4"},
		{"compression.type": "zstd"},
		{"message.timestamp.type": "LogAppendTime"},
		{"message.timestamp.type": "LogAppendTime", "compression.type": "lz4"},
	} {
		t.Run(fmt.Sprint(config), func(t *testing.T) {
			topic := k.NewTopic(partitions, config)
			w := newKafkaWorld(t, k, Options{PartitionBytes: 5000}, topic)
			w.fill(topic, partitions, 100)
			w.sameAsKgo(topic, partitions)
		})
	}
}

func TestKafkaOutOfRange(t *testing.T) {
	k := servers.SharedKafka(t)
	k.CreateTopic("events", 1, nil)
	defer k.DeleteTopic("events")
	w := newKafkaWorld(t, k, Options{})
	w.produce(w.producer, 0, 0, 20, 5)
	w.deleteBelow(0, 7)
	f := func(s Stream, offset int64) {
		t.Helper()
		_, err := s.Next(w.ctx())
		gone, ok := errors.AsType[*OutOfRange](err)
		if want := (OutOfRange{"events", 0, offset, 7, 20}); !ok || *gone != want {
			t.Errorf("offset %d: %v", offset, err)
		}
	}
	s := w.open(0, 3)
	f(s, 3)
	s.SeekTo(7)
	recordstest.Equal(t, "from the start", w.values(s, 20), counted(7, 20))
	s.SeekTo(21)
	f(s, 21)
	s.SeekTo(20)
	for range 2 {
		set := w.next(s)
		recordstest.Equal(t, "at the end", fmt.Sprint(drain(t, set), set.Next, set.HighWatermark, set.LogStart), "[] 20 20 7")
	}
	w.produce(w.producer, 0, 20, 5, 5)
	recordstest.Equal(t, "new ones", w.values(s, 25), counted(20, 25))
}

// TestKafkaLarge reads batches of 3 MB by fetches of 1 KB.
func TestKafkaLarge(t *testing.T) {
	const partitions, n = 3, 5
	k := servers.SharedKafka(t)
	topic := k.NewTopic(partitions, map[string]string{"max.message.bytes": "4000000"})
	w := newKafkaWorld(t, k, Options{PartitionBytes: 1000}, topic)
	p := w.kgo(kgo.ProducerBatchMaxBytes(4_000_000), kgo.ProducerBatchCompression(kgo.NoCompression()))
	value := []byte(strings.Repeat("x", 3_000_000))
	for i := range partitions * n {
		if err := p.ProduceSync(w.ctx(), &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	each(partitions, func(p int) {
		s := w.client.Open(topic, p, 0)
		defer s.Close()
		recordstest.Equal(t, "records", len(w.values(s, n)), n)
	})
}

// TestKafkaCompacted reads a log in which the cleaner left holes, until it has.
func TestKafkaCompacted(t *testing.T) {
	k := servers.Kafka(t, servers.KafkaOptions{Properties: map[string]string{
		"log.cleaner.backoff.ms": "50", "log.initial.task.delay.ms": "50",
	}})
	topic := k.NewTopic(1, map[string]string{
		"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "0",
	})
	w := newKafkaWorld(t, k, Options{PartitionBytes: 5000}, topic)
	txn := w.kgo(kgo.TransactionalID("compacted"), kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	const rounds, size = 60, 10
	want := map[string]string{"last": lastValue}
	for i := range rounds {
		if err := txn.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		var changes []*kgo.Record
		for j := range size {
			changes = append(changes, &kgo.Record{Topic: topic, Key: fmt.Append(nil, (i*7+j*j)%20), Value: fmt.Append(nil, i)})
		}
		if err := txn.ProduceSync(w.ctx(), changes...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		commit := i%3 > 0
		w.end(txn, commit)
		for _, r := range changes {
			if commit {
				want[string(r.Key)] = string(r.Value)
			}
		}
	}
	last := &kgo.Record{Topic: topic, Key: []byte("last"), Value: []byte(lastValue)}
	for ctx := w.ctx(); ; {
		// A new segment begins with a record, after segment.ms; only what is before it is cleaned.
		if err := w.producer.ProduceSync(ctx, last).FirstErr(); err != nil {
			t.Fatal(err)
		}
		s := w.client.Open(topic, 0, 0)
		_, end, err := w.client.Offsets(ctx, topic, 0)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := w.readStream(s, end)
		s.Close()
		if len(got) < rounds*size/3 {
			t.Logf("%d records of %d offsets", len(got), end)
			recordstest.Equal(t, "the last value of each key", lastOf(got), want)
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("the cleaner left %d records of %d offsets", len(got), end)
		}
	}
}

// lastOf returns the last value of each key, from what readStream returns.
func lastOf(texts []string) map[string]string {
	last := make(map[string]string)
	for _, text := range texts {
		fields := strings.SplitN(text, " ", 4)
		last[fields[2]] = fields[3]
	}
	return last
}

// TestKafkaBrokers reads and writes while brokers are killed, hang and come back.
func TestKafkaBrokers(t *testing.T) {
	const partitions = 6
	k := servers.Kafka(t, servers.KafkaOptions{Brokers: 3})
	k.CreateTopic("events", partitions, nil)
	w := newKafkaWorld(t, k, Options{Timeout: time.Second, PartitionBytes: 4000})
	w.producer = w.kgo(kgo.ProduceRequestTimeout(time.Second), kgo.RequestTimeoutOverhead(time.Second), kgo.DialTimeout(time.Second))
	var stop atomic.Bool
	defer stop.Store(true)
	ends := make([]int, partitions)
	written := make(chan struct{})
	go func() {
		defer close(written)
		each(partitions, func(p int) {
			for !stop.Load() {
				w.produce(w.producer, int32(p), ends[p], 10, 10)
				ends[p] += 10
			}
		})
	}()
	var read [partitions]atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		each(partitions, func(p int) { w.follow(p, &read[p], written, ends) })
	}()
	k.Broker(0).Kill()
	w.advance(read[:])
	k.Broker(0).Restart()
	w.advance(read[:])
	k.Broker(1).Pause()
	w.advance(read[:])
	k.Broker(1).Resume()
	w.advance(read[:])
	stop.Store(true)
	<-done
	t.Log("records", ends)
}

// follow reads a partition, checks that every record comes once and in order, and
// ends when it has all that were written.
func (w *world) follow(p int, read *atomic.Int64, written chan struct{}, ends []int) {
	s := w.open(p, 0)
	var r records.Record
	for {
		select {
		case <-written:
			if int(read.Load()) >= ends[p] {
				return
			}
		default:
		}
		set, err := s.Next(w.ctx())
		if errors.Is(err, ErrClosed) {
			return
		}
		if err != nil {
			w.Log(err) // it lasted; Next may be called again
			continue
		}
		for {
			ok, err := set.Read(w.ctx(), &r)
			if err != nil {
				w.Error(err)
				return
			}
			if !ok {
				break
			}
			if want := read.Load(); r.Offset != want || string(r.Value) != fmt.Sprint(want) {
				w.Errorf("partition %d: %d=%s, want %d", p, r.Offset, r.Value, want)
				return
			}
			read.Add(1)
		}
	}
}

// advance waits until every partition was read further.
func (w *world) advance(read []atomic.Int64) {
	w.Helper()
	begin := time.Now()
	defer func() { w.Logf("all went on after %v", time.Since(begin)) }()
	ctx := w.ctx()
	for p := range read {
		for was := read[p].Load(); read[p].Load() < was+50; {
			select {
			case <-ctx.Done():
				w.Fatalf("partition %d stands still at %d", p, was)
			case <-time.After(time.Millisecond):
			}
		}
	}
}
