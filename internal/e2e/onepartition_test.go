package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// quickPack has short windows, so that a few hours bring clears, late events and every way of combining.
const quickPack = `pack: quick
measures:
  clicks:    {sum: count, types: [click]}
  readers:   {distinct: account, types: [click, view, share, comment]}
  reached:   {distinct: {send: recipient, view: account, click: account}}
  videos:    {distinct: content, types: [publish], where: {media: [video]}}
  posts:     {distinct: content, types: [click, view]}
  others:    {distinct: content, types: [publish], where: {media: {not: [video]}}}
  members:   {distinct: group, weight: members, types: [share, send, group]}
  followers: {distinct: account, weight: followers, types: [publish, follow]}
  orders:    {sum: count, types: [order]}
  defied:    {sum: count, types: [click, share, publish], after: orders}
  defiers:   {distinct: account, types: [click], after: orders}
  money:     {sum: amount, types: [pay, gain], where: {category: {not: [sale]}}}
rules:
  - {id: clicks,   title: T, by: incident, window: 10m, step: 1m,  limits: {clicks: 150}, levels: [0.5, 0.8, 1, 2], clear: 0.4}
  - {id: readers,  title: T, by: incident, window: 1h,  step: 5m,  limits: {readers: 400}, levels: [0.2, 0.5, 0.8, 1], clear: 0.15}
  - {id: items,    title: T, by: incident, window: 30m, step: 10m, limits: {videos: 8, others: 40}, combine: ratio, levels: [0.5, 1], clear: 0.45}
  - {id: two,      title: T, by: incident, window: 10m, step: 1m,  limits: {clicks: 100, readers: 60, members: 400}, combine: at-least-2, levels: [0.5, 1], clear: 0.3}
  - {id: both,     title: T, by: incident, window: 20m, step: 4m,  limits: {clicks: 200, reached: 150}, combine: all, levels: [0.5, 1], clear: 0.45}
  - {id: ever,     title: T, by: incident, window: all, limits: {clicks: 2000, followers: 20000}, levels: [0.1, 0.5, 1]}
  - {id: order,    title: T, by: incident, window: 5m,  step: 30s, limits: {defied: 60, defiers: 30}, levels: [0.5, 1], clear: 0.2}
  - {id: capped,   title: T, by: incident, window: 15m, step: 1m,  limits: {readers: 4}, levels: [1], clear: 0.5}
  - {id: account,  title: T, by: account,  window: 10m, step: 2m,  limits: {posts: 3, followers: 400, money: 20000}, levels: [1], clear: 0.9}
  - {id: content,  title: T, by: content,  window: 30m, step: 1m,  limits: {readers: 10}, levels: [0.5, 1], clear: 0.2}
  - {id: group,    title: T, by: group,    window: 1h,  step: 1h,  limits: {members: 50}, levels: [1], clear: 0.5}
`

// oneConfig is how the events are taken in: a short memory, so that some repeats come too late to be recognised.
// The key makes fingerprints those of replay.
const oneConfig = "dedupe: {window: 1m}\n"

// newHistory makes the records of one partition. The last is an event of a subject of its own. The
// event before it may make something due by coming after the stream had passed that time. Replay
// ends that at the next event, and the service when it sweeps.
func newHistory(seed uint64, n int) []gen.Record {
	g := gen.New(gen.Config{
		Seed: seed, Events: n, Incidents: 12, Accounts: 600, Span: 8 * time.Hour, Partitions: 1,
		Jitter: 3 * time.Minute, Repeats: 0.03, Late: 0.01, Malformed: 0.01,
	})
	records := []gen.Record{{}}
	for g.Next(&records[len(records)-1]) {
		records = append(records, gen.Record{})
	}
	end := &records[len(records)-1]
	*end = gen.Record{TimeMillis: records[len(records)-2].TimeMillis}
	end.Value = fmt.Appendf(nil, `{"id":"end","time":%q,"type":"click","incident":"end"}`, time.UnixMilli(end.TimeMillis).UTC().Format(time.RFC3339Nano))
	return records
}

// eventTime is the time of an event in ms, as replay takes it for the Kafka timestamp; 0 where there is none.
func eventTime(value []byte) time.Time {
	_, rest, _ := strings.Cut(string(value), `"time":"`)
	text, _, _ := strings.Cut(rest, `"`)
	at, _ := time.Parse(time.RFC3339Nano, text) // a malformed record may have any
	return at.Truncate(time.Millisecond)
}

