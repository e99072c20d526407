package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// reloadPacks count the same by other limits, levels and rules.
var reloadPacks = []string{`
pack: own
measures: {clicks: {sum: count, types: [click]}, readers: {distinct: account, types: [click]}}
rules:
  - {id: clicks, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {clicks: 30}, levels: [0.5, 1]}
  - {id: readers, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {readers: 12}, levels: [1]}
`, `
pack: own
measures: {clicks: {sum: count, types: [click]}, readers: {distinct: account, types: [click]}}
rules:
  - {id: both, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {readers: 10, clicks: 45}, levels: [1], combine: all}
  - {id: clicks, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {clicks: 20}, levels: [0.25, 1, 2]}
`}

// reloadSite is a site of two processes, each with a file of its own for its pack.
type reloadSite struct {
	*site
	t       *testing.T
	redis   *servers.RedisServer
	texts   []string // of the packs; the first is in force at first
	shadow  string   // topic of crossings of shadow rules; "": there is none
	files   [2]string
	packs   [2]int // that are in the files
	daemons [2]*daemon
	made    atomic.Int64
	lines   [][]string // of each partition
}

// write writes another pack into the file of a process, as a mounted ConfigMap is written.
func (r *reloadSite) write(i int) {
	r.t.Helper()
	r.packs[i] = 1 - r.packs[i]
	draft := filepath.Join(filepath.Dir(r.files[i]), ".draft")
	if err := os.WriteFile(draft, []byte(r.texts[r.packs[i]]), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(draft, r.files[i]); err != nil {
		r.t.Fatal(err)
	}
}

// start starts a process.
func (r *reloadSite) start(i int) {
	r.t.Helper()
	r.daemons[i] = r.site.start(fmt.Sprint("process-", i), "AGGREGATOR_RULES_FILES="+r.files[i], "AGGREGATOR_COMMIT_MAX_AGE=200ms", "AGGREGATOR_KAFKA_SHADOW="+r.shadow)
}

// inForce waits until a process has the pack of its file.
func (r *reloadSite) inForce(i int) {
	r.t.Helper()
	label := fmt.Sprintf("hash=%q", hashOf(r.texts[r.packs[i]]))
	eventually(r.t, "the pack is in force", func() bool { return r.daemons[i].metric("aggregator_rules_info", label) == 1 })
}

// perFeed is how many events of a partition are sent at once.
const perFeed = 40

// feed sends some clicks of each partition's incidents: an incident gets some fifty, in the course of a dozen calls.
func (r *reloadSite) feed() {
	var records []*kgo.Record
	for p := range r.partitions {
		for range perFeed {
			n := len(r.lines[p])
			incident := fmt.Sprintf("i%d-%d", p, n/500*10+n%10)
			line := fmt.Sprintf(`{"id":"e%d","time":%q,"type":"click","incident":%q,"account":"a%d"}`, r.made.Add(1), time.Now().UTC().Format(time.RFC3339Nano), incident, n/10%14)
			r.lines[p] = append(r.lines[p], line)
			records = append(records, &kgo.Record{Partition: int32(p), Value: []byte(line)})
		}
	}
	r.produce(records...)
}

// TestReloadUnderLoad: two processes reload other limits under load, one after the other, again and again. What is announced is what
// the rules say that decided each event: nothing is missed, and nothing wrong.
func TestReloadUnderLoad(t *testing.T) {
	reloads := 100
	if underRace || testing.Short() {
		reloads = 6
	}
	r := newReloadSite(t, reloadPacks, "")
	r.underLoad(func() {
		for n := range reloads {
			r.reload(n%2, false)
		}
	})
	r.check()
}

// TestReloadKilled: the same, and each process is killed now and then in the middle of a reload.
func TestReloadKilled(t *testing.T) {
	reloads := 24
	if underRace || testing.Short() {
		reloads = 3
	}
	r := newReloadSite(t, reloadPacks, "")
	r.underLoad(func() {
		for n := range reloads {
			r.reload(n%2, n%3 == 1)
		}
	})
	r.check()
}

// newReloadSite starts a site whose processes have the first of two packs. shadow is the topic of crossings of shadow rules; "": none.
func newReloadSite(t *testing.T, texts []string, shadow string) *reloadSite {
	t.Helper()
	redis, kafka := servers.Redis(t, servers.RedisOptions{}), servers.SharedKafka(t)
	r := &reloadSite{t: t, redis: redis, texts: texts, shadow: shadow, site: newSite(t, kafka, siteOptions{partitions: 4, redis: redis.Addr(), pack: texts[0]})}
	if shadow != "" {
		kafka.CreateTopic(shadow, 3, nil)
	}
	r.lines = make([][]string, r.partitions)
	for i := range r.files {
		r.files[i] = servers.WriteFile(t, "own.yaml", texts[0])
		r.start(i)
	}
	for _, d := range r.daemons {
		d.AwaitReady()
	}
	return r
}

// underLoad does something while events come, and stops the processes when all are counted.
func (r *reloadSite) underLoad(f func()) {
	r.t.Helper()
	done, fed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(fed)
		for {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
				r.feed()
			}
		}
	}()
	f()
	close(done)
	<-fed
	r.awaitDone()
	for _, d := range r.daemons {
		d.Stop()
	}
	r.t.Logf("%d events", r.made.Load())
}

