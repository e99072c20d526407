package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// threePack announces the third click, and nothing else.
const threePack = `
pack: three
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: three, title: Three clicks, by: incident, window: 1h, step: 1m, limits: {clicks: 3}, levels: [1]}]
`

// clicks are events of an incident, by name, which are of now.
func clicks(incident string, partition int32, names ...string) (list []*kgo.Record) {
	for _, name := range names {
		list = append(list, &kgo.Record{Partition: partition, Value: fmt.Appendf(nil, `{"id":%q,"time":%q,"type":"click","incident":%q}`,
			name, time.Now().UTC().Format(time.RFC3339Nano), incident)})
	}
	return list
}

// awaitClicks waits until so many clicks of an incident are stored.
func (s *site) awaitClicks(redis, incident string, want int) {
	s.t.Helper()
	text := fmt.Sprintf(`"clicks":{"value":%d,`, want)
	var got []string
	if !within(waitLimit, func() bool {
		got = nil
		for _, line := range s.counts(redis) {
			if strings.Contains(line, `"subject":"`+incident+`"`) {
				got = append(got, line)
			}
		}
		return len(got) == 1 && strings.Contains(got[0], text)
	}) {
		s.t.Fatalf("%s: want %s in %v", incident, text, got)
	}
}

// TestOneStoreForTwo: if two deployments have one prefix the second is refused, by check -live as
// well, which writes nothing. Nothing of one comes out at the other. With a prefix of its own, or
// when the store is given to it, it runs.
func TestOneStoreForTwo(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	prod := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: threePack})
	stag := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: threePack})
	shared := "AGGREGATOR_REDIS_PREFIX=" + prod.prefix

	if r := call(t, "", []string{shared}, "check", "-config", stag.config, "-live"); !strings.Contains(r.out, "ok: redis.prefix "+prod.prefix+": nothing is stored yet\n") {
		t.Errorf("check -live of an empty store: %+v", r)
	}
	if keys := redis.Do("--scan"); keys != "" {
		t.Errorf("check -live wrote %s", keys)
	}
	d := prod.start("prod")
	prod.produce(clicks("A", 0, "1", "2")...)
	prod.awaitDone()
	stag.produce(clicks("A", 0, "1", "2")...)

	line := fmt.Sprintf("the store belongs to group %q with crossings topic %q, this is group %q with crossings topic %q: ", prod.group, prod.crossings, stag.group, stag.crossings)
	second := launch(t, "stag", runCommand(t, aggregator, stag.config), shared)
	second.mayLogErrors = true
	second.AwaitLog("ended")
	<-second.Done()
	if code := second.ExitCode(); code != exitFailed || !strings.Contains(second.Log.String(), strings.ReplaceAll(line, `"`, `\"`)) {
		t.Errorf("the second one: exit code %d, log:\n%s", code, second.Log)
	}
	r := call(t, "", []string{shared}, "check", "-config", stag.config, "-live")
	if r.code != exitFailed || !strings.Contains(r.err, "failed: redis.prefix "+prod.prefix+": "+line) || !strings.Contains(r.err, "-adopt "+prod.group+"\n") {
		t.Errorf("check -live: %+v", r)
	}
	if r := call(t, "", nil, "check", "-config", prod.config, "-live"); r.code != exitFine || !strings.Contains(r.out, "ok: redis.prefix "+prod.prefix+": belongs to group "+prod.group+"\n") {
		t.Errorf("check -live of the owner: %+v", r)
	}
	prod.produce(clicks("A", 0, "3")...)
	prod.awaitDone()
	eventually(t, "prod's crossing", func() bool { return len(prod.read(prod.crossings)) == 1 })
	if n := len(stag.read(stag.crossings)); n != 0 {
		t.Errorf("%d crossings came out at stag", n)
	}
	own := stag.start("stag with a prefix of its own")
	stag.awaitDone()
	stag.awaitClicks(redis.Addr(), "A", 2)
	own.Stop()
	d.Stop()
}

