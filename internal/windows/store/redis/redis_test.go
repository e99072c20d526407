package redis

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store/storetest"
)

func TestOptionFaults(t *testing.T) {
	f := func(o Options, want string) {
		t.Helper()
		var faults []string
		for _, fault := range o.Faults() {
			faults = append(faults, fault.Path+": "+fault.Message)
		}
		if got := strings.Join(faults, "\n"); got != want {
			t.Errorf("%+v:\ngot  %s\nwant %s", o, got, want)
		}
		if _, err := New(t.Context(), o); want != "" && (err == nil || err.Error() != want || Retryable(err)) {
			t.Errorf("New: %v", err)
		}
	}
	f(Options{}, "redis.addrs: there must be at least one address")
	f(Options{Addrs: []string{"a", "b:1", "c:"}}, "redis.addrs: \"a\" is not host:port\nredis.addrs: \"c:\" is not host:port")
	f(Options{Addrs: []string{"a:1"}, DB: -1}, "redis.db: must not be negative")
	f(Options{Addrs: []string{"a:1", "b:1"}, DB: 1}, "redis.db: a Cluster has database 0 only")
	f(Options{Addrs: []string{"a:1"}, Cluster: true, DB: 1}, "redis.db: a Cluster has database 0 only")
	f(Options{Addrs: []string{"a:1"}, Cluster: true, MasterName: "m"},
		"redis.master_name: a Cluster has no Sentinels; leave out master_name or cluster")
	f(Options{Addrs: []string{"a:1"}, Prefix: "x{"}, `redis.prefix: "x{" holds a brace, which marks a Cluster's hash tag`)
}

func TestPrefixAndDatabase(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	one := openRedis(t, Options{Addrs: []string{server.Addr()}})
	two := openRedis(t, Options{Addrs: []string{server.Addr()}, Prefix: "two:", DB: 3})
	storetest.ScanRecords(t, openRedis(t, Options{Addrs: []string{server.Addr()}, Prefix: `a*[b]?\^-:`, DB: 4}))
	for value, s := range map[string]store.Store{"1": one, "2": two} {
		storetest.NewDesk(t, s, 7).Put("x", value)
		if err := s.Arm(t.Context(), 7, store.Due{Member: []byte("m"), Unix: 1}); err != nil {
			t.Fatal(err)
		}
	}
	f := func(db, key, want string) {
		t.Helper()
		if got := server.Do("-n", db, "GET", key); got != want {
			t.Errorf("%s of %s: got %s, want %s", key, db, got, want)
		}
		if got := server.Do("-n", db, "DBSIZE"); got != "2" {
			t.Errorf("database %s has %s keys", db, got)
		}
	}
	f("0", "aggregator:{07}m:x", "1")
	f("3", "two:{07}m:x", "2")
}

// TestContract runs what every store must do.
func TestContract(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	r := openRedis(t, Options{Addrs: []string{server.Addr()}})
	for _, c := range storetest.Contract {
		server.Do("FLUSHALL")
		t.Run(c.Name, func(t *testing.T) { c.Test(t, r) })
	}
}

// TestSentOnce: a commit whose answer is lost is not sent again without our knowing.
func TestSentOnce(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	testSentOnce(t, server, openRedis(t, Options{Addrs: []string{server.Addr()}, ReadTimeout: 300 * time.Millisecond}))
}

func testSentOnce(t *testing.T, server *servers.RedisServer, r *Store) {
	d := storetest.NewDesk(t, r, 7)
	first := d.Named(store.Commit{Fences: []store.Fence{storetest.Fence("f", "-", "1")}})
	if res, err := r.Commit(t.Context(), 7, first); err != nil || res.Outcome != store.Done {
		t.Fatalf("%v, error %v", res, err)
	}
	spread(t, r)
	before := calls(server, "evalsha")
	server.Pause()
	_, err := r.Commit(t.Context(), 7, d.Named(store.Commit{Fences: []store.Fence{storetest.Fence("f", "1", "2")}}))
	_, err2 := r.Load(t.Context(), 7, [][]byte{d.Key("f")}, nil)
	server.Resume()
	for _, err := range []error{err, err2} {
		if !Retryable(err) || ErrorKind(err) != "timeout" {
			t.Errorf("error %v of kind %s", err, ErrorKind(err))
		}
	}
	retry(t, func() error { return r.Ping(t.Context()) })
	if n := calls(server, "evalsha") - before; n != 1 {
		t.Errorf("the commit was sent %d times", n)
	}
	d.Holds("f", "2")
}

