package e2e

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// Where what is damaged stands in a batch.
const (
	batchSizeAt = 8  // the length
	batchTextAt = 90 // something that the CRC is of
)

// damage changes the batch of an offset in the log file of a partition, while its broker is down.
func (s *site) damage(partition int, offset uint64, change func(batch []byte)) {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.kafka.Broker(0).Dir(), "log", fmt.Sprintf("%s-%d", s.events, partition), "*.log"))
	if err != nil || len(files) != 1 {
		s.t.Fatalf("the log's files are %v, error %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		s.t.Fatal(err)
	}
	rest := data
	for binary.BigEndian.Uint64(rest) != offset {
		rest = rest[12+binary.BigEndian.Uint32(rest[batchSizeAt:]):]
	}
	change(rest)
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// skipPack has a window that is over when the test goes on.
const skipPack = `pack: skip
measures:
  clicks: {sum: count, types: [click]}
rules:
  - {id: clicks-10, title: T, by: incident, window: 10m, step: 1m, limits: {clicks: 1000}, levels: [1]}
`

// clicks writes clicks [from, to) of a partition's incident at a time, three a batch.
func (s *site) clicks(at time.Time, partition, from, to int) {
	s.t.Helper()
	for i := from; i < to; i += 3 {
		var batch []*kgo.Record
		for j := i; j < i+3; j++ {
			batch = append(batch, &kgo.Record{Partition: int32(partition), Timestamp: at, Value: fmt.Appendf(nil,
				`{"id":"%d-%d","time":%q,"type":"click","incident":"inc-%d","content":%q}`, partition, j, at.UTC().Format(time.RFC3339), partition, strings.Repeat("c", 200))})
		}
		s.produce(batch...)
	}
}

// TestSkip damages the files of a Kafka: a batch of one partition, and the length of a batch in
// another. Each partition stops and says how to go on. A process that is started with -skip lets
// the stopped one go on, for good, and nothing else is passed over.
func TestSkip(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.Kafka(t, servers.KafkaOptions{}), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 3, redis: redis.Addr(), pack: skipPack})
	now := time.Now()
	for p := range 3 {
		s.clicks(now, p, 0, 60)
	}
	kafka.Stop()
	s.damage(0, 30, func(batch []byte) { batch[batchTextAt] ^= 1 })
	s.damage(1, 30, func(batch []byte) { binary.BigEndian.PutUint32(batch[batchSizeAt:], 1<<30) })
	kafka.StartAll()
	s.connect()

	d := s.start("aggregator")
	d.mayLogErrors = true
	for p := range 2 {
		want := fmt.Sprintf("pass it over with `aggregator run -skip %s/%d/30`", s.events, p)
		d.awaitInLog(want)
	}
	eventually(t, "the sound partition is counted, the others up to what is damaged", func() bool {
		at := s.committed()
		return at[0] == 30 && at[1] == 30 && at[2] == 60
	})
	skipping := launch(t, "skipping", runCommand(t, aggregator, s.config, "-skip", s.events+"/0/30", "-skip", s.events+"/1/30", "-skip", s.events+"/2/30"))
	skipping.mayLogErrors = true
	skipping.awaitStarted()
	skipping.AwaitLog("not skipped: nothing at this offset is there that cannot be read")
	skipping.Log.Await(t, waitLimit, "both", func(text string) bool {
		return strings.Count(text, `"msg":"passed over what cannot be read, as -skip says"`) == 2
	})
	s.awaitDone()
	holes := skipping.metric("aggregator_log_holes_records_total") + d.metric("aggregator_log_holes_records_total")
	skipping.Stop()
	d.Stop()
	counts := strings.Join(s.counts(redis.Addr()), "\n")
	for p, n := range []float64{57, 63 - holes, 60} {
		if want := fmt.Sprintf(`"clicks":{"value":%v,`, n); !slices.ContainsFunc(lines(counts), func(line string) bool {
			return strings.Contains(line, fmt.Sprintf(`"inc-%d"`, p)) && strings.Contains(line, want)
		}) {
			t.Errorf("partition %d, want %v clicks: %s", p, n, counts)
		}
	}

	// What was noted holds for whoever comes, without the flag; and what comes later is whole.
	again := s.start("again")
	for p := range 3 {
		s.clicks(now.Add(30*time.Minute), p, 60, 63)
	}
	s.awaitDone()
	if n := again.metric("aggregator_log_holes_records_total"); n != 0 {
		t.Errorf("%v records are in a hole that was counted before", n)
	}
	again.Stop()
	s.mustVerify()
}

// TestSkipUsage: what cannot be an offset of the events' topics is refused before anything begins.
func TestSkipUsage(t *testing.T) {
	config := servers.WriteFile(t, "aggregator.yaml", "kafka: {events: [clicks, views]}\n")
	for place, want := range map[string]string{
		"clicks":       "write it as TOPIC/PARTITION/OFFSET",
		"clicks/0/x":   `offset "x" is not a number from 0 on`,
		"shares/0/5":   `"shares" is none of the events' topics: kafka.events has clicks, views`,
		"clicks/-1/50": `partition "-1" is not a number from 0 on`,
	} {
		if r := call(t, "", nil, "run", "-config", config, "-skip", place); r.code != exitUsage || !strings.Contains(r.err, want) {
			t.Errorf("-skip %s: %+v", place, r)
		}
	}
}