// reload has a process reload another pack, perhaps to be killed meanwhile, and waits until more events have come since.
func (r *reloadSite) reload(i int, kill bool) {
	r.t.Helper()
	before := r.made.Load()
	r.write(i)
	r.daemons[i].Signal(syscall.SIGHUP)
	if kill {
		<-time.After(time.Duration(before%20) * time.Millisecond) // at any place
		r.daemons[i].Kill()
		r.start(i)
	}
	r.inForce(i)
	eventually(r.t, "more events", func() bool { return r.made.Load() > before+int64(r.partitions*perFeed) })
}

// check compares what was published with what the oracle says, by the rules that the store's histories name.
func (r *reloadSite) check() {
	r.t.Helper()
	o, ids := r.variants(r.texts)
	want := map[bool][]string{} // by whether a shadow rule announced it
	for p, lines := range r.lines {
		var at int64
		histories := r.histories(r.redis.Addr(), p)
		judge := o.Choose(func(by, subject string) int {
			return ids[histories.at(windowstore.ShardOf(by, []byte(subject), r.shards), at)]
		})
		for i, line := range lines {
			at = int64(i)
			for _, c := range expectedOf(judge.ApplyTo(p, []byte(line), time.Now().UnixMilli())) {
				tried := strings.Contains(c.text, `"shadow":true`)
				want[tried] = append(want[tried], c.text)
			}
		}
	}
	r.compare(r.crossings, want[false])
	if r.shadow != "" {
		r.compare(r.shadow, want[true])
	}
}

// compare compares what is in a topic with what is to be there. A repeat with the same id does not count.
func (r *reloadSite) compare(topic string, want []string) {
	r.t.Helper()
	seen := map[string]bool{}
	records := r.read(topic)
	var got []string
	var delays []time.Duration
	for i, c := range readCrossings(r.t, records) {
		delays = append(delays, r.delay(c, records[i].Timestamp))
		if !seen[c.id] {
			seen[c.id] = true
			got = append(got, c.text)
		}
	}
	slices.Sort(delays)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(got) == 0 {
		r.t.Errorf("%s: %d crossings, want %d; first missing: %s; first wrong: %s", topic, len(got), len(want), firstNot(want, got), firstNot(got, want))
		return
	}
	r.t.Logf("%s: %d crossings; half of them %v after their events, 99 %% within %v", topic, len(got), delays[len(delays)/2], delays[len(delays)*99/100])
}

// delay is how long after its event a crossing was sent to Kafka.
func (r *reloadSite) delay(c crossing, sent time.Time) time.Duration {
	r.t.Helper()
	var e struct{ Time time.Time }
	if err := json.Unmarshal([]byte(r.lines[c.place][c.offset]), &e); err != nil {
		r.t.Fatal(err)
	}
	return sent.Sub(e.Time)
}

// firstNot is the first of a list that is not in another one.
func firstNot(list, in []string) string {
	for _, x := range list {
		if _, ok := slices.BinarySearch(in, x); !ok {
			return x
		}
	}
	return "none"
}

// variants is an oracle that decides by any of some packs, and which of them rules of an id are.
func (s *site) variants(packs []string) (*oracle.Oracle, map[string]int) {
	s.t.Helper()
	var texts [][]byte
	ids := map[string]int{}
	for i, text := range packs {
		texts = append(texts, []byte(text))
		rules := inforce.Of(enginetest.Compile(s.t, text), engine.IntakeOptions{})
		ids[rules.ID()] = i
	}
	o, err := oracle.Options{}.Variants(texts...)
	if err != nil {
		s.t.Fatal(err)
	}
	return o, ids
}

// histories are by which rules a partition was decided, by shard.
type histories []inforce.History

// at is the id of the rules by which a shard decided at an offset.
func (h histories) at(shard int, offset int64) string {
	of := h[shard]
	i := len(of) - 1
	for ; of[i].From > offset; i-- {
	}
	return of[i].Rules
}

func (s *site) histories(redis string, partition int) (all histories) {
	s.t.Helper()
	store := s.store(redis)
	defer func() { _ = store.Close() }()
	for n := range s.shards {
		values, err := store.Load(s.t.Context(), n, [][]byte{store.Keys().AppendHistoryKey(nil, n, s.events, partition)}, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		h, err := inforce.ParseHistory(values[0])
		if err != nil || len(h) == 0 {
			s.t.Fatalf("shard %d: history %q, %v", n, strings.TrimSpace(string(values[0])), err)
		}
		all = append(all, h)
	}
	return all
}
