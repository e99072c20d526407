//go:build slow

package e2e

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// faultsPack has levels close together, so that crossings are always under way. Its windows are long: what is counted does not
// depend on which partition is read first.
const faultsPack = `pack: faults
measures:
  clicks:  {sum: count, types: [click]}
  readers: {distinct: account, types: [click, view, share, comment]}
  members: {distinct: group, weight: members, types: [share, send, group]}
  posts:   {distinct: content, types: [publish]}
rules:
  - {id: dense-clicks,  title: T, by: incident, window: 730d, step: 1d, limits: {clicks: 1000}, levels: [0.1, 0.3, 0.5, 0.7, 0.9, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20]}
  - {id: dense-readers, title: T, by: incident, window: 730d, step: 1d, limits: {readers: 200}, levels: [0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 3, 4, 5, 6, 8, 10]}
  - {id: dense-mixed,   title: T, by: incident, window: all, limits: {members: 2000, posts: 40}, combine: ratio, levels: [0.2, 0.5, 0.8, 1, 2, 4, 8]}
  - {id: dense-account, title: T, by: account,  window: 730d, step: 1d, limits: {clicks: 40}, levels: [0.5, 1, 2, 4, 8]}
  - {id: dense-content, title: T, by: content,  window: 730d, step: 1d, limits: {readers: 20}, levels: [0.5, 1, 2, 4]}
  - {id: dense-group,   title: T, by: group,    window: 730d, step: 1d, limits: {members: 400}, levels: [0.2, 0.5, 1]}
`

// faultRun is a deployment that faults are injected into while events come.
type faultRun struct {
	*site
	redis      string // addresses
	feed       *feeder
	publishing *publishWatch
	processes  []*daemon // that run now
	started    []*daemon // all there ever were
	lost       func(logPosition) bool
	result     faultRow
	rng        *rand.Rand
	environ    []string // of processes
	files      []string // of the pack of each process; nil: they have the site's
	oracle     func() *oracle.Oracle
	// lostStages is how many stages of the feed are in a topic that is no more.
	lostStages int
}

// crossingPartitions is how many partitions a site's topic of crossings has.
const crossingPartitions = 5

// faultRunOptions are what runs differ in.
type faultRunOptions struct {
	processes, partitions int
	pace                  int     // events a second
	repeats               float64 // share of events that come again; below 0: none, 0: the generator's
	environ               []string
	files                 []string // see faultRun
	direct                string   // addresses of Redis for the test; "": as for the processes
	site                  siteOptions
}

// newFaultRun makes the topics, starts the processes and the feed, and returns when all is under way.
func newFaultRun(t *testing.T, name string, k *servers.KafkaServer, o faultRunOptions) *faultRun {
	t.Helper()
	o.site.partitions = o.partitions
	if o.site.pack == "" {
		o.site.pack, o.site.both = faultsPack, true
	}
	s := newSite(t, k, o.site)
	x := &faultRun{
		site: s, redis: cmp.Or(o.direct, o.site.redis), feed: &feeder{s: s, pace: o.pace}, result: faultRow{fault: name}, environ: o.environ, files: o.files,
	}
	x.oracle = x.sitesOracle
	seed := e2eSeed(t)
	x.rng = rand.New(rand.NewPCG(seed, 2))
	x.feed.next(gen.Config{
		Seed: seed, Events: 2_000_000, Incidents: 30, Accounts: 3_000, Partitions: o.partitions,
		Start: time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC), Span: 48 * time.Hour, Malformed: 0.001, Repeats: o.repeats,
	})
	t.Cleanup(x.checkLogs)
	x.processes = make([]*daemon, o.processes)
	for i := range x.processes {
		x.start(i, aggregator)
	}
	x.feed.start()
	x.publishing = watchPublishing(x)
	x.awaitCounting(x.processes...)
	return x
}

