package e2e

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// produceSmall writes records in batches that are large as they are and small as they come: brokers take them by what they are compressed.
func (s *site) produceSmall(codec kgo.CompressionCodec, records ...*kgo.Record) {
	s.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(90<<20), kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(20*time.Millisecond))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	for _, r := range records {
		r.Topic = s.events
	}
	if err := client.ProduceSync(s.t.Context(), records...).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// logBytes is what the partitions of a topic take on the brokers' disks.
func (s *site) logBytes(topic string) (sum int64) {
	s.t.Helper()
	request := kmsg.NewPtrDescribeLogDirsRequest()
	t := kmsg.NewDescribeLogDirsRequestTopic()
	t.Topic = topic
	for p := range s.partitionsOf(topic) {
		t.Partitions = append(t.Partitions, int32(p))
	}
	request.Topics = append(request.Topics, t)
	for _, shard := range s.client.RequestSharded(s.t.Context(), request) {
		if shard.Err != nil {
			s.t.Fatal(shard.Err)
		}
		for _, dir := range shard.Resp.(*kmsg.DescribeLogDirsResponse).Dirs {
			for _, t := range dir.Topics {
				for _, p := range t.Partitions {
					sum += p.Size
				}
			}
		}
	}
	return sum
}

func headersOf(r *kgo.Record, name string) (values []string) {
	for _, h := range r.Headers {
		if h.Key == name {
			values = append(values, string(h.Value))
		}
	}
	return values
}

// TestDeadLettersGetThrough: no record that a producer can write keeps its dead letter from being
// written. The record may be too large as a whole, in its headers, or beside headers of our names,
// as a dead letter has that was put back. The topic of dead letters takes no more than producers
// wrote.
func TestDeadLettersGetThrough(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	for name, most := range map[string]string{"default": "1048588", "a topic of small messages": "1500"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr()})
			kafka.Configure(s.dead, map[string]string{"max.message.bytes": most})
			zeros := make([]byte, 1_500_000)
			header := func(name string, value []byte) kgo.RecordHeader { return kgo.RecordHeader{Key: name, Value: value} }
			s.produceSmall(kgo.GzipCompression(),
				&kgo.Record{Value: zeros, Headers: []kgo.RecordHeader{header("__connect.errors.topic", nil), header("aggregator.value.bytes", []byte("1"))}},
				&kgo.Record{Value: []byte("x"), Headers: []kgo.RecordHeader{header("h", zeros)}},
				&kgo.Record{Value: []byte("x"), Headers: []kgo.RecordHeader{header(strings.Repeat("h", 1_500_000), nil)}},
				&kgo.Record{Value: []byte("x"), Key: zeros},
				&kgo.Record{Value: []byte("{"), Headers: []kgo.RecordHeader{header("aggregator.reason", []byte("none")), header("h", nil)}},
			)
			d := s.start("aggregator")
			s.awaitDone()
			d.Stop()
			letters := s.read(s.dead)
			if len(letters) != 5 {
				t.Fatalf("%d dead letters", len(letters))
			}
			for i, r := range letters {
				if got := headersOf(r, "__connect.errors.offset"); len(got) != 1 || got[0] != fmt.Sprint(i) {
					t.Errorf("dead letter %d is of offsets %q", i, got)
				}
			}
			last := letters[4]
			if got := headersOf(last, "aggregator.reason"); !slices.Equal(got, []string{"syntax"}) || !bytes.Equal(last.Value, []byte("{")) ||
				!slices.Equal(headersOf(last, "aggregator.original.aggregator.reason"), []string{"none"}) || len(headersOf(last, "h")) != 1 {
				t.Errorf("%v", last.Headers)
			}
		})
	}
	t.Run("many", func(t *testing.T) {
		s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr()})
		var records []*kgo.Record
		for range 5000 {
			records = append(records, &kgo.Record{Value: bytes.Repeat([]byte("x"), 2000)})
		}
		s.produceSmall(kgo.ZstdCompression(), records...)
		d := s.start("aggregator")
		s.awaitDone()
		d.Stop()
		if n := len(s.read(s.dead)); n != len(records) {
			t.Errorf("%d dead letters", n)
		}
		if n := s.logBytes(s.dead); n > 1<<20 {
			t.Errorf("%d dead letters of %d bytes take %d, and came as %d", len(records), 2000, n, s.logBytes(s.events))
		}
	})
}

// TestStopWhileDeadLettersWait: a topic of dead letters that takes none is logged, and holds up its partition. It does not hold up a stop.
func TestStopWhileDeadLettersWait(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr()})
	kafka.Configure(s.dead, map[string]string{"max.message.bytes": "100"})
	s.produce(&kgo.Record{Value: []byte("x")})
	d := s.start("aggregator")
	line := d.AwaitLog("waiting")
	if line["for"] != "the dead-letter topic" || !strings.Contains(fmt.Sprint(line["error"]), "raise max.message.bytes of "+s.dead) {
		t.Errorf("it says %v", line)
	}
	d.Stop()
	kafka.Configure(s.dead, map[string]string{"max.message.bytes": "1048588"})
	d = s.start("aggregator")
	s.awaitDone()
	d.Stop()
	if n := len(s.read(s.dead)); n != 1 {
		t.Errorf("%d dead letters", n)
	}
}
