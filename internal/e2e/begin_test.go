package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// ninePack announces each third click.
const ninePack = `
pack: nine
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: nine, title: Clicks, by: incident, window: 1h, step: 1m, limits: {clicks: 9}, levels: [0.3333, 0.6666, 1]}]
`

const startLatest = "AGGREGATOR_KAFKA_START=latest"

// newLatestSite is a site whose group is to begin within the log.
func newLatestSite(t *testing.T, partitions int) (*site, *servers.RedisServer) {
	t.Helper()
	redis := servers.Redis(t, servers.RedisOptions{})
	return newSite(t, servers.SharedKafka(t), siteOptions{partitions: partitions, redis: redis.Addr(), pack: ninePack}), redis
}

// addPartitions gives the events' topic more partitions.
func (s *site) addPartitions(partitions int) {
	s.t.Helper()
	s.kafka.AddPartitions(s.events, partitions)
	s.partitions = partitions
	s.connect()
}

// TestPartitionsOfRunningGroup: partitions that a group gets, while it runs or while it is down, are counted from their starts, wherever a new
// group would begin.
func TestPartitionsOfRunningGroup(t *testing.T) {
	s, redis := newLatestSite(t, 1)
	d := s.start("first", startLatest)
	d.AwaitReady()
	s.produce(clicks("A", 0, "1", "2", "3")...)
	s.awaitClicks(redis.Addr(), "A", 3)
	s.addPartitions(2)
	s.produce(clicks("A", 1, "4", "5", "6")...)
	s.awaitClicks(redis.Addr(), "A", 6)
	d.Stop()
	s.addPartitions(3)
	s.produce(clicks("A", 2, "7", "8", "9")...)
	d = s.start("second", startLatest)
	s.awaitClicks(redis.Addr(), "A", 9)
	s.awaitDone()
	eventually(t, "the crossing at nine", func() bool { return len(s.read(s.crossings)) == 3 })
	for _, r := range s.read(s.crossings) {
		if strings.Contains(string(r.Value), `"since"`) {
			t.Errorf("it says since: %s", r.Value)
		}
	}
	s.mustVerify()
	d.Stop()
}

// TestLossAfterLatest: what a group did not count at first it does not count again when Redis loses
// everything. Redis loses it while the group runs, while it is down, and after a tool has set the
// group's offsets.
func TestLossAfterLatest(t *testing.T) {
	t.Parallel()
	s, redis := newLatestSite(t, 1)
	s.produce(clicks("A", 0, "1", "2", "3")...)
	d := s.start("first", startLatest)
	d.AwaitReady()
	s.produce(clicks("A", 0, "4", "5")...)
	s.awaitDone()
	s.awaitClicks(redis.Addr(), "A", 2)

	redis.Do("FLUSHALL")
	d.AwaitLog("store lost fences: counting again from where counting began")
	s.awaitClicks(redis.Addr(), "A", 2)
	d.Stop()

	redis.Do("FLUSHALL")
	d = s.start("second") // which would begin at the start
	s.awaitClicks(redis.Addr(), "A", 2)
	d.Stop()

	s.setOffset(0, 1)
	if text := s.metadata(0); text != "" {
		t.Fatalf("the tool left %q", text)
	}
	d = s.start("third")
	eventually(t, "where counting began is noted again", func() bool { return strings.HasPrefix(s.metadata(0), "aggregator begin=3 ") })
	// A loss before the partition has read its fences is none: it begins where counting began, and says nothing.
	eventually(t, "the partition has begun", func() bool { return d.Metrics().Sum("aggregator_duplicate_ids") > 0 })
	redis.Do("FLUSHALL")
	d.AwaitLog("store lost fences: counting again from where counting began")
	s.awaitClicks(redis.Addr(), "A", 2)
	if n := len(s.read(s.crossings)); n != 0 {
		t.Errorf("%d crossings of two clicks", n)
	}
	s.produce(clicks("A", 0, "6")...)
	eventually(t, "the crossing at three", func() bool { return len(s.read(s.crossings)) == 1 })
	if r := s.read(s.crossings)[0]; !strings.Contains(string(r.Value), `"clicks":{"value":3,"limit":9,"at_least":false,"since":`) {
		t.Errorf("it does not say since: %s", r.Value)
	}
	var r result
	if !within(waitLimit, func() bool { // what was lost while it started is noticed within seconds, shard by shard
		r = s.verify()
		return r.out == "" && strings.Contains(r.err, ": 0 differences\n")
	}) {
		t.Errorf("verify: %+v", r)
	}
	d.Stop()
}

