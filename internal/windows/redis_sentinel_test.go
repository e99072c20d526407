package windows

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestSentinel does all with one set of servers, since they take seconds to start.
func TestSentinel(t *testing.T) {
	watched := servers.RedisSentinel(t)
	_, err := NewRedis(t.Context(), RedisOptions{Addrs: watched.Addrs(), MasterName: "nobody"})
	if err == nil || Retryable(err) || !strings.HasPrefix(err.Error(), "connect to redis nobody: ") {
		t.Errorf("error %v", err)
	}
	testSentinelFailover(t, watched)
	for _, s := range watched.Sentinels {
		s.Kill()
	}
	_, err = NewRedis(t.Context(), RedisOptions{Addrs: watched.Addrs(), MasterName: watched.MasterName})
	if !Retryable(err) || ErrorKind(err) != "refused" {
		t.Errorf("error %v of kind %s", err, ErrorKind(err))
	}
}

// testSentinelFailover: commits go on at the new master.
func testSentinelFailover(t *testing.T, watched *servers.RedisWatched) {
	r := openRedis(t, RedisOptions{Addrs: watched.Addrs(), MasterName: watched.MasterName})
	found, err := r.Check(t.Context())
	if err != nil || len(found) != 1 || found[0].Addr != watched.MasterName || found[0].Role != "master" {
		t.Fatalf("found %+v, error %v", found, err)
	}
	d := desk{t, r, 7}
	d.put("f", "0")
	n := 0
	step := func() error {
		from, to := fmt.Sprint(n), fmt.Sprint(n+1)
		res, err := r.Commit(t.Context(), 7, d.named(Commit{Fences: []Fence{fence("f", from, to)}, Puts: []Put{put("p", to)}}))
		if err != nil {
			return err
		}
		if res.Outcome == Fenced { // our answer was lost, or the new master lags: go on from there
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
	watched.Master.Do("WAIT", "1", "5000")
	watched.Master.Kill()
	retry(t, step)
	for range 100 {
		retry(t, step)
	}
	if n < 199 {
		t.Errorf("the fence is %d", n)
	}
	d.holds("f", fmt.Sprint(n), "p", fmt.Sprint(n))
	if got := watched.Replica.Do("GET", string(d.key("f"))); got != fmt.Sprint(n) {
		t.Errorf("the new master has %s, want %d", got, n)
	}
}
