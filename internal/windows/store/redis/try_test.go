package redis

import (
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// smallest are the commands that docs/security.md allows, but those that only tell of the server.
var smallest = []string{
	"ping", "mget", "mset", "get", "set", "setnx", "unlink", "eval", "evalsha", "scan", "zadd", "zrem", "zrangebyscore",
	"zrange", "zcount", "zmscore", "hset", "hdel", "hmget", "hscan", "sadd", "srem", "smembers",
}

// TestTry: each command that is missing is found, and nothing is left in the store.
func TestTry(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	try := func(commands ...string) error {
		t.Helper()
		user := []string{"ACL", "SETUSER", "small", "reset", "on", ">pw", "~" + store.DefaultPrefix + "*", "-@all"}
		for _, c := range commands {
			user = append(user, "+"+c)
		}
		server.Do(user...)
		server.Do("SCRIPT", "FLUSH")
		r, err := New(t.Context(), Options{Addrs: []string{server.Addr()}, Username: "small", Password: "pw"})
		if err != nil {
			return err
		}
		defer func() { _ = r.Close() }()
		return r.Try(t.Context())
	}
	for i, missing := range smallest {
		rest := append(append([]string{}, smallest[:i]...), smallest[i+1:]...)
		if err := try(rest...); err == nil || ErrorKind(err) != "auth" || !strings.Contains(strings.ToLower(err.Error()), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	if err := try(smallest...); err != nil {
		t.Error(err)
	}
	if keys := server.Do("KEYS", "*"); keys != "" {
		t.Errorf("it leaves %s", keys)
	}

	// What is stored stays as it is.
	server.Do("ZADD", store.DefaultPrefix+"{0}armed", "7", "incident:A")
	server.Do("SET", store.DefaultPrefix+"{0}r:incident:A", "x")
	if err := try(smallest...); err != nil || server.Do("KEYS", "*try*") != "" || server.Do("DBSIZE") != "2" || server.Do("ZSCORE", store.DefaultPrefix+"{0}armed", "incident:A") != "7" {
		t.Errorf("%v; it changes what is stored: %s", err, server.Do("KEYS", "*"))
	}
}

// TestTryRenamed: a command that was taken out is found.
func TestTryRenamed(t *testing.T) {
	for _, command := range []string{"EVAL", "EVALSHA", "UNLINK"} {
		server := servers.Redis(t, servers.RedisOptions{Args: []string{"--rename-command", command, ""}})
		r := openRedis(t, Options{Addrs: []string{server.Addr()}})
		if err := r.Try(t.Context()); err == nil || !strings.Contains(err.Error(), command) {
			t.Errorf("without %s: %v", command, err)
		}
	}
}
