package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

func TestCheck(t *testing.T) {
	f := func(wantErr, wantWarning string, args ...string) {
		t.Helper()
		server := servers.Redis(t, servers.RedisOptions{Args: args})
		r := openRedis(t, Options{Addrs: []string{server.Addr()}})
		found, err := r.Check(t.Context())
		if fmt.Sprint(err) != strings.ReplaceAll(wantErr, "ADDR", server.Addr()) {
			t.Errorf("%v: error %v", args, err)
		}
		if len(found) != 1 || found[0].Addr != server.Addr() || found[0].Role != "master" ||
			!strings.Contains(server.Do("INFO", "server"), "redis_version:"+found[0].Version+"\r") {
			t.Fatalf("%v: found %+v", args, found)
		}
		got := strings.Join(found[0].Warnings, "; ")
		if !strings.HasPrefix(got, wantWarning) || (got == "") != (wantWarning == "") {
			t.Errorf("%v: warnings %q", args, got)
		}
	}
	none := "<nil>"
	f(none, "")
	f(none, "", "--appendfsync", "always", "--maxmemory", "100mb")
	f(none, "appendonly is off: ", "--appendonly", "no")
	f(none, "appendfsync is no: ", "--appendfsync", "no")
	f(none, "appendfsync cannot be read (CONFIG GET is not permitted): see to it that appendonly is yes", "--rename-command", "CONFIG", "")
	f(none, "appendonly is off: ", "--appendonly", "no", "--rename-command", "CONFIG", "")
	evicts := "redis ADDR: maxmemory-policy is allkeys-lru, which would drop counters when memory is full; " +
		"remedy: CONFIG SET maxmemory-policy noeviction"
	f(evicts, "", "--maxmemory-policy", "allkeys-lru")
	f(evicts, "appendfsync cannot be read", "--maxmemory-policy", "allkeys-lru", "--rename-command", "CONFIG", "")
	f(strings.Replace(evicts, "allkeys-lru", "volatile-ttl", 1), "", "--maxmemory-policy", "volatile-ttl")
}

// TestCheckBlind: what may not be read is reported, and what can be read in another way is.
func TestCheckBlind(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{Args: []string{"--maxmemory-policy", "allkeys-lru", "--appendonly", "no"}})
	const info, policy, fsync = "INFO is not permitted", "its maxmemory-policy cannot be read", "appendfsync cannot be read"
	f := func(wantErr string, want []string, forbidden ...string) {
		t.Helper()
		server.Do(append([]string{"ACL", "SETUSER", "blind", "reset", "on", ">pw", "~*", "+@all"}, forbidden...)...)
		r := openRedis(t, Options{Addrs: []string{server.Addr()}, Username: "blind", Password: "pw"})
		found, err := r.Check(t.Context())
		if len(found) != 1 || len(found[0].Warnings) != len(want) || !strings.Contains(fmt.Sprint(err), wantErr) {
			t.Fatalf("without %v: found %+v, error %v", forbidden, found, err)
		}
		for i, w := range want {
			if !strings.HasPrefix(found[0].Warnings[i], w) {
				t.Errorf("without %v: warnings %q, want %q", forbidden, found[0].Warnings, want)
			}
		}
	}
	f("allkeys-lru", []string{info, "appendonly is off"}, "-info")
	f("allkeys-lru", []string{"appendonly is off"}, "-config")
	f("<nil>", []string{info, policy, fsync}, "-info", "-config")
}

func TestCheckReadsOtherServers(t *testing.T) {
	f := func(info string, want Server, wantFault string) {
		t.Helper()
		s := Server{}
		s.read(parseInfo(info))
		s.warnings()
		fault := ""
		if err := s.fault(false); err != nil {
			fault = err.Error()
		}
		if fmt.Sprintf("%+v", s) != fmt.Sprintf("%+v", want) || !strings.HasPrefix(fault, wantFault) {
			t.Errorf("got %+v, fault %q", s, fault)
		}
	}
	const blind = "appendfsync cannot be read (CONFIG GET is not permitted): see to it that appendonly is yes and appendfsync everysec"
	f("# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n",
		Server{Version: "valkey 8.1.0", Role: "master", Policy: "noeviction", Warnings: []string{blind}}, "")
	f("redis_version:5.0.14\r\nrole:slave\r\nmaxmemory_policy:noeviction\r\n",
		Server{
			Version: "5.0.14", Role: "slave", Policy: "noeviction",
			Warnings: []string{"version 5.0.14 is older than those it was tested with, 7.0 and later", blind},
		}, "is a replica")
	f("", Server{Warnings: []string{"its maxmemory-policy cannot be read (CONFIG GET is not permitted): see to it that it is noeviction", blind}}, "")
}
