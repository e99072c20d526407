//go:build linux

package bench

import (
	"flag"
	"fmt"
	"math/rand/v2"
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

var listed = flag.Int("listed", 1_000_000, "subjects that BenchmarkNearest lists")

// BenchmarkListed shows what it costs to list who is near a limit: the same backlog and the same paced events, with lists and
// without, in turns.
func BenchmarkListed(b *testing.B) {
	x := newFixture(b)
	printf("%s", describe(x.redis()))
	l := loadBacklog(b, x.kafka, "events", gen.Config{Seed: 42, Events: *events})
	var t table
	names := map[bool]string{false: "with lists", true: "without"}
	name := func(j job, how string) string { return fmt.Sprintf("%s, %s, %s", j.name, how, names[j.unlisted]) }
	for b.Loop() {
		for range *runs {
			for _, j := range []job{plain, byDefault, small} {
				for _, j.unlisted = range []bool{false, true} {
					t.note(name(j, "backlog"), x.backlogRun(j, l))
					if j.name != small.name {
						t.note(name(j, "paced"), x.pacedRun(j))
					}
				}
			}
		}
	}
	printf("load average after: %s\n\n%s", loadAverage(), &t)
	both := func(f *figures) float64 { return f.program + f.redis }
	for _, j := range []job{plain, byDefault, small} {
		for _, how := range []string{"backlog", "paced"} {
			if how == "paced" && j.name == small.name {
				continue
			}
			without := j
			without.unlisted = true
			b.ReportMetric(100*(t.median(name(j, how), both)/t.median(name(without, how), both)-1), j.name+"-"+how+"-%")
		}
	}
}

// BenchmarkNearest asks for the nearest rows of so many that are listed in a real Redis, a page of 50 and one of 1,000.
func BenchmarkNearest(b *testing.B) {
	server := servers.Redis(b, servers.RedisOptions{})
	store := open(b, server.Addr())
	p := nearestProgram(b)
	rules := p.Packs()[0].Rules
	r := &listing.Reader{Program: p, Store: store, Shards: stream.DefaultShards}
	before := number(server, "memory", "used_memory")
	fillLists(b, store, rules)
	b.Logf("%d rows: %.0f bytes each", *listed, (number(server, "memory", "used_memory")-before)/float64(*listed))
	fillRecords(b, store, p)
	for _, limit := range []int{50, 1_000} {
		b.Run(fmt.Sprint("limit/", limit), func(b *testing.B) {
			ask(b, r, limit, "")
		})
	}
	page, err := r.Nearest(b.Context(), listing.Filter{}, 1_000, "")
	if err != nil || page.Next == "" {
		b.Fatalf("next %q, error %v", page.Next, err)
	}
	b.Run("after/50", func(b *testing.B) { ask(b, r, 50, page.Next) })
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
  - {id: clicks, by: account, window: 1h, step: 1m, limits: {clicks: 50000}}
  - {id: views, by: account, window: 1h, step: 1m, limits: {views: 50000}}
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

func ask(b *testing.B, r *listing.Reader, limit int, cursor string) {
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		page, err := r.Nearest(b.Context(), listing.Filter{}, limit, cursor)
		if err != nil || len(page.Rows) == 0 {
			b.Fatalf("%d rows, error %v", len(page.Rows), err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
}

// listedName is the i-th subject.
func listedName(i int) (id string, shard int) {
	id = fmt.Sprintf("acc-%09d", i)
	return id, windowstore.ShardOf(thresholds.Account.String(), []byte(id), stream.DefaultShards)
}

// fillLists lists half of the subjects by each rule. Many are equal.
func fillLists(b *testing.B, store windowstore.Store, rules []*thresholds.Rule) {
	rnd := rand.New(rand.NewPCG(1, 2))
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
		changes[shard] = append(changes[shard], windowstore.RowChange{RowName: row, Progress: nearProgress(rnd, i)})
		if len(changes[shard]) == 1_000 {
			flush(shard)
		}
	}
	for shard := range changes {
		flush(shard)
	}
}

// nearProgress is what the i-th subject is listed with: of those that are asked for what their records say.
func nearProgress(rnd *rand.Rand, i int) uint64 {
	if i < nearestRecords {
		return 20_000
	}
	return 1_000 + rnd.Uint64N(18_000)
}

// nearestRecords is how many subjects have records. They are the nearest.
const nearestRecords = 5_000

func fillRecords(b *testing.B, store windowstore.Store, p *engine.Program) {
	const twice = 100_000 // of the limits
	for i := range nearestRecords {
		id, shard := listedName(i)
		s := windows.NewSubject(&p.Kinds[thresholds.Account].Layout)
		s.Touch(dayLong)
		s.Advance(dayLong)
		for c := range p.Kinds[thresholds.Account].Layout.Counters {
			s.Add(c, dayLong, 0, twice)
		}
		key := store.Keys().AppendRecordKey(nil, shard, thresholds.Account.String(), []byte(id))
		if err := store.Put(b.Context(), shard, key, s.AppendRecord(nil, [windows.VersionSize]byte{1}, 1)); err != nil {
			b.Fatal(err)
		}
	}
}
