package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// quietPack has a rule whose episodes end soon.
const quietPack = `pack: quiet
measures: {clicks: {sum: count, types: [click]}}
rules:
  - {id: three, by: incident, window: 4s, step: 1s, limits: {clicks: 3}, levels: [1], clear: 0.5}
`

const canaryPartitions = 3

// canarySite is a site with canaries, and how its topic of them is called.
func canarySite(t *testing.T, kafka *servers.KafkaServer, redis *servers.RedisServer, name string, made bool) (s *site, topic string) {
	t.Helper()
	topic = name + "-canary"
	return newSite(t, kafka, siteOptions{
		partitions: canaryPartitions, redis: redis.Addr(), pack: quietPack, name: name, made: made, extra: "canary: {every: 1s, topic: " + topic + "}\n",
	}), topic
}

// announced is what tests look at in the record of a crossing.
type announced struct {
	ID, Status, Rule, By, Subject, Time string
	Evidence                            struct {
		Event string
	}
}

func (s *site) announced(topic string) (list []announced) {
	s.t.Helper()
	for _, r := range s.read(topic) {
		apitest.CheckCrossing(s.t, headerMap(r), r.Value)
		var a announced
		if err := json.Unmarshal(r.Value, &a); err != nil {
			s.t.Fatal(err)
		}
		list = append(list, a)
	}
	return list
}

// awaitCanaries waits until so many more canaries of a process came back, and some of each partition.
func (d *daemon) awaitCanaries(more float64) {
	d.t.Helper()
	count := func() float64 { n, _ := d.Metrics().Histogram("aggregator_canary_delay_seconds"); return n }
	before, began := count(), float64(time.Now().UnixMilli())/1000
	eventually(d.t, "canaries come back", func() bool {
		m := d.Metrics()
		for p := range canaryPartitions {
			if m.Sum("aggregator_canary_last_timestamp_seconds", fmt.Sprintf(`partition="%d"`, p)) <= began {
				return false
			}
		}
		return count() >= before+more
	})
}

// TestCanary: on a topic on which nothing else happens an episode ends, since canaries move the stream's time. The whole way is measured.
// A replay and a verify of the log say the same, and nobody but the service can have canaries counted.
func TestCanary(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s, topic := canarySite(t, kafka, redis, "canaries", true)
	call(t, "", nil, "check", "-live", "-config", s.config).mustPrint(t, exitFine,
		"topic "+topic+": 1 partition", "topic "+topic+": allowed: READ, WRITE, DESCRIBE", "topic "+s.events+": allowed: READ, WRITE, DESCRIBE")
	d := s.start("aggregator")
	d.awaitCanaries(6)
	s.produce(clicks("A", 0, "1", "2", "3")...)
	eventually(t, "the episode ends on a silent topic", func() bool { return len(s.announced(s.crossings)) == 2 })
	s.produce(foreignCanaries()...)
	d.awaitCanaries(6)
	m := d.Metrics()
	d.Stop()
	if n, sum := m.Histogram("aggregator_canary_delay_seconds"); n < 12 || sum <= 0 || sum/n > 10 {
		t.Errorf("%v canaries took %v s in all", n, sum)
	}
	for name, want := range map[string]float64{
		"aggregator_events_total": 3, "aggregator_crossings_total": 2, "aggregator_late_total": 0, "aggregator_subjects_made_total": 1, "aggregator_dead_letters_total": 0,
	} {
		if got := m.Sum(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	s.checkCrossed(topic)
	s.mustVerify()
	s.checkReplayed()

	second := s.start("second") // goes on where the first stopped
	second.awaitCanaries(3)
}

// foreignCanaries are canaries that somebody else sends: by an incident of his own, by one that counts, and by that of the service.
func foreignCanaries() (list []*kgo.Record) {
	for i, incident := range []string{"B", "A", "canary-0"} {
		list = append(list, &kgo.Record{Partition: int32(i), Value: fmt.Appendf(nil, `{"id":"canary-%d-1-0011223344556677","time":%q,"type":"canary","incident":%q}`,
			i, time.Now().UTC().Format(time.RFC3339Nano), incident)})
	}
	return list
}

// checkCrossed looks whether the crossings of canaries are in their topic, and only there.
func (s *site) checkCrossed(topic string) {
	s.t.Helper()
	for i, a := range s.announced(s.crossings) {
		if want := []string{"three/incident/A/1/1", "three/incident/A/1/0"}[i]; a.ID != want {
			s.t.Errorf("crossing %s, want %s", a.ID, want)
		}
	}
	ids := map[string]bool{}
	for _, a := range s.announced(topic) {
		if a.Rule != "canary" || a.By != "incident" || a.Status != "crossed" || !strings.HasPrefix(a.Evidence.Event, a.Subject+"-") || ids[a.ID] ||
			strings.HasSuffix(a.Evidence.Event, "-0011223344556677") {
			s.t.Errorf("in the topic of canaries: %+v", a)
		}
		ids[a.ID] = true
	}
	if len(ids) < 12 {
		s.t.Errorf("%d canaries crossed", len(ids))
	}
}

// checkReplayed compares the crossings with those that a replay makes of the log.
func (s *site) checkReplayed() {
	s.t.Helper()
	records := s.read(s.events)
	slices.SortStableFunc(records, func(a, b *kgo.Record) int { return a.Timestamp.Compare(b.Timestamp) })
	var log strings.Builder
	for _, r := range records {
		log.Write(append(r.Value, '\n'))
	}
	r := call(s.t, log.String(), nil, "replay", "-config", s.config, "-counts")
	var want []string
	for _, a := range s.announced(s.crossings) {
		want = append(want, a.ID+" "+a.Time)
	}
	var got []string
	for _, line := range lines(r.out) {
		var a announced
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			s.t.Fatal(err)
		}
		if a.Subject != "A" {
			s.t.Errorf("replay: %s", line)
		}
		if a.ID != "" {
			got = append(got, a.ID+" "+a.Time)
		}
	}
	if !slices.Equal(got, want) || !strings.Contains(r.err, ": matched 3, unmatched 0, duplicate 0, malformed 0, ahead 0, canary "+strconv.Itoa(len(records)-3)+";") {
		s.t.Errorf("replay: %v, want %v; %s", got, want, r.err)
	}
}

// TestCanaryKafkaAway: while Kafka is away no canary comes back, and then they do again. No crossing waits for a topic of canaries that
// is not there.
func TestCanaryKafkaAway(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.Kafka(t, servers.KafkaOptions{}), servers.Redis(t, servers.RedisOptions{})
	s, topic := canarySite(t, kafka, redis, "away", false)
	d := s.start("aggregator")
	d.awaitInLog(`"msg":"canary not published"`)
	d.awaitInLog(`"msg":"canaries not read back"`)
	s.produce(clicks("A", 0, "1", "2", "3")...)
	eventually(t, "the crossing is published, and its episode ends", func() bool { return len(s.announced(s.crossings)) == 2 })
	kafka.CreateTopic(topic, 1, nil)
	d.awaitCanaries(3)

	kafka.Kill()
	d.awaitInLog(`"msg":"group not joined: trying again"`)
	last := func() float64 { return d.metric("aggregator_canary_last_timestamp_seconds", `partition="0"`) }
	before := last()
	if n := d.Metrics().Series("aggregator_canary_last_timestamp_seconds"); n != canaryPartitions || before == 0 {
		t.Errorf("%d series while Kafka is away, the first at %v", n, before)
	}
	kafka.StartAll()
	d.awaitCanaries(3)
	if after := last(); after <= before {
		t.Errorf("the last canary came back at %v, then at %v", before, after)
	}
}