// history is what one partition holds, and what must come of it.
type history struct {
	records   []gen.Record
	replayed  []crossing
	lines     []string // of counts
	displaced []string // subjects of which the oracle knows nothing certain
}

// TestOnePartitionAllTheSame: the same events give the same crossings, byte for byte, and the same
// counts. They go through replay, through run with small and large batches, and through the oracle.
func TestOnePartitionAllTheSame(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	seed := e2eSeed(t)
	f := func(pack string, events int, batches ...int) {
		t.Helper()
		h := judgeRichHistory(t, pack, seed, events)
		for _, n := range batches {
			runOnce(t, kafka, redis, pack, h, n)
		}
	}
	f(quickPack, 20_000, 1000, 0)
	f(quickPack, 6_000, 7)
	f(quickPack, 3_000, 1)
	f(packText(t, defaultPack), 20_000, 1000)
	f(packText(t, defaultPack), 6_000, 7)
	f(packText(t, defaultPack), 3_000, 1)
}

// judgeRichHistory is a history of the seed, or of one of the next ones: the first that is a good test.
func judgeRichHistory(t *testing.T, pack string, seed uint64, events int) history {
	t.Helper()
	for range 10 {
		h, lacks := judgeHistory(t, pack, newHistory(seed, events))
		if lacks == "" {
			return h
		}
		t.Logf("seed %d: %s", seed, lacks)
		seed++
	}
	t.Fatal("no history shows much")
	return history{}
}

// judgeHistory has the oracle and replay judge a history, and compares them. It returns what the history lacks to be a good test.
func judgeHistory(t *testing.T, pack string, records []gen.Record) (h history, lacks string) {
	t.Helper()
	o, err := oracle.Options{DedupeWindow: time.Minute}.New([]byte(pack))
	if err != nil {
		t.Fatal(err)
	}
	var input strings.Builder
	var crossings []oracle.Crossing
	for _, r := range records {
		input.Write(r.Value)
		input.WriteByte('\n')
		crossings = append(crossings, o.Apply(r.Value, oracle.EventTime)...)
	}
	h = history{records: records, displaced: o.Displaced()}
	config := servers.WriteFile(t, "replay.yaml", oneConfig)
	r := call(t, input.String(), nil, "replay", "-config", config, "-rules", servers.WriteFile(t, "pack.yaml", pack), "-counts", "-now", "2026-06-01T00:00:00Z")
	if r.code != exitFine {
		t.Fatalf("replay: %+v", r)
	}
	for _, line := range lines(r.out) {
		if strings.HasPrefix(line, `{"schema"`) {
			h.replayed = append(h.replayed, readCrossing(t, line))
		} else {
			h.lines = append(h.lines, line)
		}
	}
	h.compareOracle(t, o, crossings)
	return h, h.lacksOf(t, o, pack)
}

func (h *history) uncertain(key string) bool {
	_, found := slices.BinarySearch(h.displaced, key)
	return found
}

// compareOracle holds replay against the oracle: the whole output in its order. Subjects with keys
// displaced at a cap are left out, since it is open which.
func (h *history) compareOracle(t *testing.T, o *oracle.Oracle, crossings []oracle.Crossing) {
	t.Helper()
	var got, want []string
	for _, a := range h.replayed {
		if !h.uncertain(a.key) {
			got = append(got, a.text)
		}
	}
	for _, a := range expectedOf(crossings) {
		if !h.uncertain(a.key) {
			want = append(want, a.text)
		}
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("replay and oracle differ at crossing %d of %d and %d:\n%v\n%v", i, len(got), len(want), got[i:min(i+1, len(got))], want[i:min(i+1, len(want))])
		}
	}
	var counts []string
	for _, line := range o.Counts() {
		counts = append(counts, string(line))
	}
	if wrong := sameLines(h.lines, counts, h.uncertain); wrong != nil {
		t.Fatalf("replay and oracle: %d counts differ:\n%s", len(wrong), wrong[0])
	}
}

