package fetch

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

// TestLeadersMove reads while partitions move between brokers, brokers come and
// go, and records are written.
func TestLeadersMove(t *testing.T) {
	const partitions, n = 4, 2000
	w := newWorld(t, 3, partitions, Options{PartitionBytes: 2000})
	written := make(chan struct{})
	go func() {
		defer close(written)
		each(partitions, func(p int) { w.produce(w.producer, int32(p), 0, n, 10) })
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-written:
				return
			case <-time.After(20 * time.Millisecond):
			}
			switch i % 10 {
			case 3:
				if _, _, err := w.kafka.AddNode(-1, 0); err != nil {
					t.Error(err)
				}
			case 7:
				if err := w.kafka.RemoveNode(w.kafka.LeaderFor("events", 0)); err != nil {
					t.Error(err)
				}
			default:
				w.kafka.ShufflePartitionLeaders()
			}
		}
	}()
	each(partitions, func(p int) {
		recordstest.Equal(t, fmt.Sprint("partition ", p), w.values(w.open(p, 0), n), counted(0, n))
	})
	<-done
}

// TestBrokerAway reads from brokers that do not answer, at first and in between.
func TestBrokerAway(t *testing.T) {
	w := newWorld(t, 1, 1, Options{Timeout: 100 * time.Millisecond, Patience: 150 * time.Millisecond})
	w.produce(w.producer, 0, 0, 10, 10)
	var deaf atomic.Bool
	deaf.Store(true)
	w.kafka.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		return nil, nil, deaf.Load() // no answer
	})
	s := w.open(0, 0)
	for range 3 {
		if set, err := s.Next(w.ctx()); err == nil || set != nil {
			t.Fatalf("a set %v, error %v of a broker that does not answer", set, err)
		} else if errors.Is(err, w.ctx().Err()) {
			t.Fatal(err)
		}
	}
	deaf.Store(false)
	set := w.until(s)
	recordstest.Equal(t, "records", drain(t, set), counted(0, 10))
}

// until calls Next until it gives no error.
func (w *world) until(s Stream) *records.Set {
	for ctx := w.ctx(); ; {
		set, err := s.Next(ctx)
		if err == nil {
			return set
		}
		if ctx.Err() != nil {
			w.Fatal(err)
		}
	}
}

func TestNoBroker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := newClient(t, []string{l.Addr().String()}, Options{Patience: 100 * time.Millisecond, Timeout: time.Second})
	w := &world{T: t, client: c}
	if _, err := w.open(0, 0).Next(w.ctx()); err == nil || w.ctx().Err() != nil {
		t.Errorf("stream: %v", err)
	}
	if _, _, err := c.Offsets(w.ctx(), "events", 0); err == nil {
		t.Error("offsets: no error")
	}
	if _, err := c.Partitions(w.ctx(), "events"); err == nil {
		t.Error("partitions: no error")
	}
}

// TestErrors gives each error code once or twice, which must be cured, then
// for good, which must be told.
func TestErrors(t *testing.T) {
	w := newWorld(t, 1, 1, Options{Patience: 200 * time.Millisecond})
	w.produce(w.producer, 0, 0, 10, 10)
	f := func(e *kerr.Error, once bool) {
		t.Helper()
		h := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: e, Count: 2})
		s := w.client.Open("events", 0, 0)
		defer s.Close()
		if once {
			recordstest.Equal(t, e.Message, drain(t, w.next(s)), counted(0, 10))
		}
		h.Remove()
		h = w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: e, Count: -1})
		s.SeekTo(0)
		_, err := s.Next(w.ctx())
		if !errors.Is(err, kafka.Error(e.Code)) {
			t.Errorf("%s: %v", e.Message, err)
		}
		h.Remove()
		recordstest.Equal(t, e.Message+", later", drain(t, w.until(s)), counted(0, 10))
	}
	f(kerr.NotLeaderForPartition, true)
	f(kerr.UnknownTopicOrPartition, true)
	f(kerr.FencedLeaderEpoch, true)
	f(kerr.UnknownLeaderEpoch, true)
	f(kerr.KafkaStorageError, true)
	f(kerr.UnknownServerError, true)
	f(kerr.OffsetOutOfRange, true) // though the log holds the offset
	f(kerr.TopicAuthorizationFailed, false)
}

