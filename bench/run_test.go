//go:build linux

package bench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect/inspecttest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// run is one run of the program: a Redis, a group and a topic of crossings of its own.
type run struct {
	*fixture
	job              job
	redis            stores
	shards           int
	topic            string
	group, crossings string
	before           float64 // bytes in Redis
	redisCPU         time.Duration
	kafkaCPU         time.Duration
}

func (x *fixture) newRun(j job, topic string) *run {
	return x.newRunOn(stores{x.redis()}, stream.DefaultShards, j, topic)
}

// newRunOn is newRun on a Redis that runs, with so many shards.
func (x *fixture) newRunOn(redis stores, shards int, j job, topic string) *run {
	x.number++
	r := &run{
		fixture: x, job: j, redis: redis, shards: shards, topic: topic,
		group: fmt.Sprint("run-", x.number), crossings: x.crossings(),
	}
	x.kafka.CreateTopic(r.crossings, partitions, nil)
	r.before = r.redis.number("memory", "used_memory")
	return r
}

func (r *run) config() string {
	rules := "{packs: [cn-2019-15]}"
	if r.job.pack != "" {
		path, err := filepath.Abs(r.job.pack)
		if err != nil {
			r.b.Fatal(err)
		}
		rules = fmt.Sprintf("{packs: [], files: [%q]}", path)
	}
	return fmt.Sprintf(`kafka: {brokers: [%q], group: %s, events: [%s], crossings: %s}
redis: {addrs: ["%s"], shards: %d}
rules: %s
cache_bytes: %s
http: {listen: "127.0.0.1:0"}
log: {format: json}
index: {max: %d}
`, r.kafka.Addr(), r.group, r.topic, r.crossings, strings.Join(r.redis.addrs(), `", "`), r.shards, rules,
		cmp.Or(r.job.cache, fmt.Sprint(shard.DefaultCacheBytes)), r.job.listMost())
}

// listMost is how many rows each list of subjects near a limit has.
func (j *job) listMost() int {
	if j.unlisted {
		return 0
	}
	return listing.DefaultMost
}

// watch begins to count the servers' CPU time.
func (r *run) watch() {
	r.redisCPU, r.kafkaCPU = r.redis.cpu(), r.kafka.Broker(0).CPU()
}

// cost is what the servers used since watch.
func (r *run) cost(f *figures, events int) {
	million := float64(events) / 1e6
	f.redis = (r.redis.cpu() - r.redisCPU).Seconds() / million
	f.kafka = (r.kafka.Broker(0).CPU() - r.kafkaCPU).Seconds() / million
	f.aof = r.redis.number("persistence", "aof_current_size") / float64(events)
}

// size is what is in Redis, once the program has ended.
func (r *run) size(f *figures) {
	f.stored = r.redis.number("memory", "used_memory") - r.before
	f.crossings = float64(r.published())
	store := open(r.b, r.redis.addrs()...)
	err := store.ScanRecords(r.b.Context(), func(int, []byte) bool {
		f.subjects++
		return true
	}, nil)
	if err != nil {
		r.b.Fatal(err)
	}
	if r.job.distinct != "" {
		f.members = r.members(store)
	}
}

// members adds up the values of the job's distinct measure over all subjects.
func (r *run) members(store windowstore.Store) float64 {
	return r.sumOf(store, r.job.distinct, r.job.distinct)
}

// sumOf adds up the values of a rule's measure over all subjects.
func (r *run) sumOf(store windowstore.Store, rule, measure string) (total float64) {
	var line struct {
		Rule     string
		Measures map[string]struct{ Value float64 }
	}
	err := inspecttest.Counts(r.b.Context(), &inspect.Reader{Program: r.job.program(r.b), Store: store, Shards: r.shards}, func(text []byte) bool {
		if err := json.Unmarshal(text, &line); err != nil {
			r.b.Fatal(err)
		}
		if line.Rule == rule {
			total += line.Measures[measure].Value
		}
		clear(line.Measures)
		return true
	})
	if err != nil {
		r.b.Fatal(err)
	}
	return total
}

// rules is the job's pack.
func (j *job) rules(b testing.TB) *thresholds.Pack {
	b.Helper()
	name := "cn-2019-15.yaml"
	text, _ := thresholds.Builtin("cn-2019-15")
	if j.pack != "" {
		var err error
		name = j.pack
		if text, err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
	}
	pack, faults := thresholds.Parse(name, text, thresholds.Options{})
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	if j.only != "" {
		pack.Rules = slices.DeleteFunc(pack.Rules, func(r *thresholds.Rule) bool { return r.ID != j.only })
	}
	return pack
}

func (j *job) program(b testing.TB) *engine.Program {
	b.Helper()
	p, err := engine.Compile([]*thresholds.Pack{j.rules(b)}, 1_000_000)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// published is how many records the topic of crossings has.
func (r *run) published() (total int64) {
	withFetch(r.kafka, r.crossings, func(c *fetch.Client) {
		for p := range partitions {
			_, end, err := c.Offsets(r.b.Context(), r.crossings, p)
			if err != nil {
				r.b.Fatal(err)
			}
			total += end
		}
	})
	return total
}

// awaitCommitted waits until the group has committed up to the ends.
func (r *run) awaitCommitted(ends []int64) {
	var events int64
	for _, end := range ends {
		events += end
	}
	servers.Await(r.b, readLimit(events), 100*time.Millisecond, "the backlog to be committed", r.committed(r.group, r.topic, ends))
}