// spread opens several connections to each server, over which a command could be sent again.
func spread(t *testing.T, r *Store) {
	t.Helper()
	err := r.eachMaster(t.Context(), func(ctx context.Context, _ string, c *goredis.Client) error {
		for range 4 {
			conn := c.Conn()
			defer func() { _ = conn.Close() }()
			if err := conn.Ping(ctx).Err(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestServerGoesAway: errors may pass, and do; nothing that was acknowledged is lost.
func TestServerGoesAway(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	r := openRedis(t, Options{Addrs: []string{server.Addr()}})
	d := storetest.NewDesk(t, r, 7)
	d.Put("x", "1")
	server.Kill()
	for range 40 { // more than the pool has connections
		if err := r.Ping(t.Context()); !Retryable(err) {
			t.Fatalf("error %v of kind %s", err, ErrorKind(err))
		}
	}
	_, err := r.Commit(t.Context(), 7, d.Named(store.Commit{Puts: []store.Put{storetest.Put("x", "2")}}))
	if !Retryable(err) || ErrorKind(err) != "refused" || !strings.Contains(err.Error(), "commit shard 7, 1 keys: ") {
		t.Errorf("error %v of kind %s", err, ErrorKind(err))
	}
	if _, err := New(t.Context(), Options{Addrs: []string{server.Addr()}}); !Retryable(err) {
		t.Errorf("error %v", err)
	}
	server.Restart()
	retry(t, func() error { return r.Ping(t.Context()) })
	d.Holds("x", "1")
}

// TestConnectionsCut: with connections that break every few ms, a fence still tells what was applied.
func TestConnectionsCut(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	r := openRedis(t, Options{Addrs: []string{server.Addr()}})
	d := storetest.NewDesk(t, r, 7)
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	wg.Go(func() {
		for ctx.Err() == nil {
			if _, err := server.Try("CLIENT", "KILL", "TYPE", "normal"); err != nil {
				t.Error(err)
			}
		}
	})
	failed := 0
	d.Put("f", "0")
	for n := 0; n < 2000 || failed < 10; n++ {
		to := fmt.Sprint(n + 1)
		c := d.Named(store.Commit{Fences: []store.Fence{storetest.Fence("f", fmt.Sprint(n), to)}})
		for {
			res, err := r.Commit(ctx, 7, c)
			if err != nil {
				failed++
				if !Retryable(err) || ctx.Err() != nil {
					t.Fatalf("step %s, %d commits without an answer: %v", to, failed, err)
				}
				continue
			}
			if res.Outcome == store.Fenced && string(res.Fences[0].Value) != to {
				t.Fatalf("step %s: the fence is %s", to, res.Fences[0].Value)
			}
			break
		}
	}
	cancel()
	wg.Wait()
	t.Logf("%d commits had no answer", failed)
}

// TestFull: a server without memory refuses the whole commit, and reads go on.
func TestFull(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	r := openRedis(t, Options{Addrs: []string{server.Addr()}})
	d := storetest.NewDesk(t, r, 7)
	d.Put("f", "1")
	d.Wants(store.Commit{Fences: []store.Fence{storetest.Fence("f", "1", "-")}}, store.Result{}) // the script is known
	server.Do("CONFIG", "SET", "maxmemory", "1")
	_, err := r.Commit(t.Context(), 7, d.Named(store.Commit{Fences: []store.Fence{storetest.Fence("f", "1", "2")}, Puts: []store.Put{storetest.Put("p", "x")}}))
	ping := r.Ping(t.Context())
	for _, err := range []error{err, ping} {
		if !Retryable(err) || ErrorKind(err) != "oom" {
			t.Errorf("error %v of kind %s", err, ErrorKind(err))
		}
	}
	d.Holds("f", "1", "p", "-")
	d.Wants(store.Commit{Fences: []store.Fence{storetest.Fence("f", "1", "-")}, Deletes: storetest.Names("f")}, store.Result{}) // which makes room
	server.Do("CONFIG", "SET", "maxmemory", "0")
	if err := r.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestReplicaIsReadOnly(t *testing.T) {
	master := servers.Redis(t, servers.RedisOptions{})
	host, port, _ := net.SplitHostPort(master.Addr())
	replica := servers.Redis(t, servers.RedisOptions{Args: []string{"--replicaof", host + " " + port}})
	r := openRedis(t, Options{Addrs: []string{replica.Addr()}})
	_, err := r.Commit(t.Context(), 7, storetest.NewDesk(t, r, 7).Named(store.Commit{Puts: []store.Put{storetest.Put("p", "x")}}))
	for _, err := range []error{err, r.Ping(t.Context())} {
		if !Retryable(err) || ErrorKind(err) != "readonly" {
			t.Errorf("error %v of kind %s", err, ErrorKind(err))
		}
	}
	if _, err := r.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "is a replica") {
		t.Errorf("error %v", err)
	}
	master.Do("CONFIG", "SET", "min-replicas-to-write", "3")
	r = openRedis(t, Options{Addrs: []string{master.Addr()}})
	if err := r.Ping(t.Context()); !Retryable(err) || ErrorKind(err) != "noreplicas" {
		t.Errorf("error %v of kind %s", err, ErrorKind(err))
	}
}

// TestStrays: sights that belong to no row are deleted, and no others.
func TestStrays(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	r := openRedis(t, Options{Addrs: []string{server.Addr()}})
	key := string(r.Keys().AppendSightsKey(nil, 3, "r"))
	list := func(id string) {
		t.Helper()
		if err := r.List(t.Context(), 3, store.RowChange{RowName: store.RowName{Rule: "r", ID: []byte(id)}, Sights: []byte(strings.Repeat("x", 100))}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 {
		list(fmt.Sprint("row-", i))
		server.Do("HSET", key, fmt.Sprint("stray-", i), "x")
	}
	steps := 0
	for from := uint64(0); steps == 0 || from > 0; steps++ {
		var err error
		if from, err = r.DropStrays(t.Context(), 3, "r", from); err != nil {
			t.Fatal(err)
		}
	}
	if got := server.Do("HLEN", key); got != "1000" || steps < 2 || strings.Contains(server.Do("HKEYS", key), "stray") {
		t.Errorf("%s sights are left after %d steps", got, steps)
	}
}
