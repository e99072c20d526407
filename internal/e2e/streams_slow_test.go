//go:build slow

package e2e

import (
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestStreamsAtRest: 200 clients of the stream cost next to nothing while nothing happens. The figure is in docs/sizing.md.
func TestStreamsAtRest(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 12, redis: redis.Addr(), pack: threePack})
	d := s.start("aggregator")
	d.AwaitReady()
	s.produce(three("A")...)
	d.awaitAPI("status", `"last_day":1`)
	const over = 20 * time.Second
	used := func() time.Duration {
		t.Helper()
		before, err := d.CPUNow()
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(over)
		after, err := d.CPUNow()
		if err != nil {
			t.Fatal(err)
		}
		return after - before
	}
	alone := used()
	one := d.stream("")
	first := used()
	const clients = 200
	var all []<-chan pushed
	for range clients - 1 {
		all = append(all, d.stream(""))
	}
	many := used()
	t.Logf("of a core: %.2f %% without clients, %.2f %% with one, %.2f %% with %d", share(alone, over), share(first, over), share(many, over), clients)
	for _, events := range append(all, one) {
		awaitEvent(t, events, "status", "stream_time")
	}
	if extra := share(many-alone, over); extra > 10 { // a tenth of it is what is meant
		t.Errorf("%d clients take %.2f %% of a core", clients, extra)
	}
}

func share(d, of time.Duration) float64 { return 100 * d.Seconds() / of.Seconds() }
