package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// behindPack announces the third click of an hour and the ninth, and clears.
const behindPack = `
pack: behind
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: r, title: T, by: incident, window: 1h, step: 1m, limits: {clicks: 3}, levels: [1, 3], clear: 0.5}]
`

// clickOf is a click of an incident at a time.
func clickOf(n int, incident string, at time.Time) string {
	return fmt.Sprintf(`{"id":"%s-%d","time":%q,"type":"click","incident":%q}`, incident, n, at.Format(time.RFC3339), incident)
}

// TestSubjectWithDelay: a subject that runs two hours behind the stream, in order, crosses at its
// third and its ninth event. It is not cleared under them, with a restart between them; two hours
// later the stream clears it. So says replay.
func TestSubjectWithDelay(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: behindPack})
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	events := []string{clickOf(0, "other", noon)}
	for i := 1; i <= 12; i++ {
		events = append(events, clickOf(i, "old", noon.Add(-2*time.Hour+time.Duration(i)*time.Second)))
	}
	d := s.start("aggregator")
	s.produceLines(events[:8])
	s.awaitDone()
	d.Stop()
	d = s.start("again")
	s.produceLines(events[8:])
	s.awaitDone()
	s.wantIDs("r/incident/old/1/1 old-3", "r/incident/old/1/3 old-9")
	if late := d.metric("aggregator_late_total"); late > 0 {
		t.Errorf("%v late", late)
	}

	clear := clickOf(1, "other", noon.Add(time.Hour+48*time.Second)) // the minute of 10:00 leaves at 11:01, and the last click came 1:59:48 late
	s.produceLines([]string{clear})
	eventually(t, "the stream clears it", func() bool { return s.ends(s.crossings)[s.placeOf("r/incident/old/1/1")] == 3 })
	s.wantIDs("r/incident/old/1/1 old-3", "r/incident/old/1/3 old-9", "r/incident/old/1/0 ")
	d.Stop()
	s.mustVerify()
	s.wantReplayed(append(events, clear))
}

// TestBacklogByCustomer: a backlog of three days that comes customer by customer is counted as each customer's own events give it.
func TestBacklogByCustomer(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: behindPack})
	rnd := rand.New(rand.NewPCG(e2eSeed(t), 0))
	const customers = 200
	var events []string
	for c := range customers {
		at := time.Date(2026, 1, 1, 0, rnd.IntN(3*24*60), 0, 0, time.UTC)
		for i := range 12 {
			at = at.Add(time.Duration(rnd.IntN(300)) * time.Second)
			events = append(events, clickOf(i, fmt.Sprint("c", c), at))
		}
	}
	events = append(events, clickOf(0, "end", time.Date(2026, 1, 9, 0, 0, 0, 0, time.UTC)))
	s.produceLines(events[:len(events)/2])
	d := s.start("aggregator")
	s.awaitDone()
	d.Kill()
	s.produceLines(events[len(events)/2:])
	d = s.start("again")
	s.awaitDone()
	s.wantReplayed(events)
	late := d.metric("aggregator_late_total")
	d.Stop()
	s.mustVerify()
	crossed := 0
	for _, a := range readCrossings(t, s.read(s.crossings)) {
		if strings.HasSuffix(a.id, "/1/3") {
			crossed++
		}
	}
	if crossed != customers || late > 0 {
		t.Errorf("%d customers of %d reached three times the limit, %v events were late", crossed, customers, late)
	}
}

// produceLines sends events to the first partition.
func (s *site) produceLines(events []string) {
	s.t.Helper()
	var records []*kgo.Record
	for _, e := range events {
		records = append(records, &kgo.Record{Value: []byte(e)})
	}
	s.produce(records...)
}

// placeOf is the partition in which a crossing lies.
func (s *site) placeOf(id string) int32 {
	s.t.Helper()
	for _, r := range s.read(s.crossings) {
		if readCrossing(s.t, string(r.Value)).id == id {
			return r.Partition
		}
	}
	s.t.Fatalf("no crossing %s", id)
	return 0
}

// wantIDs compares what was published with ids, each with its event.
func (s *site) wantIDs(want ...string) {
	s.t.Helper()
	var got []string
	for _, a := range readCrossings(s.t, s.read(s.crossings)) {
		got = append(got, a.id+" "+a.event)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		s.t.Errorf("published %q, want %q", got, want)
	}
}

// wantReplayed waits until what was published is what replay says of events.
func (s *site) wantReplayed(events []string) {
	s.t.Helper()
	r := call(s.t, strings.Join(events, "\n"), nil, "replay", "-config", s.config)
	var want []crossing
	for _, line := range lines(r.out) {
		want = append(want, readCrossing(s.t, line))
	}
	var diff comparison
	same := within(time.Minute, func() bool { // the last clears come with a sweep
		diff = compareAll(readCrossings(s.t, s.read(s.crossings)), want, strict)
		return diff.exact()
	})
	if !same || r.code != exitFine || len(want) == 0 {
		s.t.Errorf("replay: exit %d, %d crossings; %v", r.code, len(want), diff)
	}
}
