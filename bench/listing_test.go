//go:build linux

package bench

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

var (
	listed   = flag.Int("listed", 1_000_000, "subjects that BenchmarkNearest lists")
	recorded = flag.Int("records", 0, "subjects that it has in Redis; those that are listed at least")
)

// BenchmarkListed shows what it costs to list who is near a limit: a program with lists and one without. They read a backlog in turns,
// and paced events at the same time. `-bench Listed/small/paced` is one of both.
func BenchmarkListed(b *testing.B) {
	x := newFixture(b)
	printf("%s", describe(x.redis()))
	l := loadBacklog(b, x.kafka, "events", gen.Config{Seed: 42, Events: *events})
	var t table
	for _, j := range []job{plain, byDefault, small} {
		without := j
		without.unlisted = true
		b.Run(j.name+"/backlog", func(b *testing.B) {
			listedPairs(b, &t, j.name+", backlog", func(first bool) (with, other figures) {
				if first {
					with = x.backlogRun(j, l)
				}
				if other = x.backlogRun(without, l); !first {
					with = x.backlogRun(j, l)
				}
				return with, other
			})
		})
		b.Run(j.name+"/paced", func(b *testing.B) {
			listedPairs(b, &t, fmt.Sprintf("%s, %d/s", j.name, *rate), func(first bool) (with, other figures) {
				if first {
					both := x.pacedRuns(j, without)
					return both[0], both[1]
				}
				both := x.pacedRuns(without, j)
				return both[1], both[0]
			})
		})
	}
	printf("load average after: %s\n\n%s", loadAverage(), &t)
}

// listedPairs runs pairs, in which the one with lists is the first or the second, and reports how much more it costs: the median of
// the pairs.
func listedPairs(b *testing.B, t *table, name string, run func(first bool) (with, without figures)) {
	var more []float64
	for b.Loop() {
		for i := range *runs {
			with, without := run(i%2 == 0)
			t.note(name+", with lists", with)
			t.note(name+", without", without)
			more = append(more, 100*((with.program+with.redis)/(without.program+without.redis)-1))
		}
	}
	b.ReportMetric(median(more), "%")
	printf("%s: %.1f %% more", name, more)
}