func TestUnknownTopic(t *testing.T) {
	w := newWorld(t, 1, 1, Options{Patience: 100 * time.Millisecond, Transport: &kafka.Transport{MetadataTopics: []string{"later"}}})
	f := func(topic string, partition int) {
		t.Helper()
		s := w.client.Open(topic, partition, 0)
		defer s.Close()
		_, err := s.Next(w.ctx())
		if !errors.Is(err, kafka.UnknownTopicOrPartition) {
			t.Errorf("%s/%d: %v", topic, partition, err)
		}
		if _, _, err := w.client.Offsets(w.ctx(), topic, partition); !errors.Is(err, kafka.UnknownTopicOrPartition) {
			t.Errorf("offsets of %s/%d: %v", topic, partition, err)
		}
	}
	f("nothing", 0)
	f("later", 0)
	f("events", 1)
	if _, err := w.client.Partitions(w.ctx(), "later"); !errors.Is(err, kafka.UnknownTopicOrPartition) {
		t.Errorf("partitions: %v", err)
	}

	s := w.client.Open("later", 0, 0)
	defer s.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, kmsg.CreateTopicsRequestTopic{Topic: "later", NumPartitions: 3, ReplicationFactor: 1})
	if _, err := req.RequestWith(w.ctx(), w.producer); err != nil {
		t.Fatal(err)
	}
	recordstest.Equal(t, "next of the new topic", w.until(s).Next, 0)
	n, err := w.client.Partitions(w.ctx(), "later")
	recordstest.Equal(t, "its partitions", fmt.Sprint(n, err), "3 <nil>")
}

func TestOffsets(t *testing.T) {
	w := newWorld(t, 2, 2, Options{})
	f := func(want string) {
		t.Helper()
		start, end, err := w.client.Offsets(w.ctx(), "events", 1)
		recordstest.Equal(t, "offsets", fmt.Sprint(start, end, err), want)
	}
	f("0 0 <nil>")
	at := func(ms, want int64) {
		t.Helper()
		got, err := w.client.OffsetAt(w.ctx(), "events", 1, ms)
		recordstest.Equal(t, fmt.Sprintf("offset at %d", ms), fmt.Sprint(got, err), fmt.Sprint(want, nil))
	}
	at(0, 0)
	for i := range 10 {
		r := &kgo.Record{Topic: "events", Partition: 1, Timestamp: time.UnixMilli(1000 + 10*int64(i))}
		if err := w.producer.ProduceSync(w.ctx(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	f("0 10 <nil>")
	at(-1, 0)
	at(-2, 0)
	at(1000, 0)
	at(1001, 1)
	at(1090, 9)
	at(1091, 10)

	txn := w.kgo(kgo.TransactionalID("open"))
	if err := txn.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	w.produce(txn, 1, 0, 5, 5)
	f("0 10 <nil>") // the last stable offset
	at(1<<50, 10)
	if err := txn.EndTransaction(w.ctx(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	f("0 16 <nil>")
	w.deleteBelow(1, 4)
	f("4 16 <nil>")
}

// deleteBelow moves the log's start.
func (w *world) deleteBelow(partition int32, offset int64) {
	w.Helper()
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = append(req.Topics, kmsg.DeleteRecordsRequestTopic{
		Topic: "events", Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: partition, Offset: offset}},
	})
	for _, shard := range w.producer.RequestSharded(w.ctx(), req) {
		if shard.Err != nil {
			w.Fatal(shard.Err)
		}
	}
}

func TestSASL(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "p"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f := func(password string) error {
		transport := &kafka.Transport{SASL: plain.Mechanism{Username: "u", Password: password}}
		client := newClient(t, c.ListenAddrs(), Options{Transport: transport, Patience: 200 * time.Millisecond})
		w := &world{T: t, client: client}
		_, err := w.open(0, 0).Next(w.ctx())
		return err
	}
	if err := f("p"); err != nil {
		t.Error(err)
	}
	if err := f("wrong"); err == nil { // a real broker says SASL Authentication Failed, this one hangs up
		t.Error("wrong password: no error")
	}
}