// start starts the process of a place; the one before has ended.
func (x *faultRun) start(i int, b *servers.Build, environ ...string) *daemon {
	x.t.Helper()
	name := fmt.Sprintf("%s-%d-%d", x.events, i, len(x.started))
	if x.files != nil {
		environ = append(environ, "AGGREGATOR_RULES_FILES="+x.files[i])
	}
	d := launchUnchecked(x.t, name, runCommand(x.t, b, x.config), append(append(environ, x.environ...), "AGGREGATOR_KAFKA_CLIENT_ID="+name)...)
	x.processes[i] = d
	x.started = append(x.started, d)
	d.awaitStarted()
	return d
}

// awaitCounting waits until processes have counted something.
func (x *faultRun) awaitCounting(list ...*daemon) {
	x.t.Helper()
	for _, d := range list {
		eventually(x.t, d.Name+" works", func() bool { return d.metric("aggregator_events_total") > 0 })
	}
}

// waitRandom lets a random time go by, in which events come and are counted.
func (x *faultRun) waitRandom(most time.Duration) {
	<-time.After(time.Duration(x.rng.Int64N(int64(most))))
}

// published is how many crossings there are; -1 if Kafka does not say.
func (s *site) published(ctx context.Context) int64 {
	ends, err := s.endsOf(ctx, s.crossings, crossingPartitions)
	if err != nil {
		return -1
	}
	sum := int64(0)
	for _, n := range ends {
		sum += n
	}
	return sum
}

// awaitPublished waits until something is published that was not when it is called.
func (x *faultRun) awaitPublished() {
	x.t.Helper()
	before := int64(-1)
	eventually(x.t, "more is published", func() bool {
		n := x.published(x.t.Context())
		if before < 0 {
			before = n
		}
		return n > before
	})
}

// sum is a metric over all processes that run.
func (x *faultRun) sum(name string, labels ...string) (sum float64) {
	x.t.Helper()
	for _, d := range x.processes {
		sum += d.metric(name, labels...)
	}
	return sum
}

// removeMembers takes ended processes out of the group, as the end of their sessions would some seconds later.
func (x *faultRun) removeMembers(list ...*daemon) {
	x.t.Helper()
	var clients []string
	for _, d := range list {
		clients = append(clients, d.Name)
	}
	x.kafka.RemoveMembers(x.group, clients...)
}

// checkLogs kills what still runs, and looks for what must never be in a log.
func (x *faultRun) checkLogs() {
	for _, d := range x.started {
		d.Kill()
		log := d.Log.String()
		for _, text := range mustNotLog(log) {
			x.t.Errorf("%s: %q in its log:\n%s", d.Name, text, logEnd(log))
		}
	}
	if dir := os.Getenv("FAULTS_LOGS"); dir != "" {
		for _, d := range x.started {
			_ = os.WriteFile(filepath.Join(dir, d.Name+".log"), []byte(d.Log.String()), 0o600)
		}
	}
}

// settled reports whether every fence stands at the end of its partition and no crossing waits. The group's offsets do not tell: they
// may be ahead of a store that went back.
func (x *faultRun) settled(store *redisstore.Store) bool {
	ends, err := x.endsOf(x.t.Context(), x.site.events, x.partitions)
	if err != nil {
		return false
	}
	for shard := range x.shards {
		keys := [][]byte{store.Keys().AppendHeadKey(nil, shard), store.Keys().AppendPublishedKey(nil, shard)}
		for p := range x.partitions {
			keys = append(keys, store.Keys().AppendFenceKey(nil, shard, x.site.events, p))
		}
		values, err := store.Load(x.t.Context(), shard, keys, nil)
		if err != nil || numberAt(values[0], windows.VersionSize) != numberAt(values[1], 0) {
			return false
		}
		for p, fence := range values[2:] {
			if int64(numberAt(fence, 1)) != ends[int32(p)] {
				return false
			}
		}
	}
	return true
}

// numberAt is the big-endian number at a place of a stored value; 0 if there is none.
func numberAt(b []byte, at int) uint64 {
	if len(b) < at+8 {
		return 0
	}
	return binary.BigEndian.Uint64(b[at:])
}

