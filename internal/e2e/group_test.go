package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// foreignMember is a consumer of another program that was given the group. It has all partitions when it returns.
func (s *site) foreignMember(balancer kgo.GroupBalancer) *kgo.Client {
	s.t.Helper()
	begin := context.Background()
	if balancer == nil { // the broker's, by the new protocol
		begin, balancer = context.WithValue(begin, "opt_in_kafka_next_gen_balancer_beta", true), kgo.RangeBalancer() //nolint:revive,staticcheck // the library's key
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Addrs()...), kgo.WithContext(begin), kgo.ClientID("a-report"), kgo.ConsumerGroup(s.group),
		kgo.ConsumeTopics(s.events), kgo.Balancers(balancer), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(s.t.Context(), waitLimit)
	defer cancel()
	for got := 0; got == 0; {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			s.t.Fatal(err)
		}
		got += fetches.NumRecords()
	}
	return client
}

// TestStrangerInGroup: another program in the group has the events. Log, readiness and check -live
// name it, whether the service is let into the group beside it or not. When it has gone the service
// counts.
func TestStrangerInGroup(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	for name, x := range map[string]struct {
		balancer     kgo.GroupBalancer
		ready, check string
	}{
		"beside it":  {kgo.RangeBalancer(), `group: group GROUP has members that are no aggregators, and what they hold nobody counts: "a-report" at 127.0.0.1 with EVENTS/0; give this service a kafka.group of its own`, `"a-report" at 127.0.0.1 with EVENTS/0`},
		"not let in": {kgo.CooperativeStickyBalancer(), `group: group not joined: it has members that are no aggregators: "a-report" at 127.0.0.1 with EVENTS/0; give this service a kafka.group of its own`, `"a-report" at 127.0.0.1 with EVENTS/0`},
		"of the new protocol": {
			nil, "group: group GROUP is another program's: its members speak the new protocol of consumers (group.protocol=consumer), as no aggregator does; check -live names them; give this service a kafka.group of its own",
			`"a-report" at 127.0.0.1`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: threePack})
			named := func(text string) string {
				return strings.NewReplacer("GROUP", s.group, "EVENTS", s.events).Replace(text)
			}
			s.produce(clicks("A", 0, "1", "2", "3")...)
			stranger := s.foreignMember(x.balancer)
			d := s.start("aggregator")
			d.mayLogErrors = true
			d.AwaitLog("group has members that are no aggregators: what they hold nobody counts")
			eventually(t, "readiness names the stranger", func() bool {
				status, text := d.Get("/readyz?verbose")
				return status == http.StatusServiceUnavailable && strings.Contains(text, named(x.ready)+"\n")
			})
			if n := d.metric("aggregator_group_strangers"); n != 1 {
				t.Errorf("%v strangers in the metric", n)
			}
			r := call(t, "", nil, "check", "-config", s.config, "-live")
			if r.code != exitFailed || !strings.Contains(r.err, "failed: group "+s.group+": ") || !strings.Contains(r.err, named(x.check)+"; give the service a kafka.group of its own\n") {
				t.Errorf("check -live: %+v", r)
			}
			stranger.Close()
			s.awaitClicks(redis.Addr(), "A", 3)
			d.AwaitReady()
			eventually(t, "the stranger is forgotten", func() bool { return d.metric("aggregator_group_strangers") == 0 })
			d.Stop()
		})
	}
}

// TestStandsBy: a process that has no partition, since there are more processes than partitions, is ready and says so.
//
// Given two processes and one partition,
// when both are in the group,
// then both are ready, and the one without a partition says that it stands by.
func TestStandsBy(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: threePack, made: true})
	a, b := s.start("one"), s.start("two")
	var idle []string
	eventually(t, "one of them stands by", func() bool {
		idle = nil
		for _, d := range []*daemon{a, b} {
			if status, text := d.Get("/readyz?verbose"); status != http.StatusOK {
				return false
			} else if strings.Contains(text, "group: ok, stands by: 2 processes, 1 partition\n") {
				idle = append(idle, d.Name)
			}
		}
		return len(idle) == 1
	})
	r := call(t, "", nil, "check", "-config", s.config, "-live")
	if r.code != exitFine || !strings.Contains(r.out, "ok: group "+s.group+": 2 members, left alone\n") {
		t.Errorf("check -live: %+v", r)
	}
	a.Stop()
	b.Stop()
}
