//go:build linux

package bench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// bed is what all runs of a benchmark share.
type bed struct {
	b      testing.TB
	kafka  *servers.KafkaServer
	number int // of runs so far
}

func newBed(b testing.TB) *bed {
	b.Helper()
	k := servers.Kafka(b, servers.KafkaOptions{JVM: []string{"-Xms1g", "-Xmx1g"}})
	aggregator.Path(b) // before anything is measured
	return &bed{b: b, kafka: k}
}

// redis starts an empty Redis. Its AOF is not rewritten, so that its size tells what was written.
func (d *bed) redis() *servers.RedisServer {
	return servers.Redis(d.b, servers.RedisOptions{Args: []string{"--auto-aof-rewrite-percentage", "0"}})
}

// deploy starts an empty Redis of so many nodes: one alone, or a Cluster.
func (d *bed) deploy(nodes int) stores {
	if nodes == 1 {
		return stores{d.redis()}
	}
	s := stores(servers.RedisCluster(d.b, nodes).Nodes)
	for _, node := range s {
		node.Do("CONFIG", "SET", "auto-aof-rewrite-percentage", "0")
	}
	return s
}

// trial is one run of the program: a Redis, a group and a topic of crossings of its own.
type trial struct {
	*bed
	job              job
	redis            stores
	shards           int
	topic            string
	group, crossings string
	before           float64 // bytes in Redis
	redisCPU         time.Duration
	kafkaCPU         time.Duration
}

// crossings is the topic of crossings of the latest run.
func (d *bed) crossings() string { return fmt.Sprint("crossings-", d.number) }

func (d *bed) trial(j job, topic string) *trial {
	return d.trialOn(stores{d.redis()}, stream.DefaultShards, j, topic)
}

// trialOn is trial on a Redis that runs, with so many shards.
func (d *bed) trialOn(redis stores, shards int, j job, topic string) *trial {
	d.number++
	t := &trial{
		bed: d, job: j, redis: redis, shards: shards, topic: topic,
		group: fmt.Sprint("run-", d.number), crossings: d.crossings(),
	}
	d.kafka.CreateTopic(t.crossings, partitions, nil)
	t.before = t.redis.number("memory", "used_memory")
	return t
}

func (t *trial) config() string {
	rules := "{packs: [cn-2019-15]}"
	if t.job.pack != "" {
		path, err := filepath.Abs(t.job.pack)
		if err != nil {
			t.b.Fatal(err)
		}
		rules = fmt.Sprintf("{packs: [], files: [%q]}", path)
	}
	return fmt.Sprintf(`kafka: {brokers: [%q], group: %s, events: [%s], crossings: %s}
redis: {addrs: ["%s"], shards: %d}
rules: %s
cache_bytes: %s
http: {listen: "127.0.0.1:0"}
log: {format: json}
`, t.kafka.Addr(), t.group, t.topic, t.crossings, strings.Join(t.redis.addrs(), `", "`), t.shards, rules,
		cmp.Or(t.job.cache, fmt.Sprint(stream.DefaultCacheBytes)))
}

// watch begins to count the servers' CPU time.
func (t *trial) watch() {
	t.redisCPU, t.kafkaCPU = t.redis.cpu(), t.kafka.Broker(0).CPU()
}

// cost is what the servers used since watch.
func (t *trial) cost(f *figures, events int) {
	million := float64(events) / 1e6
	f.redis = (t.redis.cpu() - t.redisCPU).Seconds() / million
	f.kafka = (t.kafka.Broker(0).CPU() - t.kafkaCPU).Seconds() / million
	f.aof = t.redis.number("persistence", "aof_current_size") / float64(events)
}

// size is what is in Redis, once the program has ended.
func (t *trial) size(f *figures) {
	f.stored = t.redis.number("memory", "used_memory") - t.before
	f.crossings = float64(t.published())
	store := open(t.b, t.redis.addrs()...)
	err := store.ScanRecords(t.b.Context(), func(int, []byte) bool {
		f.subjects++
		return true
	}, nil)
	if err != nil {
		t.b.Fatal(err)
	}
	if t.job.distinct != "" {
		f.members = t.members(store)
	}
}

