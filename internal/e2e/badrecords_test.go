package e2e

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestBadRecords: each of many kinds of bad record reaches the dead-letter topic as it was, with
// where it came from and why. The good ones around them count, and metrics agree.
func TestBadRecords(t *testing.T) {
	const partitions = 3
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: partitions, redis: redis.Addr()})
	list := allSamples()
	var records []*kgo.Record
	sent := make([][]*sample, partitions) // by partition and offset
	good, reasons := 0, map[string]int{}
	for i := range list {
		x := &list[i]
		records = append(records, x.record(i, partitions))
		sent[i%partitions] = append(sent[i%partitions], x)
		if x.reason == "" {
			good++
		} else {
			reasons[x.reason]++
		}
	}
	agreeWithOracle(t, list)
	d := s.start("aggregator")
	s.produce(records...)
	s.awaitDone()
	for _, reason := range event.Reasons() {
		if got := d.metric("aggregator_dead_letters_total", `reason="`+reason+`"`); got != float64(reasons[reason]) {
			t.Errorf("reason %s: %v dead letters by the metric, want %d", reason, got, reasons[reason])
		}
		if reasons[reason] == 0 && reason != event.ReasonUnreadable { // of batches: TestHostileBatches has it
			t.Errorf("no record is bad for reason %q", reason)
		}
	}
	for result, want := range map[string]int{"matched": good, "malformed": len(list) - good - reasons["ahead"], "ahead": reasons["ahead"], "duplicate": 0, "unmatched": 0} {
		if got := d.metric("aggregator_events_total", `result="`+result+`"`); got != float64(want) {
			t.Errorf("%s: %v events by the metric, want %d", result, got, want)
		}
	}
	d.Stop()
	t.Logf("%d kinds of record, %d of them bad: %v", len(list), len(list)-good, reasons)
	checkLetters(t, s, sent)
	counts := strings.Join(s.counts(redis.Addr()), "\n")
	// One good event is too old for every window.
	if !strings.Contains(counts, fmt.Sprintf(`"clicks":{"value":%d,`, good-1)) {
		t.Errorf("good events in time: %d; counts:\n%s", good-1, counts)
	}
}

// agreeWithOracle has the oracle judge what has no headers.
func agreeWithOracle(t *testing.T, list []sample) {
	t.Helper()
	o, err := oracle.New([]byte(packText(t, defaultPack)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		x := &list[i]
		if len(x.headers) > 0 {
			continue
		}
		before := o.Results()
		o.Apply(x.value, x.record(i, 1).Timestamp.UnixMilli())
		after := o.Results()
		malformed, ahead := after.Malformed > before.Malformed, after.Ahead > before.Ahead
		if ahead != (x.reason == "ahead") || malformed != (x.reason != "" && x.reason != "ahead") {
			t.Errorf("%s: oracle: malformed %v, ahead %v; the test wants reason %q", x.name, malformed, ahead, x.reason)
		}
	}
}

// checkLetters holds the dead letters against what was sent.
func checkLetters(t *testing.T, s *site, sent [][]*sample) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range s.read(s.dead) {
		n := len(r.Headers) - 6
		if n < 0 {
			t.Errorf("a dead letter with %d headers: %q", len(r.Headers), r.Value)
			continue
		}
		added := map[string]string{}
		for _, h := range r.Headers[n:] {
			added[h.Key] = string(h.Value)
		}
		partition, _ := strconv.Atoi(added["__connect.errors.partition"])
		offset, err := strconv.Atoi(added["__connect.errors.offset"])
		if err != nil || added["__connect.errors.topic"] != s.events || partition >= len(sent) || offset >= len(sent[partition]) {
			t.Errorf("a dead letter from %v", added)
			continue
		}
		x := sent[partition][offset]
		want := x.record(offset*len(sent)+partition, len(sent))
		if seen[fmt.Sprint(partition, offset)] {
			t.Errorf("%s: two dead letters", x.name)
		}
		seen[fmt.Sprint(partition, offset)] = true
		if added["aggregator.reason"] != x.reason {
			t.Errorf("%s: reason %q (%s), want %q: %s", x.name, added["aggregator.reason"], added["__connect.errors.exception.message"], x.reason, short(string(x.value)))
		}
		if added["__connect.errors.exception.message"] == "" || added["__connect.errors.stage"] == "" {
			t.Errorf("%s: no message or stage: %v", x.name, added)
		}
		if !sameBytes(r.Key, want.Key) || !sameBytes(r.Value, want.Value) || !sameHeaders(r.Headers[:n], want.Headers) {
			t.Errorf("%s: key %q, value %q, headers %v; want %q, %q, %v", x.name, r.Key, short(string(r.Value)), r.Headers[:n], want.Key, short(string(want.Value)), want.Headers)
		}
	}
	for p := range sent {
		for o, x := range sent[p] {
			if x.reason != "" && !seen[fmt.Sprint(p, o)] {
				t.Errorf("%s: no dead letter", x.name)
			}
		}
	}
}

// sameBytes keeps nil apart from empty, as Kafka does.
func sameBytes(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func sameHeaders(a, b []kgo.RecordHeader) bool {
	return slices.EqualFunc(a, b, func(x, y kgo.RecordHeader) bool { return x.Key == y.Key && sameBytes(x.Value, y.Value) })
}

// TestHugeBadRecord: a record that is too large to be written again as it is, since its producer compressed it, does
// not stop the partition.
func TestHugeBadRecord(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr()})
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Addrs()...), kgo.ProducerBatchMaxBytes(16<<20), kgo.ProducerBatchCompression(kgo.GzipCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	good := (&sampleList{}).good()
	huge := &kgo.Record{Topic: s.events, Value: bytes.Repeat([]byte("x"), 4<<20)}
	if err := client.ProduceSync(t.Context(), huge, &kgo.Record{Topic: s.events, Value: []byte(good)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	d := s.start("aggregator")
	s.awaitDone()
	d.Stop()
	if n := len(s.read(s.dead)); n != 1 {
		t.Errorf("%d dead letters", n)
	}
}
