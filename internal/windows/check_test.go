package windows

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
		r := openRedis(t, RedisOptions{Addrs: []string{server.Addr()}})
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
	f(none, "", "--rename-command", "CONFIG", "")
	evicts := "redis ADDR: maxmemory-policy is allkeys-lru, which would drop counters when memory is full; " +
		"remedy: CONFIG SET maxmemory-policy noeviction"
	f(evicts, "", "--maxmemory-policy", "allkeys-lru")
	f(evicts, "", "--maxmemory-policy", "allkeys-lru", "--rename-command", "CONFIG", "")
	f(strings.Replace(evicts, "allkeys-lru", "volatile-ttl", 1), "", "--maxmemory-policy", "volatile-ttl")
}

func TestCheckWithoutInfo(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	server.Do("ACL", "SETUSER", "blind", "on", ">pw", "~*", "+@all", "-info")
	r := openRedis(t, RedisOptions{Addrs: []string{server.Addr()}, Username: "blind", Password: "pw"})
	found, err := r.Check(t.Context())
	if err != nil || len(found) != 1 || len(found[0].Warnings) != 1 || !strings.HasPrefix(found[0].Warnings[0], "INFO is not permitted") {
		t.Errorf("found %+v, error %v", found, err)
	}
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
	f("# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n",
		Server{Version: "valkey 8.1.0", Role: "master", Policy: "noeviction"}, "")
	f("redis_version:5.0.14\r\nrole:slave\r\nmaxmemory_policy:noeviction\r\n",
		Server{
			Version: "5.0.14", Role: "slave", Policy: "noeviction",
			Warnings: []string{"version 5.0.14 is older than those it was tested with, 7.0 and later"},
		}, "is a replica")
	f("", Server{Warnings: []string{"its maxmemory-policy is not known: see to it that it is noeviction"}}, "")
}
