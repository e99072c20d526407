package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sentinels is how many watch a master: two of the three must agree.
const sentinels = 3

// RedisWatched is a master with one replica under three Sentinels.
type RedisWatched struct {
	MasterName string // as the Sentinels call it
	Master     *RedisServer
	Replica    *RedisServer
	Sentinels  []*RedisServer
}

// Addrs returns the addresses of the Sentinels.
func (w *RedisWatched) Addrs() []string {
	addrs := make([]string, len(w.Sentinels))
	for i, s := range w.Sentinels {
		addrs[i] = s.Addr()
	}
	return addrs
}

// MasterAddr asks the first Sentinel which server is the master now.
func (w *RedisWatched) MasterAddr() string {
	w.Master.tb.Helper()
	reply := w.Sentinels[0].Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", w.MasterName)
	return strings.ReplaceAll(reply, "\n", ":")
}

// RedisSentinel starts a master, a replica and three Sentinels, which call a
// master down after one second. It returns once the replica is in step and the
// Sentinels could fail over.
func RedisSentinel(tb testing.TB) *RedisWatched {
	tb.Helper()
	return RedisSentinelLocked(tb, "")
}

// RedisSentinelLocked is RedisSentinel with Sentinels that ask for a password; "": they ask for none.
func RedisSentinelLocked(tb testing.TB, password string) *RedisWatched {
	tb.Helper()
	w := &RedisWatched{MasterName: "aggregator", Master: Redis(tb, RedisOptions{})}
	host, port, _ := strings.Cut(w.Master.Addr(), ":")
	w.Replica = Redis(tb, RedisOptions{Args: []string{"--replicaof", host + " " + port}})
	for range sentinels {
		w.Sentinels = append(w.Sentinels, sentinel(tb, w.MasterName, host+" "+port, password))
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := poll(ctx, w.settled); err != nil {
		tb.Fatal(err)
	}
	return w
}

// sentinel starts one Sentinel that watches master, written "host port".
func sentinel(tb testing.TB, name, master, password string) *RedisServer {
	tb.Helper()
	var r *RedisServer
	err := retryPorts(1, func(ports []int) error {
		conf := filepath.Join(tb.TempDir(), "sentinel.conf")
		text := fmt.Sprintf("port %d\nbind 127.0.0.1\nsentinel monitor %s %s 2\n"+
			"sentinel down-after-milliseconds %s 1000\nsentinel failover-timeout %s 5000\n",
			ports[0], name, master, name, name)
		if password != "" {
			text += "requirepass " + password + "\n"
		}
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			return fmt.Errorf("write sentinel's config: %w", err)
		}
		r = newRedisProgram(tb, ports[0], []string{conf, "--sentinel"})
		r.password = password
		return r.proc.run()
	})
	if err != nil {
		tb.Fatal(err)
	}
	r.own()
	return r
}

// settled is nil once a failover would work: the replica has the master's data,
// and every Sentinel knows the replica and the other Sentinels.
func (w *RedisWatched) settled(ctx context.Context) error {
	link, err := w.Replica.cli(ctx, "INFO", "replication")
	if err != nil {
		return err
	}
	if !strings.Contains(link, "master_link_status:up") {
		return errors.New("redis replica: not in step yet")
	}
	for _, s := range w.Sentinels {
		if err := s.knows(ctx, w.MasterName); err != nil {
			return err
		}
	}
	return nil
}

// knows is nil once this Sentinel knows one replica and all other Sentinels.
func (r *RedisServer) knows(ctx context.Context, master string) error {
	info, err := r.cli(ctx, "INFO", "sentinel")
	if err != nil {
		return err
	}
	if !strings.Contains(info, "name="+master+",status=ok") ||
		!strings.Contains(info, "slaves=1,sentinels="+strconv.Itoa(sentinels)) {
		return errors.New("redis sentinel: " + r.addr + " does not know all the others yet")
	}
	return nil
}
