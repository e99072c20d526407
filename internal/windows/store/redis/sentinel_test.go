package redis

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store/storetest"
)

// TestSentinel does all with one set of servers, since they take seconds to start. The Sentinels want a password.
func TestSentinel(t *testing.T) {
	watched := servers.RedisSentinelLocked(t, "sentinels-5ecret")
	allowSentinel(t, watched)
	o := Options{Addrs: watched.Addrs(), MasterName: "nobody", SentinelUsername: "aggregator", SentinelPassword: "pw"}
	_, err := New(t.Context(), o)
	if err == nil || Retryable(err) || !strings.HasPrefix(err.Error(), "connect to redis nobody: ") {
		t.Errorf("error %v", err)
	}
	testSentinelPassword(t, watched)
	testSentinelFailover(t, watched)
	for _, s := range watched.Sentinels {
		s.Kill()
	}
	_, err = New(t.Context(), Options{Addrs: watched.Addrs(), MasterName: watched.MasterName})
	if !Retryable(err) || ErrorKind(err) != "refused" {
		t.Errorf("error %v of kind %s", err, ErrorKind(err))
	}
}

// testSentinelFailover: commits go on at the new master.
func testSentinelFailover(t *testing.T, watched *servers.RedisWatched) {
	r := openRedis(t, Options{
		Addrs: watched.Addrs(), MasterName: watched.MasterName, SentinelUsername: "aggregator", SentinelPassword: "pw",
	})
	found, err := r.Check(t.Context())
	if err != nil || len(found) != 1 || found[0].Addr != watched.MasterName || found[0].Role != "master" {
		t.Fatalf("found %+v, error %v", found, err)
	}
	d := storetest.NewDesk(t, r, 7)
	d.Put("f", "0")
	n := 0
	step := func() error {
		from, to := fmt.Sprint(n), fmt.Sprint(n+1)
		res, err := r.Commit(t.Context(), 7, d.Named(store.Commit{Fences: []store.Fence{storetest.Fence("f", from, to)}, Puts: []store.Put{storetest.Put("p", to)}}))
		if err != nil {
			return err
		}
		if res.Outcome == store.Fenced { // our answer was lost, or the new master lags: go on from there
			_, err = fmt.Sscan(string(res.Fences[0].Value), &n)
			return err
		}
		n++
		return nil
	}
	for range 100 {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	copied(t, watched.Master, watched.Replica)
	watched.Master.Kill()
	retry(t, step)
	for range 100 {
		retry(t, step)
	}
	if n < 199 {
		t.Errorf("the fence is %d", n)
	}
	d.Holds("f", fmt.Sprint(n), "p", fmt.Sprint(n))
	for _, s := range watched.Sentinels {
		if refused := s.Do("ACL", "LOG"); refused != "" {
			t.Errorf("a Sentinel refused: %s", refused)
		}
	}
	if got := watched.Replica.Do("GET", string(d.Key("f"))); got != fmt.Sprint(n) {
		t.Errorf("the new master has %s, want %d", got, n)
	}
}

var sentinelRights = regexp.MustCompile("(?s)Sentinels.*?```redis\nACL SETUSER aggregator on >PASSWORD (.*?)```")

// allowSentinel makes the user that docs/security.md has for Sentinels, at each of them.
func allowSentinel(t *testing.T, watched *servers.RedisWatched) {
	t.Helper()
	page, err := os.ReadFile("../../../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	found := sentinelRights.FindSubmatch(page)
	if found == nil {
		t.Fatal("docs/security.md has no ACL for Sentinels")
	}
	for _, s := range watched.Sentinels {
		s.Do(append([]string{"ACL", "SETUSER", "aggregator", "on", ">pw"}, strings.Fields(string(found[1]))...)...)
	}
}

// testSentinelPassword: Sentinels that want a password get it, as the default user or another. Who
// gives none, or a wrong one, is told so in one line, however many Sentinels say it.
func testSentinelPassword(t *testing.T, watched *servers.RedisWatched) {
	f := func(user, password, want string) {
		t.Helper()
		r, err := New(t.Context(), Options{
			Addrs: watched.Addrs(), MasterName: watched.MasterName, SentinelUsername: user, SentinelPassword: password,
		})
		if want == "" {
			if err == nil {
				err = r.Close()
			}
			if err != nil {
				t.Errorf("%s: %v", user, err)
			}
			return
		}
		if err == nil || Retryable(err) || ErrorKind(err) != "auth" || strings.Contains(err.Error(), "\n") ||
			!OfSentinels(err) || strings.Count(err.Error(), want) != 1 || strings.Contains(err.Error(), "guess") {
			t.Errorf("%s: error %q of kind %s", user, err, ErrorKind(err))
		}
	}
	f("", "sentinels-5ecret", "")
	f("aggregator", "pw", "")
	f("", "", "NOAUTH Authentication required")
	f("", "guess", "WRONGPASS invalid username-password pair or user is disabled")
	f("nobody", "guess", "WRONGPASS invalid username-password pair or user is disabled")
	for _, s := range watched.Sentinels {
		s.Do("ACL", "LOG", "RESET")
	}
}
