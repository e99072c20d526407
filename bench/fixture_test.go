//go:build linux

package bench

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// fixture is what all runs of a benchmark share.
type fixture struct {
	b      testing.TB
	kafka  *servers.KafkaServer
	number int // of runs so far
}

func newFixture(b testing.TB) *fixture {
	b.Helper()
	k := servers.Kafka(b, servers.KafkaOptions{JVM: []string{"-Xms1g", "-Xmx1g"}})
	aggregator.Path(b) // before anything is measured
	return &fixture{b: b, kafka: k}
}

// redis starts an empty Redis. Its AOF is not rewritten, so that its size shows what was written.
func (x *fixture) redis() *servers.RedisServer {
	return servers.Redis(x.b, servers.RedisOptions{Args: []string{"--auto-aof-rewrite-percentage", "0"}})
}

// deploy starts an empty Redis of so many nodes: one alone, or a Cluster.
func (x *fixture) deploy(nodes int) stores {
	if nodes == 1 {
		return stores{x.redis()}
	}
	s := stores(servers.RedisCluster(x.b, nodes).Nodes)
	for _, node := range s {
		node.Do("CONFIG", "SET", "auto-aof-rewrite-percentage", "0")
	}
	return s
}

// crossings is the topic of crossings of the latest run.
func (x *fixture) crossings() string { return fmt.Sprint("crossings-", x.number) }

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

// withFetch runs f with a client that knows one topic.
func withFetch(k *servers.KafkaServer, topic string, f func(*fetch.Client)) {
	transport := &kafka.Transport{MetadataTopics: []string{topic}, MetadataTTL: time.Second}
	defer transport.CloseIdleConnections()
	c := fetch.New(fetch.Options{Transport: transport, Brokers: kafka.TCP(k.Addrs()...)})
	defer c.Close()
	f(c)
}

// committed is a question: whether a group has committed a topic up to the ends.
func (x *fixture) committed(group, topic string, ends []int64) func() bool {
	transport := &kafka.Transport{}
	x.b.Cleanup(transport.CloseIdleConnections)
	client := &kafka.Client{Addr: kafka.TCP(x.kafka.Addrs()...), Transport: transport, Timeout: 5 * time.Second}
	var all []int
	for p := range ends {
		all = append(all, p)
	}
	request := &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: all}}
	return func() bool {
		res, err := client.OffsetFetch(x.b.Context(), request)
		if err != nil || len(res.Topics[topic]) < len(ends) {
			return false
		}
		return !slices.ContainsFunc(res.Topics[topic], func(p kafka.OffsetFetchPartition) bool {
			return p.Error != nil || p.CommittedOffset < ends[p.Partition]
		})
	}
}

// printf prints at once, since testing cuts a benchmark's log after ten lines.
func printf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "\n"+format+"\n", args...)
}

// number is a number of Redis' INFO.
func number(r *servers.RedisServer, section, name string) float64 {
	v, err := strconv.ParseFloat(field(r.Do("INFO", section), name), 64)
	if err != nil {
		panic("BUG: redis gives " + name + ": " + err.Error())
	}
	return v
}