// lacksOf says what a history lacks to show much; "": nothing.
func (h *history) lacksOf(t *testing.T, o *oracle.Oracle, pack string) string {
	t.Helper()
	kinds := map[string]int{}
	for _, a := range h.replayed {
		rule, _, _ := strings.Cut(a.id, "/")
		kinds[rule]++
		if strings.HasSuffix(a.id, "/0") {
			kinds[rule+" cleared"]++
		}
	}
	res := o.Results()
	t.Logf("%d events: %+v; %d crossings, %d counts, %d subjects with displaced keys; by rule %v",
		len(h.records), res, len(h.replayed), len(h.lines), len(h.displaced), kinds)
	if res.Duplicate == 0 || res.Malformed == 0 || res.Late == 0 || len(h.lines) == 0 {
		return "no repeat, nothing malformed, nothing late or no counts"
	}
	if pack != quickPack || len(h.records) < 10_000 {
		return ""
	}
	if len(h.displaced) == 0 {
		return "no counter reached its cap"
	}
	for _, rule := range []string{"clicks", "readers", "items", "two", "both", "order", "account", "content", "group"} {
		if kinds[rule] == 0 || kinds[rule+" cleared"] == 0 {
			return fmt.Sprintf("rule %s: %d crossings, %d clears", rule, kinds[rule], kinds[rule+" cleared"])
		}
	}
	return ""
}

// runOnce sends a history through `run`, with batches of so many operations, and compares what comes of it with replay.
func runOnce(t *testing.T, kafka *servers.KafkaServer, redis *servers.RedisServer, pack string, h history, batch int) {
	t.Helper()
	key := servers.WriteFile(t, "key", strings.Repeat("0", 32))
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: pack, extra: oneConfig +
		fmt.Sprintf("commit: {max_events: %d}\nprivacy: {key_file: %q}\n", batch, key)})
	s.produce(kafkaRecords(h.records)...)
	began := time.Now()
	d := s.start(fmt.Sprintf("batches of %d", batch))
	s.awaitDone()
	took := time.Since(began)
	// Clears of silent subjects come when the sweep looks at them, which is not at once.
	eventually(t, "all crossings are published", func() bool {
		published := int64(0)
		for _, n := range s.ends(s.crossings) {
			published += n
		}
		return published >= int64(len(h.replayed))
	})
	d.Stop()
	got := readCrossings(t, s.read(s.crossings))
	c := compareAll(got, h.replayed, strict)
	counts := sameLines(s.counts(redis.Addr()), h.lines, strict)
	t.Logf("batches of %d: %d events in %v with start and group, CPU %v; %d crossings, counts %d; missed %d, wrong %d, repeated %d, counts wrong %d",
		batch, len(h.records), took.Round(time.Millisecond), d.CPU(), len(got), len(h.lines), len(c.missed), len(c.wrong), len(c.repeated), len(counts))
	if !c.exact() || len(c.repeated) > 0 {
		t.Errorf("batches of %d: crossings: %v", batch, c)
	}
	if counts != nil {
		t.Errorf("batches of %d: %d counts are wrong:\n%s", batch, len(counts), strings.Join(counts[:min(len(counts), 5)], "\n"))
	}
	checkPlaces(t, s, got, h.records)
}

// kafkaRecords are records for Kafka, whose timestamps are the events' times.
func kafkaRecords(records []gen.Record) []*kgo.Record {
	var all []*kgo.Record
	for _, r := range records {
		at := eventTime(r.Value)
		if at.Year() < 2000 {
			at = time.UnixMilli(r.TimeMillis)
		}
		all = append(all, &kgo.Record{Partition: int32(r.Partition), Key: r.Key, Value: r.Value, Timestamp: at})
	}
	return all
}

// kafkaNow are records for Kafka that come now.
func kafkaNow(records []gen.Record) []*kgo.Record {
	var all []*kgo.Record
	for _, r := range records {
		all = append(all, &kgo.Record{Partition: int32(r.Partition), Key: r.Key, Value: r.Value})
	}
	return all
}

// checkPlaces looks the evidence of each crossing up: the record at its place is the event that it names.
func checkPlaces(t *testing.T, s *site, got []crossing, records []gen.Record) {
	t.Helper()
	for _, a := range got {
		if a.event == "" {
			continue
		}
		if a.topic != s.events || a.place != 0 || a.offset < 0 || a.offset >= int64(len(records)) {
			t.Errorf("%s: evidence at %s/%d, offset %d", a.id, a.topic, a.place, a.offset)
		} else if !strings.Contains(string(records[a.offset].Value), `"id":"`+a.event+`"`) {
			t.Errorf("%s: evidence is %s, at its place is %s", a.id, a.event, records[a.offset].Value)
		}
	}
}
