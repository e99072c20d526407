package stream

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// TestStoreStopsBeingFit: settings of Redis that somebody changes while it is used are said, once, and also that they are
// well again; nothing ends by it.
func TestStoreStopsBeingFit(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	store, err := redisstore.New(t.Context(), redisstore.Options{Addrs: []string{server.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	var log bytes.Buffer
	w := &storeWatch{
		store: store, log: slog.New(slog.NewTextHandler(&log, nil)),
		metrics: metrics.New(prometheus.NewRegistry(), compile(t, builtin(t, "cn-2019-15"))).Health,
	}
	f := func(unfit float64, want ...string) {
		t.Helper()
		log.Reset()
		for range 2 { // what is said once is not said again
			w.check(t.Context())
		}
		if got := metricstest.Value(w.metrics.Unfit); got != unfit || strings.Count(log.String(), "\n") != len(want) {
			t.Errorf("unfit %v, want %v; the log is\n%s", got, unfit, &log)
		}
		for _, text := range want {
			if !strings.Contains(log.String(), text) {
				t.Errorf("no %q in\n%s", text, &log)
			}
		}
	}
	if err := w.begin(t.Context()); err != nil || log.Len() > 0 {
		t.Errorf("%v; %s", err, &log)
	}
	f(0)
	server.Do("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	f(1, "level=ERROR msg=\"store is not fit to keep counts any more\" error=\"redis "+server.Addr()+": maxmemory-policy is allkeys-lru")
	if err := w.begin(t.Context()); err != nil {
		t.Errorf("a service that begins once more is refused: %v", err)
	}
	server.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	server.Do("CONFIG", "SET", "appendonly", "no")
	f(0, "msg=\"store is fit again\"", "msg=\"store setting is risky\" server="+server.Addr()+" problem=\"appendonly is off")
	server.Do("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
	f(1, "volatile-ttl")
	server.Stop()
	f(1) // that it does not answer is for others to say
}

// TestStoreUnfitAtStart: the first beginning refuses it.
func TestStoreUnfitAtStart(t *testing.T) {
	w := &storeWatch{store: unfitStore{}, log: slog.New(slog.DiscardHandler)}
	var final *finalError
	if err := w.begin(t.Context()); !errors.As(err, &final) {
		t.Errorf("got %v", err)
	}
}

type unfitStore struct{}

func (unfitStore) Check(context.Context) ([]redisstore.Server, error) {
	return nil, errors.New("evicts")
}
