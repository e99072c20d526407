package stream

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// TestRosterInRedis: processes see each other's packs by a single Redis, and by a Cluster, until one leaves.
func TestRosterInRedis(t *testing.T) {
	f := func(name string, addrs func(t *testing.T) []string) {
		t.Run(name, func(t *testing.T) {
			store, err := redisstore.New(t.Context(), redisstore.Options{Addrs: addrs(t)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			const pack = "{pack: p, measures: {c: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1d, step: 1h, limits: {c: 9}}]}"
			join := func(process uint64, text string) (look func(ctx context.Context) error, packs func() string, leave func(ctx context.Context) error) {
				p := compile(t, text)
				o := Options{Program: p, Store: store, Kafka: Kafka{ClientID: "it"}, Log: slog.New(slog.DiscardHandler)}
				r := newRoster(&o, process, metrics.New(prometheus.NewRegistry(), p))
				return r.Look, r.Packs, r.Leave
			}
			look1, packs1, _ := join(1, pack)
			look2, _, leave2 := join(2, pack+" # other")
			say := func(want bool, steps ...func(ctx context.Context) error) {
				t.Helper()
				for _, step := range steps {
					if err := step(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if got := packs1(); strings.Contains(got, `; other processes have others: "it" at `) != want {
					t.Errorf("got %s, want others: %v", got, want)
				}
			}
			say(false, look1, look2, look1)
			say(true, look2, look1)
			say(false, leave2, look1)
			say(false, look2, look1)
			say(true, look2, look1)
		})
	}
	f("single", func(t *testing.T) []string { return []string{servers.Redis(t, servers.RedisOptions{}).Addr()} })
	f("cluster", func(t *testing.T) []string { return servers.RedisCluster(t, 3).Addrs() })
}
