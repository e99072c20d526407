package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestRedisPaused: a Redis that does not answer for five seconds holds everything up and nothing is lost.
func TestRedisPaused(t *testing.T) {
	t.Parallel()
	const partitions = 3
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: partitions, redis: redis.Addr()})
	events := newJudgedEvents(t, packText(t, defaultPack), gen.Config{
		Seed: e2eSeed(t), Events: 30_000, Incidents: 6, Accounts: 3_000, Partitions: partitions, Span: 6 * time.Hour,
	})
	d := s.start("aggregator")
	s.produce(kafkaNow(events.next(10_000))...)
	s.awaitDone()
	lag := func() float64 { return d.metric("aggregator_lag_records") }

	redis.Pause()
	paused := time.After(5 * time.Second)
	highest := 0.0
	for range 20 {
		s.produce(kafkaNow(events.next(500))...)
		highest = max(highest, lag())
	}
	<-paused
	highest = max(highest, lag())
	if status, body := d.Get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "redis") {
		t.Errorf("/readyz while Redis is paused: %d, %s", status, body)
	}
	if status, _ := d.Get("/livez"); status != http.StatusOK {
		t.Errorf("/livez while Redis is paused: %d", status)
	}
	committed, all := s.done()
	redis.Resume()
	t.Logf("paused: lag by the metric %v at most, by the group's offsets %d", highest, all-committed)
	if highest == 0 || all == committed {
		t.Error("the lag did not grow")
	}

	s.produce(kafkaNow(events.next(10_000))...)
	s.awaitDone()
	eventually(t, "no lag is left", func() bool { return lag() == 0 })
	d.AwaitReady()
	d.Stop()
	events.check(t, s, redis.Addr(), false)
}

// TestRedisAbsentAtStart: the program says clearly what it waits for, is alive and not ready, and goes on when Redis comes.
func TestRedisAbsentAtStart(t *testing.T) {
	const partitions = 2
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	redis.Stop()
	s := newSite(t, kafka, siteOptions{partitions: partitions, redis: redis.Addr()})
	events := newJudgedEvents(t, packText(t, defaultPack), gen.Config{
		Seed: e2eSeed(t), Events: 10_000, Incidents: 4, Accounts: 2_000, Partitions: partitions, Span: 6 * time.Hour,
	})
	s.produce(kafkaNow(events.next(10_000))...)
	d := s.start("aggregator")
	line := d.AwaitLog("redis does not answer: trying until it does")
	if text, _ := line["error"].(string); line["level"] != "WARN" || !strings.Contains(text, redis.Addr()) || !strings.Contains(text, "refused") {
		t.Errorf("what it says: %v", line)
	}
	if status, body := d.Get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "redis") {
		t.Errorf("/readyz without Redis: %d, %s", status, body)
	}
	if status, _ := d.Get("/livez"); status != http.StatusOK {
		t.Errorf("/livez without Redis: %d", status)
	}
	other := s.start("one that is stopped while it waits")
	other.AwaitLog("redis does not answer: trying until it does")
	other.Stop()

	redis.Restart()
	d.AwaitReady()
	s.awaitDone()
	d.Stop()
	events.check(t, s, redis.Addr(), false)
}

// TestSentinelPassword: the program gets to Redis by Sentinels that want a password. With none, or
// a wrong one, it ends and says so in one line.
func TestSentinelPassword(t *testing.T) {
	const password, guess = "sentinels-5ecret", "gue55ed-secret"
	w := servers.RedisSentinelLocked(t, password)
	config := servers.WriteFile(t, "aggregator.yaml", fmt.Sprintf("kafka: {brokers: [%q]}\nredis: {addrs: [%s], master_name: %s}\nhttp: {listen: \"127.0.0.1:0\"}\nlog: {format: json}\n",
		servers.FreeAddr(t), strings.Join(w.Addrs(), ", "), w.MasterName))
	f := func(want string, environ ...string) {
		t.Helper()
		r := call(t, "", environ, "run", "-config", config)
		list := complaints(r.err)
		if r.code != exitFailed || len(list) != 1 || !containsAll(r.err, []string{`"ended"`, want, "redis.sentinel_username and redis.sentinel_password"}) {
			t.Errorf("run: exit code %d:\n%s", r.code, r.err)
		}
		live := call(t, "", environ, "check", "-config", config, "-live")
		if live.code != exitFailed || !containsAll(live.err, []string{"failed: connect to redis " + w.MasterName, want}) {
			t.Errorf("check -live: %+v", live)
		}
		if strings.Contains(r.err+live.err+live.out, guess) {
			t.Errorf("the password is shown:\n%s%s", r.err, live.err)
		}
	}
	f("NOAUTH")
	f("WRONGPASS", "AGGREGATOR_REDIS_SENTINEL_PASSWORD="+guess)
	f("WRONGPASS", "AGGREGATOR_REDIS_SENTINEL_USERNAME=nobody", "AGGREGATOR_REDIS_SENTINEL_PASSWORD="+password)

	right := []string{"AGGREGATOR_REDIS_SENTINEL_PASSWORD_FILE=" + servers.WriteFile(t, "password", password+"\n")}
	if live := call(t, "", right, "check", "-config", config, "-live"); !strings.Contains(live.out+live.err, "redis "+w.MasterName+": version ") {
		t.Errorf("check -live: %+v", live)
	}
	d := launch(t, "sentinels", runCommand(t, aggregator, config), right...)
	d.mayLogErrors = true // there is no Kafka
	d.awaitInLog("redis answers")
	d.Stop()
}