// setOffset sets an offset of the group, which has no members, as Kafka's own tool does.
func (s *site) setOffset(partition int, offset int64) {
	s.t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(s.kafka.Addr()), Timeout: 5 * time.Second}
	eventually(s.t, "the group takes an offset", func() bool {
		reply, err := client.OffsetCommit(s.t.Context(), &kafka.OffsetCommitRequest{
			GroupID: s.group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{s.events: {{Partition: partition, Offset: offset}}},
		})
		return err == nil && reply.Topics[s.events][0].Error == nil
	})
}

// metadata is what stands beside an offset of the group.
func (s *site) metadata(partition int) string {
	s.t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(s.kafka.Addr()), Timeout: 5 * time.Second}
	reply, err := client.OffsetFetch(s.t.Context(), &kafka.OffsetFetchRequest{GroupID: s.group, Topics: map[string][]int{s.events: {partition}}})
	if err != nil || len(reply.Topics[s.events]) != 1 {
		s.t.Fatalf("offset of the group: %v, %+v", err, reply)
	}
	return reply.Topics[s.events][0].Metadata
}

// TestStartAtTime: a new group begins at a Kafka timestamp, given as such or as a duration back. A
// process that has another one does not change that.
func TestStartAtTime(t *testing.T) {
	s, redis := newLatestSite(t, 2)
	old := time.Now().Add(-48 * time.Hour)
	var list []*kgo.Record
	for i := range 4 {
		at := old.Add(time.Duration(i) * time.Second)
		list = append(list, &kgo.Record{Partition: int32(i % 2), Timestamp: at, Value: fmt.Appendf(nil, `{"id":"old-%d","time":%q,"type":"click","incident":"old"}`,
			i, at.UTC().Format(time.RFC3339Nano))})
	}
	s.produce(append(list, clicks("A", 1, "1", "2")...)...)
	for name, start := range map[string]string{"back": "24h", "since": time.Now().Add(-time.Hour).Format(time.RFC3339)} {
		s.group, s.prefix = s.events+"-"+name, s.events+"-"+name+":"
		environ := []string{"AGGREGATOR_KAFKA_GROUP=" + s.group, "AGGREGATOR_REDIS_PREFIX=" + s.prefix, "AGGREGATOR_KAFKA_START=" + start}
		d := s.start(name, environ...)
		s.awaitClicks(redis.Addr(), "A", 2)
		d.Stop()
		d = s.start(name+" again", append(environ, "AGGREGATOR_KAFKA_START=earliest")...)
		s.awaitDone()
		d.Stop()
		if lines := s.counts(redis.Addr()); len(lines) != 1 {
			t.Errorf("%s: counted %v", start, lines)
		}
	}
}

// TestManyBeginAtOnce: processes that start at the same moment begin where the group begins, all of them, and none takes itself for a late-comer.
func TestManyBeginAtOnce(t *testing.T) {
	const partitions = 6
	s, redis := newLatestSite(t, partitions)
	for p := range int32(partitions) {
		s.produce(clicks("A", p, fmt.Sprint("old", p))...)
	}
	var all []*daemon
	for i := range 3 {
		d := launch(t, fmt.Sprint("process ", i), runCommand(t, aggregator, s.config), startLatest)
		all = append(all, d)
	}
	for _, d := range all {
		d.awaitStarted()
		d.AwaitReady()
	}
	for p := range int32(partitions) {
		s.produce(clicks("A", p, fmt.Sprint("new", p))...)
	}
	s.awaitDone()
	s.awaitClicks(redis.Addr(), "A", partitions)
	for _, d := range all {
		d.Stop()
	}
}
