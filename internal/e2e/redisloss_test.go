package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// backup copies the data of a Redis, which is down for a moment.
func backup(t *testing.T, redis *servers.RedisServer) (dir string) {
	t.Helper()
	dir = t.TempDir()
	redis.Stop()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(redis.Dir(), "appendonlydir"))); err != nil {
		t.Fatal(err)
	}
	redis.Restart()
	return dir
}

// restore puts a backup back.
func restore(t *testing.T, redis *servers.RedisServer, dir string) {
	t.Helper()
	redis.Stop()
	at := filepath.Join(redis.Dir(), "appendonlydir")
	if err := os.RemoveAll(at); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(at, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	redis.Restart()
}

// awaitAllCounted waits until the counts in Redis are those that the oracle says.
func (s *judgedEvents) awaitAllCounted(t *testing.T, at *site, redis string) {
	t.Helper()
	var want []string
	for _, line := range s.o.Counts() {
		want = append(want, string(line))
	}
	eventually(t, "the counts are whole again", func() bool { return sameLines(at.counts(redis), want, strict) == nil })
}

// awaitMetric waits until a metric is above what it was, and says how long it took since a time.
func (d *daemon) awaitMetric(name string, above float64, since time.Time) {
	d.t.Helper()
	eventually(d.t, name, func() bool { return d.metric(name) > above })
	d.t.Logf("%s: noticed after %v", name, time.Since(since).Round(100*time.Millisecond))
}

// lossSite is a site with a daemon that counted a part of its events, and a Redis that will lose something.
type lossSite struct {
	*site
	*judgedEvents
	t     *testing.T
	redis *servers.RedisServer
	d     *daemon
}

func newLossSite(t *testing.T) *lossSite {
	t.Helper()
	const partitions = 3
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	h := &lossSite{t: t, redis: redis, site: newSite(t, kafka, siteOptions{partitions: partitions, redis: redis.Addr()})}
	h.judgedEvents = newJudgedEvents(t, packText(t, defaultPack), gen.Config{
		Seed: e2eSeed(t), Events: 100_000, Incidents: 6, Accounts: 2_000, Partitions: partitions, Span: 6 * time.Hour,
	})
	h.d = h.site.start("aggregator")
	h.d.mayLogErrors = true // Redis is broken on purpose
	h.feed(6_000)
	h.awaitDone()
	return h
}

func (h *lossSite) feed(n int) { h.site.produce(kafkaNow(h.judgedEvents.next(n))...) }

// checkAll checks that all is as if nothing had been lost, with the daemon stopped.
func (h *lossSite) checkAll() {
	h.t.Helper()
	h.awaitAllCounted(h.t, h.site, h.redis.Addr())
	h.mustVerify()
	h.d.Stop()
	h.judgedEvents.check(h.t, h.site, h.redis.Addr(), true)
	h.mustVerify()
}

// TestRedisGoesBack: a Redis that is restored to an older state, while nothing flows and while
// events flow, is noticed, logged and healed.
//
// Given a daemon that has counted, and an earlier copy of its Redis, when the copy is put in place
// of Redis, while nothing comes and while events come, then the daemon goes back to the fences in
// it and counts again what is missing.
func TestRedisGoesBack(t *testing.T) {
	h := newLossSite(t)
	old := backup(t, h.redis)
	h.feed(6_000)
	h.awaitDone()

	restore(t, h.redis, old)
	h.d.awaitMetric("aggregator_store_rollbacks_total", 0, time.Now())
	h.d.AwaitLog("fence is not what was written: going back to the stored one")
	h.awaitAllCounted(t, h.site, h.redis.Addr())

	before := h.d.metric("aggregator_store_rollbacks_total")
	for i := range 10 {
		h.feed(500)
		if i == 5 {
			restore(t, h.redis, old)
		}
	}
	h.d.awaitMetric("aggregator_store_rollbacks_total", before, time.Now())
	h.checkAll()
}

// TestRedisFlushed: a Redis that lost everything, while nothing flows and while events flow, is
// noticed, logged, and counted again. A later start fits what was counted.
//
// Given a daemon that has counted, when Redis is emptied, while nothing comes and while events
// come, then the daemon counts again from where counting began.
func TestRedisFlushed(t *testing.T) {
	h := newLossSite(t)
	h.redis.Do("FLUSHALL")
	h.d.awaitMetric("aggregator_store_losses_total", 0, time.Now())
	h.d.AwaitLog("store lost fences: counting again from where counting began")
	h.awaitAllCounted(t, h.site, h.redis.Addr())

	before := h.d.metric("aggregator_store_losses_total")
	for i := range 10 {
		h.feed(500)
		if i == 5 {
			h.redis.Do("FLUSHALL")
		}
	}
	h.d.awaitMetric("aggregator_store_losses_total", before, time.Now())
	h.awaitAllCounted(t, h.site, h.redis.Addr())
	eventually(t, "the settings are back", func() bool {
		return h.redis.Do("EXISTS", h.prefix+"{00}m:shards", h.prefix+"{00}m:crossing-partitions", h.prefix+"{00}m:counters", h.prefix+"{07}m:fingerprint") == "4"
	})
	h.d.Stop()
	h.d = h.site.start("started again")
	h.feed(1_000)
	h.checkAll()
}

// TestRedisLostRefused: with redis.lost: refuse a Redis that lost everything is left alone, idle
// and busy, and that is logged. A later start that may recount does.
func TestRedisLostRefused(t *testing.T) {
	t.Setenv("AGGREGATOR_REDIS_LOST", "refuse")
	h := newLossSite(t)
	h.redis.Do("FLUSHALL")
	h.d.awaitMetric("aggregator_store_losses_total", 0, time.Now())
	h.d.AwaitLog("store lost fences: standing still")
	h.feed(1_000)
	h.d.AwaitLog("partition stalled")
	if keys := h.redis.Do("--scan", "--pattern", h.prefix+"*}r:*"); keys != "" {
		t.Errorf("it counts: %s", keys)
	}
	if losses := h.d.metric("aggregator_store_losses_total"); losses != 3 {
		t.Errorf("%v losses, want one for each partition", losses)
	}
	h.d.Stop()
	late := h.site.start("one that cannot begin")
	late.mayLogErrors = true
	eventually(t, "the lag of what could not be begun with", func() bool {
		return late.metric("aggregator_lag_records") >= 1_000 && late.metric("aggregator_lag_seconds") > 0
	})
	late.Stop()
	t.Setenv("AGGREGATOR_REDIS_LOST", "recount")
	h.d = h.site.start("one that may recount")
	h.checkAll()
}

// TestRedisLosesPart: what is deleted or damaged by hand is noticed when it is met, and logged. A
// shard is counted again, a record is written again, a fence alone is refused, and so is a damaged
// record.
func TestRedisLosesPart(t *testing.T) {
	t.Parallel()
	h := newLossSite(t)
	full := strings.Split(h.keys("*r:incident:*")[0], "{")[1][:2]
	h.del(h.keys("{" + full + "}*")...) // a whole shard
	h.d.awaitMetric("aggregator_store_losses_total", 0, time.Now())
	h.awaitAllCounted(t, h.site, h.redis.Addr())
	h.mustVerify()

	h.losesSettings()
	h.losesRecord(full)
	h.losesFence(full)
	h.meetsDamage()
	h.checkAll()
}

// keys are the stored keys that match a pattern.
func (h *lossSite) keys(pattern string) []string {
	h.t.Helper()
	return lines(h.redis.Do("--scan", "--pattern", h.prefix+pattern) + "\n")
}

func (h *lossSite) del(keys ...string) {
	h.t.Helper()
	h.redis.Do(append([]string{"DEL"}, keys...)...)
}

// losesSettings deletes settings, which a later start must find as they were.
func (h *lossSite) losesSettings() {
	h.t.Helper()
	counters := h.redis.Do("GET", h.prefix+"{00}m:counters")
	h.del(h.prefix+"{00}m:counters", h.prefix+"{00}m:shards", h.prefix+"{05}m:fingerprint")
	h.d.AwaitLog("settings are gone from the store: writing them again")
	eventually(h.t, "the settings are back", func() bool {
		return h.redis.Do("GET", h.prefix+"{00}m:counters") == counters && h.redis.Do("GET", h.prefix+"{00}m:shards") == "16" &&
			h.redis.Do("EXISTS", h.prefix+"{05}m:fingerprint") == "1"
	})
}

// losesRecord deletes the record of an incident, which is met with its next event, and counted again: verify names it, and
// nothing else. Then it has the shard counted again.
func (h *lossSite) losesRecord(shard string) {
	h.t.Helper()
	_, gone, _ := strings.Cut(h.keys("{" + shard + "}r:incident:*")[0], "r:incident:")
	h.del(h.prefix + "{" + shard + "}r:incident:" + gone)
	h.feed(3_000)
	h.d.awaitMetric("aggregator_store_records_gone_total", 0, time.Now())
	h.site.awaitDone()
	r := h.site.verify()
	if r.code != exitFailed || r.out == "" {
		h.t.Errorf("verify of a record that was counted anew: %+v", r)
	}
	for _, line := range lines(r.out) {
		if !strings.Contains(line, `"subject":"incident/`+gone+`"`) {
			h.t.Errorf("verify: %s", line)
		}
	}
	h.del(h.keys("{" + shard + "}*")...)
	h.awaitAllCounted(h.t, h.site, h.redis.Addr())
}

// losesFence deletes a fence alone: what was counted up to it is there. Then it has the shard counted again.
func (h *lossSite) losesFence(shard string) {
	h.t.Helper()
	losses := h.d.metric("aggregator_store_losses_total")
	h.del(h.keys("{" + shard + "}f:1:*")...)
	h.d.awaitMetric("aggregator_store_losses_total", losses, time.Now())
	if line := h.d.AwaitLog("store lost fences: standing still"); !strings.Contains(line["error"].(string), "delete all keys of the shard") {
		h.t.Errorf("it says %v", line)
	}
	h.del(h.keys("{" + shard + "}*")...)
	h.awaitAllCounted(h.t, h.site, h.redis.Addr())
}

// meetsDamage damages a record for a while, which is met by a process that does not know it.
func (h *lossSite) meetsDamage() {
	h.t.Helper()
	h.d.Stop()
	record := h.keys("*r:incident:*")[0]
	h.redis.Do("COPY", record, "kept")
	h.redis.Do("SET", record, "damaged")
	h.d = h.site.start("one that meets damage")
	h.d.mayLogErrors = true
	h.feed(3_000)
	h.d.AwaitLog("shard stands still")
	if errs := h.d.metric("aggregator_store_errors_total", `operation="decode"`); errs == 0 {
		h.t.Error("no error is counted")
	}
	h.redis.Do("RENAME", "kept", record)
}

// cut deletes the records of a topic's only partition before an offset, as retention does.
func (s *site) cut(offset int64) {
	s.t.Helper()
	request := kmsg.NewPtrDeleteRecordsRequest()
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = s.events
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Offset = offset
	t.Partitions = append(t.Partitions, p)
	request.Topics = append(request.Topics, t)
	reply, err := request.RequestWith(s.t.Context(), s.client)
	if err != nil || reply.Topics[0].Partitions[0].ErrorCode != 0 {
		s.t.Fatalf("delete records before %d: %v, %+v", offset, err, reply)
	}
}

const cutPack = `
pack: cut
measures: {clicks: {sum: count, types: [click]}, readers: {distinct: account, types: [view]}}
rules:
  - {id: clicks, title: Clicks, by: incident, window: 730d, step: 1d, limits: {clicks: 100}, levels: [1, 2, 3]}
  - {id: ever, title: Ever, by: incident, window: all, limits: {clicks: 100}, levels: [1, 2, 3]}
  - {id: short, title: Short, by: incident, window: 1s, step: 1s, limits: {readers: 2}, clear: 0.6}
`

// sinceOf waits for a crossing and returns the since of its first measure, "" if it has none.
func (s *site) sinceOf(id string) string {
	s.t.Helper()
	var since string
	eventually(s.t, id, func() bool {
		for _, r := range s.read(s.crossings) {
			var c struct {
				ID       string
				Measures map[string]struct{ Since string }
			}
			if err := json.Unmarshal(r.Value, &c); err != nil {
				s.t.Fatal(err)
			}
			if c.ID == id {
				since = c.Measures["clicks"].Since
				return true
			}
		}
		return false
	})
	return since
}

// whole reports whether a crossing of a rule was published in which no measure has a date since when it is complete.
func (s *site) whole(rule string) bool {
	for _, r := range s.read(s.crossings) {
		if strings.Contains(string(r.Value), `"rule":"`+rule+`"`) && !strings.Contains(string(r.Value), `"since"`) {
			return true
		}
	}
	return false
}

// TestLogIsCut counts again from a log whose start is gone, and after a hole. Then what reaches
// back before it says since when it is whole; what does not reach back says nothing.
func TestLogIsCut(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: cutPack, extra: "max_ahead: 1s\n"})
	made := 0
	put := func(kind string, n int) {
		var list []*kgo.Record
		for range n {
			made++
			list = append(list, &kgo.Record{Value: fmt.Appendf(nil, `{"id":"e%d","time":%q,"type":%q,"incident":"A","account":"u%d"}`,
				made, time.Now().UTC().Format(time.RFC3339Nano), kind, made)})
		}
		s.produce(list...)
	}
	send := func(kind string, n int) {
		put(kind, n)
		s.awaitDone()
	}
	d := s.start("aggregator")
	send("click", 100)
	s.cut(60)
	redis.Do("FLUSHALL")
	d.AwaitLog("the log's start is gone: counts that reach back before it say since when they are whole")
	d.awaitMetric("aggregator_store_losses_total", 0, time.Now())
	send("click", 160) // 200 are there
	first := s.sinceOf("clicks/incident/A/1/2")
	if first == "" || s.sinceOf("ever/incident/A/1/2") == "" || s.sinceOf("clicks/incident/A/1/1") != "" {
		t.Errorf("since %q", first)
	}
	s.mustVerify()

	d.Stop()
	put("click", 50)
	s.cut(290)
	d = s.start("one that was overtaken")
	d.mayLogErrors = true // a hole is an error
	d.AwaitLog("hole in the log: records were deleted before they were read")
	send("click", 90) // 300 are there
	second := s.sinceOf("clicks/incident/A/1/3")
	if second <= first || s.sinceOf("ever/incident/A/1/3") != second {
		t.Errorf("since %q, then %q", first, second)
	}
	eventually(t, "the window of a second does not reach back", func() bool {
		send("view", 2)
		return s.whole("short")
	})
	s.mustVerify()
	d.Stop()
}