// TestOneGroupForTwo: a deployment with the group of another one, and a store of its own, waits. So
// the other one keeps its events; readiness, log and check -live say why. When the other one has
// gone it counts them itself.
//
// Given a deployment that counts, when a second one with the same group and another store starts,
// and later the first one stops, then the second one waits outside the group until the first one
// has left, and counts from then on.
func TestOneGroupForTwo(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 2, redis: redis.Addr(), pack: threePack, made: true})
	apart := "AGGREGATOR_REDIS_PREFIX=" + s.prefix + "apart:"
	first := s.start("first")
	first.AwaitReady()

	second := launch(t, "second", runCommand(t, aggregator, s.config), apart)
	second.mayLogErrors = true
	second.awaitStarted()
	const text = "has members that count into another store (redis.addrs, redis.db, redis.prefix), so that each store lacks what the other has: "
	eventually(t, "the second says why it waits", func() bool {
		status, body := second.Get("/readyz?verbose")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "group: group not joined: group "+s.group+" "+text)
	})
	r := call(t, "", []string{apart}, "check", "-config", s.config, "-live")
	if r.code != exitFailed || !strings.Contains(r.err, text) {
		t.Errorf("check -live of the second: %+v", r)
	}
	if r := call(t, "", nil, "check", "-config", s.config, "-live"); r.code != exitFine {
		t.Errorf("check -live of the first: %+v", r)
	}
	s.produce(clicks("A", 0, "1", "2")...)
	s.produce(clicks("A", 1, "3")...)
	eventually(t, "the crossing of events of both partitions", func() bool { return len(s.read(s.crossings)) == 1 })
	first.AwaitReady()
	first.Stop()
	second.AwaitReady()
	second.Stop()
}

// TestDeploymentRenamed: with -adopt a group takes over the store of another, and counts on in it; the other one, if it still runs, ends.
func TestDeploymentRenamed(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: threePack})
	old := s.start("old")
	s.produce(clicks("A", 0, "1", "2")...)
	s.awaitDone()

	was := s.group
	s.group += "-renamed"
	heir := launch(t, "renamed", runCommand(t, aggregator, s.config, "-adopt", was), "AGGREGATOR_KAFKA_GROUP="+s.group)
	heir.AwaitLog("store adopted: it belongs to this group from now on")
	old.mayLogErrors = true
	old.AwaitLog("ended")
	<-old.Done()
	s.produce(clicks("A", 0, "3")...)
	s.awaitDone()
	s.awaitClicks(redis.Addr(), "A", 3)
	heir.Stop()

	again := launch(t, "old again", runCommand(t, aggregator, s.config))
	again.mayLogErrors = true
	again.AwaitLog("ended")
	<-again.Done()
	if code := again.ExitCode(); code != exitFailed || !strings.Contains(again.Log.String(), "the store belongs to group") {
		t.Errorf("the old one again: exit code %d, log:\n%s", code, again.Log)
	}
}

// TestCrossingsMadeAnew: a recreated crossings topic is logged, and noted once.
func TestCrossingsMadeAnew(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: threePack})
	const line = "crossings topic was made anew: what was announced before is not in it"
	d := s.start("first")
	s.produce(clicks("A", 0, "1", "2")...)
	s.awaitDone()
	d.Stop()
	kafka.DeleteTopic(s.crossings)
	eventually(t, "the topic is gone", func() bool { return !kafka.HasTopic(s.crossings) })
	kafka.CreateTopic(s.crossings, 5, nil)
	s.connect()
	d = s.start("second")
	d.AwaitLog(line)
	s.produce(clicks("A", 0, "3")...)
	eventually(t, "the crossing", func() bool { return len(s.read(s.crossings)) == 1 })
	d.Stop()
	d = s.start("third")
	d.AwaitReady()
	d.Stop()
	if strings.Contains(d.Log.String(), line) {
		t.Error("it is logged again")
	}
}