// conclude stops the feed, waits until all is counted and published, stops the processes, and compares everything with the oracle.
func (x *faultRun) conclude() {
	x.t.Helper()
	x.feed.stop(x.t)
	store := x.store(x.redis)
	defer func() { _ = store.Close() }()
	eventually(x.t, "everything is counted and published", func() bool { return x.settled(store) })
	x.publishing.stop()
	for _, d := range x.processes {
		d.Stop()
	}
	x.compare()
}

// sitesOracle decides by the packs of the site.
func (x *faultRun) sitesOracle() *oracle.Oracle {
	x.t.Helper()
	var texts [][]byte
	for _, p := range x.packs {
		texts = append(texts, []byte(p))
	}
	o, err := oracle.New(texts...)
	if err != nil {
		x.t.Fatal(err)
	}
	return o
}

// compare holds crossings and counts against the oracle's.
func (x *faultRun) compare() {
	x.t.Helper()
	records := x.read(x.crossings)
	got := readCrossings(x.t, records)
	if x.lost != nil { // after a hole, records have the date since when they are complete, which the oracle does not know
		for i := range got {
			got[i].text = sinceText.ReplaceAllString(got[i].text, "")
		}
	}
	judged := x.feed.judge(x.lostStages, x.lost, x.oracle())
	c := compareAll(got, judged.wanted, judged.loose)
	var want []string
	for _, line := range judged.o.Counts() {
		want = append(want, string(line))
	}
	counts := sameLines(x.counts(x.redis), want, func(string) bool { return false })
	r := &x.result
	r.events, r.wanted, r.missed, r.wrong, r.repeated = judged.made, len(judged.wanted), len(c.missed), len(c.wrong)+len(counts), len(c.repeated)
	r.stall = x.publishing.longest
	x.t.Logf("%s: %d faults; %+v; crossings %d, counts %d; missed %d, wrong %d, counts wrong %d, repeated %d; longest stall %v",
		r.fault, r.faults, judged.o.Results(), r.wanted, len(want), r.missed, len(c.wrong), len(counts), r.repeated, r.stall.Round(time.Millisecond))
	if !c.exact() || len(c.repeated) > 0 {
		x.t.Logf("crossings: %v", c)
		x.logRepeats(records, got, c.repeated)
	}
	if !c.exact() {
		x.t.Error("crossings are not what they should be")
	}
	if counts != nil {
		x.t.Errorf("%d counts are wrong:\n%s", len(counts), strings.Join(counts[:min(len(counts), 5)], "\n"))
	}
	report.add(*r)
}

// logRepeats says where and when crossings were published that were published more than once.
func (x *faultRun) logRepeats(records []*kgo.Record, got []crossing, ids []string) {
	for i, r := range records {
		if slices.Contains(ids, got[i].id) {
			x.t.Logf("%s at %s in %d, offset %d: %s", got[i].id, r.Timestamp.Format("15:04:05.000"), r.Partition, r.Offset, detectedText.FindString(string(r.Value)))
		}
	}
}

// publishWatch measures the longest time in which nothing is published.
type publishWatch struct {
	longest time.Duration
	stop    func()
}

func watchPublishing(x *faultRun) *publishWatch {
	ctx, cancel := context.WithCancel(context.Background())
	p, ended, own := &publishWatch{}, make(chan struct{}), *x.site // the site may be given another client
	p.stop = func() { cancel(); <-ended }
	go func() {
		defer close(ended)
		p.watch(ctx, &own)
	}()
	x.t.Cleanup(p.stop)
	return p
}

func (p *publishWatch) watch(ctx context.Context, s *site) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	most, since := int64(0), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if n := s.published(ctx); n > most {
			most, since = n, time.Now()
		} else if ctx.Err() == nil {
			p.longest = max(p.longest, time.Since(since))
		}
	}
}

// sinceText is what a measure says whose window holds a hole.
var sinceText = regexp.MustCompile(`,"since":"[0-9-]+T[0-9:.]+Z"| \(counted since [0-9-]+T[0-9:.]+Z\)`)