// BenchmarkNearest asks for the nearest rows of -listed in a real Redis that holds -records: pages of 50 and of 1,000, one from the
// middle of the lists, one of a range of progress. What the lists say, the records say.
func BenchmarkNearest(b *testing.B) {
	server := servers.Redis(b, servers.RedisOptions{Args: []string{"--appendonly", "no"}})
	store := open(b, server.Addr())
	p := nearestProgram(b)
	r := &listing.Reader{Program: p, Store: store, Shards: stream.DefaultShards}
	printf("%s", describe(server))
	count := max(*recorded, *listed)
	used := func() float64 { return number(server, "memory", "used_memory") }
	before := used()
	fillLists(b, store, p.Packs()[0].Rules)
	lists := used()
	fillRecords(b, store, p, count)
	printf("%d rows of %.0f bytes, %d records of %.0f bytes", *listed, (lists-before)/float64(*listed), count, (used()-lists)/float64(count))
	half := uint64(thresholds.LevelOne / 2)
	middle := listing.Filter{Least: half - 1_000, Most: &half}
	for _, limit := range []int{50, 1_000} {
		b.Run(fmt.Sprint("limit/", limit), func(b *testing.B) { ask(b, r, listing.Filter{}, limit, "") })
		b.Run(fmt.Sprint("between/", limit), func(b *testing.B) { ask(b, r, middle, limit, "") })
	}
	page, err := r.Nearest(b.Context(), listing.Filter{Most: &half}, 1_000, "")
	if err != nil || page.Next == "" {
		b.Fatalf("next %q, error %v", page.Next, err)
	}
	b.Run("after/50", func(b *testing.B) { ask(b, r, listing.Filter{Most: &half}, 50, page.Next) })
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Counts(b.Context(), 5_000, 10_000); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// nearestProgram has two rules of a sum each.
func nearestProgram(b *testing.B) *engine.Program {
	pack, faults := thresholds.Parse("nearest.yaml", []byte(`
pack: nearest
measures: {clicks: {sum: count, types: [click]}, views: {sum: count, types: [view]}}
rules:
  - {id: clicks, by: account, window: 1h, step: 1m, limits: {clicks: `+fmt.Sprint(nearestLimit)+`}}
  - {id: views, by: account, window: 1h, step: 1m, limits: {views: `+fmt.Sprint(nearestLimit)+`}}
`), thresholds.Options{})
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	p, err := engine.Compile([]*thresholds.Pack{pack}, 1_000_000)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// ask asks for a page, which must be full.
func ask(b *testing.B, r *listing.Reader, f listing.Filter, limit int, cursor string) {
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		page, err := r.Nearest(b.Context(), f, limit, cursor)
		if err != nil || len(page.Rows) != limit {
			b.Fatalf("%d rows, error %v", len(page.Rows), err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
}

// nearestLimit is the limit of both rules.
const nearestLimit = 50_000

// listedName is the i-th subject.
func listedName(i int) (id string, shard int) {
	id = fmt.Sprintf("acc-%09d", i)
	return id, windowstore.ShardOf(thresholds.Account.String(), []byte(id), stream.DefaultShards)
}

// nearProgress is the progress of the i-th subject: of 5,000 twice the limit, so that many are equal; of the others that are listed
// something from a tenth on; of the rest less.
func nearProgress(i int) uint64 {
	switch x := uint64(i) * 0x9E3779B97F4A7C15 >> 32; { // spread out
	case i < 5_000:
		return 20_000
	case i < *listed:
		return 1_000 + x%18_000
	default:
		return 1 + x%900
	}
}

// fillLists lists half of the subjects by each rule.
func fillLists(b *testing.B, store windowstore.Store, rules []*thresholds.Rule) {
	changes := make([][]windowstore.RowChange, stream.DefaultShards)
	flush := func(shard int) {
		if err := store.List(b.Context(), shard, changes[shard]...); err != nil {
			b.Fatal(err)
		}
		changes[shard] = changes[shard][:0]
	}
	for i := range *listed {
		id, shard := listedName(i)
		row := windowstore.RowName{Rule: rules[i%len(rules)].ID, ID: []byte(id)}
		changes[shard] = append(changes[shard], windowstore.RowChange{RowName: row, Progress: nearProgress(i)})
		if len(changes[shard]) == 1_000 {
			flush(shard)
		}
	}
	for shard := range changes {
		flush(shard)
	}
}

// fillRecords writes the records of so many subjects, each with a counter by which it is listed, or not.
func fillRecords(b *testing.B, store windowstore.Store, p *engine.Program, count int) {
	layout := &p.Kinds[thresholds.Account].Layout
	commits := make([]windowstore.Commit, stream.DefaultShards)
	flush := func(shard int) {
		if res, err := store.Commit(b.Context(), shard, &commits[shard]); err != nil || res.Outcome != windowstore.Done {
			b.Fatalf("outcome %d, error %v", res.Outcome, err)
		}
		commits[shard].Puts = commits[shard].Puts[:0]
	}
	for i := range count {
		id, shard := listedName(i)
		s := windows.NewSubject(layout)
		s.Touch(dayLong)
		s.Advance(dayLong)
		s.Add(i%len(layout.Counters), dayLong, 0, nearProgress(i)*nearestLimit/uint64(thresholds.LevelOne))
		key := store.Keys().AppendRecordKey(nil, shard, thresholds.Account.String(), []byte(id))
		c := &commits[shard]
		c.Puts = append(c.Puts, windowstore.Put{Key: key, Value: s.AppendRecord(nil, [windows.VersionSize]byte{1}, 1)})
		if len(c.Puts) == 1_000 {
			flush(shard)
		}
	}
	for shard := range commits {
		flush(shard)
	}
}
