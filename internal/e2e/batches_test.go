package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// produceBatch writes an uncompressed batch as it is, of records with the given offsets within it.
// The offsets may be any: Kafka checks those of compressed batches only.
func (s *site) produceBatch(partition int32, deltas []int64, values ...string) {
	s.t.Helper()
	var records []kmsg.Record
	for i, d := range deltas {
		records = append(records, kmsg.Record{OffsetDelta: int32(d), Value: []byte(values[i])})
	}
	// A producer's batch begins at 0 and has as many offsets as records, or Kafka would not take it.
	batch := servers.RecordBatch(0, time.Now().UnixMilli(), int32(len(records)), records...)
	request := kmsg.NewPtrProduceRequest()
	request.Acks, request.TimeoutMillis = -1, 30_000
	t := kmsg.NewProduceRequestTopic()
	t.Topic = s.events
	request.Topics = append(request.Topics, t)
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, batch
	request.Topics[0].Partitions = append(request.Topics[0].Partitions, p)
	request.Topics[0].TopicID = s.topicID(s.events)
	reply, err := request.RequestWith(s.t.Context(), s.client)
	if err == nil {
		err = kerr.ErrorForCode(reply.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// topicID is the id that Kafka gave a topic.
func (s *site) topicID(topic string) [16]byte {
	s.t.Helper()
	return s.topic(topic).TopicID
}

// smallLetters are the dead letters, by reason, key and the length of the value that was left out. None is large.
func (s *site) smallLetters() map[string]int {
	s.t.Helper()
	letters := map[string]int{}
	for _, r := range s.read(s.dead) {
		reason, left := strings.Join(headersOf(r, "aggregator.reason"), ""), strings.Join(headersOf(r, "aggregator.value.bytes"), "")
		if len(r.Headers) > 20 || reason == "unreadable" && len(r.Value) > 0 {
			s.t.Errorf("a dead letter of %d headers and %d bytes: %v", len(r.Headers), len(r.Value), r.Headers)
		}
		letters[reason+" "+string(r.Key)+" "+left]++
	}
	return letters
}

// TestHostileBatches: whatever batches hold, events before and after them are counted. What is not
// counted is a dead letter whose reason the metric names. The log counted again gives the same.
func TestHostileBatches(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr()})
	click := func(name string) string {
		return fmt.Sprintf(`{"id":%q,"time":%q,"type":"click","incident":"inc"}`, name, time.Now().UTC().Format(time.RFC3339))
	}
	good := 0
	plain := func() {
		good++
		s.produce(&kgo.Record{Value: []byte(click(fmt.Sprint("good-", good)))})
	}
	want := map[string]int{}
	plain()
	for name, n := range map[string]int{"zstd": 80 << 20, "gzip": 60 << 20, "lz4": 60 << 20, "snappy": 15 << 20} {
		codec := map[string]kgo.CompressionCodec{"zstd": kgo.ZstdCompression(), "gzip": kgo.GzipCompression(), "lz4": kgo.Lz4Compression(), "snappy": kgo.SnappyCompression()}[name]
		good++
		s.produceSmall(codec, &kgo.Record{Key: []byte("bomb"), Value: make([]byte, n)}, &kgo.Record{Value: []byte(click("beside-" + name))})
		want[fmt.Sprintf("too-large bomb %d", n)]++
	}
	plain()
	for _, n := range []int{1_000, 1_001, 500_000} {
		s.produceSmall(kgo.ZstdCompression(), &kgo.Record{Value: []byte(click(fmt.Sprint("headers-", n))), Headers: make([]kgo.RecordHeader, n)})
		if n > 1_000 {
			want["too-large  "]++
		}
	}
	good++ // of 1,000
	plain()
	s.produceBatch(0, []int64{0, 0}, click("odd-a"), click("odd-b"))
	want["unreadable  "]++
	s.produceBatch(0, []int64{0, 7}, click("odd-c"), click("odd-d"))
	s.produceBatch(0, []int64{-1, 1}, click("odd-e"), click("odd-f"))
	good += 4
	plain()

	d := s.start("aggregator")
	s.awaitDone()
	for result, want := range map[string]int{"matched": good, "malformed": 7, "duplicate": 0} {
		if got := d.metric("aggregator_events_total", `result="`+result+`"`); got != float64(want) {
			t.Errorf("%s: %v events by the metric, want %d", result, got, want)
		}
	}
	if got := d.metric("aggregator_records_passed_over_total"); got != 2 {
		t.Errorf("%v records passed over by the metric, want 2", got)
	}
	if letters := s.smallLetters(); !maps.Equal(letters, want) {
		t.Errorf("dead letters %v, want %v", letters, want)
	}
	if status, _ := d.Get("/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %d", status)
	}
	d.Stop()
	if counts := strings.Join(s.counts(redis.Addr()), "\n"); !strings.Contains(counts, fmt.Sprintf(`"clicks":{"value":%d,`, good)) {
		t.Errorf("want %d clicks; counts:\n%s", good, counts)
	}
	s.mustVerify()
}
