//go:build slow

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// network is a set of proxies between processes and servers, which does harm to what goes through.
type network struct {
	t       testing.TB
	server  *toxiproxy.ApiServer
	proxies []*toxiproxy.Proxy
}

func newNetwork(t testing.TB) *network {
	zerolog.SetGlobalLevel(zerolog.Disabled) // a toxic logs by the global logger
	return &network{t: t, server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())}
}

// add makes a proxy at an address for a server.
func (n *network) add(listen, upstream string) {
	n.t.Helper()
	p := toxiproxy.NewProxy(n.server, listen, listen, upstream)
	if err := p.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(p.Stop)
	n.proxies = append(n.proxies, p)
}

// cut ends all connections and refuses new ones, until mend.
func (n *network) cut() {
	for _, p := range n.proxies {
		p.Stop()
	}
}

func (n *network) mend() {
	n.t.Helper()
	for _, p := range n.proxies {
		if err := p.Start(); err != nil {
			n.t.Fatal(err)
		}
	}
}

// poison adds a toxic, as JSON, to all proxies; heal removes all.
func (n *network) poison(toxic string) {
	n.t.Helper()
	for _, p := range n.proxies {
		if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			n.t.Fatal(err)
		}
	}
}

func (n *network) heal() {
	for _, p := range n.proxies {
		p.Toxics.ResetToxics(context.Background())
	}
}

// toxics are what is done to connections, each for a while. A limit of data cuts a connection in the middle of a request or an answer.
var toxics = []string{
	`{"type": "latency", "stream": "downstream", "attributes": {"latency": 60, "jitter": 60}}`,
	`{"type": "latency", "stream": "upstream", "attributes": {"latency": 300, "jitter": 100}}`,
	`{"type": "bandwidth", "stream": "upstream", "attributes": {"rate": 40}}`,
	`{"type": "bandwidth", "stream": "downstream", "attributes": {"rate": 80}}`,
	`{"type": "slicer", "stream": "upstream", "attributes": {"average_size": 100, "size_variation": 90, "delay": 500}}`,
	`{"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`,
	`{"type": "timeout", "stream": "upstream", "attributes": {"timeout": 400}}`,
	`{"type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 30}}`,
	`{"type": "limit_data", "stream": "upstream", "attributes": {"bytes": %d}}`,
	`{"type": "limit_data", "stream": "downstream", "attributes": {"bytes": %d}}`,
}

// disturb does everything to the network, one thing after the other.
func (x *faultRun) disturb(n *network, rounds int) {
	x.t.Helper()
	for range rounds {
		for _, toxic := range toxics {
			if strings.Contains(toxic, "%d") {
				toxic = fmt.Sprintf(toxic, 500+x.rng.IntN(60_000))
			}
			n.poison(toxic)
			x.waitRandom(time.Duration(repetitions(1, 3)) * time.Second)
			n.heal()
			x.result.faults++
		}
		for range 10 {
			n.cut()
			x.waitRandom(30 * time.Millisecond)
			n.mend()
			x.waitRandom(100 * time.Millisecond)
			x.result.faults++
		}
		x.awaitPublished()
	}
}

// testRedisNetwork cuts, delays and throttles the connections to Redis.
func testRedisNetwork(t *testing.T, kafka *servers.KafkaServer) {
	redis := servers.Redis(t, servers.RedisOptions{})
	n := newNetwork(t)
	n.add(servers.FreeAddr(t), redis.Addr())
	x := newFaultRun(t, "connections to Redis cut, delayed, throttled", kafka, faultRunOptions{
		processes: 2, partitions: 12, pace: 600, site: siteOptions{redis: n.proxies[0].Listen}, direct: redis.Addr(),
	})
	x.disturb(n, repetitions(1, 10))
	x.conclude()
}

// testKafkaNetwork does the same to the connections to Kafka.
func testKafkaNetwork(t *testing.T, kafka *servers.KafkaServer, n *network) {
	redis := servers.Redis(t, servers.RedisOptions{})
	var brokers []string
	for _, p := range n.proxies {
		brokers = append(brokers, p.Listen)
	}
	x := newFaultRun(t, "connections to Kafka cut, delayed, throttled", kafka, faultRunOptions{
		processes: 2, partitions: 12, pace: 600, site: siteOptions{redis: redis.Addr(), brokers: strings.Join(brokers, ",")},
	})
	x.disturb(n, repetitions(1, 10))
	x.conclude()
}