// open is a store on a Redis of these nodes, closed with the benchmark.
func open(b testing.TB, addrs ...string) *redisstore.Store {
	b.Helper()
	store, err := redisstore.New(b.Context(), redisstore.Options{Addrs: addrs})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	return store
}

// members adds up the values of the job's distinct measure over all subjects.
func (t *trial) members(store windowstore.Store) float64 {
	return t.sumOf(store, t.job.distinct, t.job.distinct)
}

// sumOf adds up the values of a rule's measure over all subjects.
func (t *trial) sumOf(store windowstore.Store, rule, measure string) (total float64) {
	var line struct {
		Rule     string
		Measures map[string]struct{ Value float64 }
	}
	err := t.job.program(t.b).StoredCounts(t.b.Context(), store, t.shards, func(text []byte) bool {
		if err := json.Unmarshal(text, &line); err != nil {
			t.b.Fatal(err)
		}
		if line.Rule == rule {
			total += line.Measures[measure].Value
		}
		clear(line.Measures)
		return true
	})
	if err != nil {
		t.b.Fatal(err)
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

func (j *job) program(b testing.TB) *stream.Program {
	b.Helper()
	p, err := stream.Compile([]*thresholds.Pack{j.rules(b)}, 1_000_000)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// published is how many records the topic of crossings has.
func (t *trial) published() (total int64) {
	withFetch(t.kafka, t.crossings, func(c *fetch.Client) {
		for p := range partitions {
			_, end, err := c.Offsets(t.b.Context(), t.crossings, p)
			if err != nil {
				t.b.Fatal(err)
			}
			total += end
		}
	})
	return total
}

// withFetch runs f with a client that knows one topic.
func withFetch(k *servers.KafkaServer, topic string, f func(*fetch.Client)) {
	transport := &kafka.Transport{MetadataTopics: []string{topic}, MetadataTTL: time.Second}
	defer transport.CloseIdleConnections()
	c := fetch.New(fetch.Options{Transport: transport, Brokers: kafka.TCP(k.Addrs()...)})
	defer c.Close()
	f(c)
}

// awaitCommitted waits until the group has committed up to the ends.
func (t *trial) awaitCommitted(ends []int64) {
	var events int64
	for _, end := range ends {
		events += end
	}
	servers.Await(t.b, patienceFor(events), 100*time.Millisecond, "the backlog to be committed", t.committed(t.group, t.topic, ends))
}

// committed is a question: whether a group has committed a topic up to the ends.
func (d *bed) committed(group, topic string, ends []int64) func() bool {
	transport := &kafka.Transport{}
	d.b.Cleanup(transport.CloseIdleConnections)
	client := &kafka.Client{Addr: kafka.TCP(d.kafka.Addrs()...), Transport: transport, Timeout: 5 * time.Second}
	var all []int
	for p := range ends {
		all = append(all, p)
	}
	request := &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: all}}
	return func() bool {
		res, err := client.OffsetFetch(d.b.Context(), request)
		if err != nil || len(res.Topics[topic]) < len(ends) {
			return false
		}
		return !slices.ContainsFunc(res.Topics[topic], func(p kafka.OffsetFetchPartition) bool {
			return p.Error != nil || p.CommittedOffset < ends[p.Partition]
		})
	}
}

// say prints at once, since testing cuts a benchmark's log after ten lines.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "\n"+format+"\n", args...)
}

// number is a number of Redis' INFO.
func number(r *servers.RedisServer, section, name string) float64 {
	v, err := strconv.ParseFloat(field(r.Do("INFO", section), name), 64)
	if err != nil {
		panic("BUG: redis says " + name + ": " + err.Error())
	}
	return v
}
