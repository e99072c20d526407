package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// verify runs `aggregator verify` on a site.
func (s *site) verify(args ...string) result {
	s.t.Helper()
	return call(s.t, "", nil, append([]string{"verify", "-config", s.config}, args...)...)
}

// mustVerify is a verification that finds nothing.
func (s *site) mustVerify(args ...string) {
	s.t.Helper()
	if r := s.verify(args...); r.code != exitFine || r.out != "" || !strings.Contains(r.err, ": 0 differences\n") {
		s.t.Errorf("verify: %+v", r)
	} else {
		s.t.Log(r.err)
	}
}

// TestVerify: verify finds no difference in a service that counted a generated load, and goes on
// counting. When a record was deleted by hand, it finds that record.
func TestVerify(t *testing.T) {
	const partitions = 3
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: partitions, redis: redis.Addr()})
	g := newJudgedEvents(t, packText(t, defaultPack), gen.Config{
		Seed: e2eSeed(t), Events: 60_000, Incidents: 20, Accounts: 3_000, Partitions: partitions, Span: 6 * time.Hour, Malformed: 0.001,
	})
	if r := s.verify(); r.code != exitFailed || !strings.Contains(r.err, "the store holds nothing of a service") {
		t.Errorf("verify of an empty store: %+v", r)
	}
	d := s.start("aggregator")
	s.produce(kafkaNow(g.next(30_000))...)
	eventually(t, "something is counted", func() bool { n, _ := s.done(); return n > 0 })
	s.produce(kafkaNow(g.next(30_000))...)
	s.mustVerify()
	s.awaitDone()
	d.Stop()
	s.mustVerify()
	s.mustVerify("-from", time.Now().Add(-time.Hour).Format(time.RFC3339))
	if r := s.verify("-from", time.Now().Add(time.Hour).Format(time.RFC3339)); r.code != exitFailed || !strings.Contains(r.err, "nothing could be compared") {
		t.Errorf("verify of nothing: %+v", r)
	}

	key := strings.TrimSpace(redis.Do("--scan", "--pattern", s.prefix+"*r:incident:*"))
	key, _, _ = strings.Cut(key, "\n")
	redis.Do("DEL", key)
	r := s.verify()
	var found struct{ Subject, What, Want, Got string }
	if err := json.Unmarshal([]byte(r.out), &found); err != nil || r.code != exitFailed {
		t.Fatalf("%v, verify: %+v", err, r)
	}
	_, id, _ := strings.Cut(key, "r:incident:")
	if found.Subject != "incident/"+id || found.What != "record" || found.Want != "there" || found.Got != "none" {
		t.Errorf("found %+v, deleted %s", found, key)
	}
}
