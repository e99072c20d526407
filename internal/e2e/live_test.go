package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// live is what check -live says of a site.
func (s *site) live(environ ...string) result {
	return call(s.t, "", environ, "check", "-config", s.config, "-live")
}

// TestLiveAgainstTheService: check -live says that the service can run where it can, and not where it cannot.
func TestLiveAgainstTheService(t *testing.T) {
	kafka := servers.Kafka(t, servers.KafkaOptions{
		Advertise: []string{servers.FreeAddr(t)}, Properties: map[string]string{"log.cleanup.policy": "compact"},
	})
	redis := servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 3, redis: redis.Addr(), made: true, usual: true})

	t.Run("advertised", func(t *testing.T) {
		r := s.live("AGGREGATOR_KAFKA_BROKERS=" + kafka.SecondAddrs()[0])
		r.mustPrint(t, exitFailed, "failed: kafka: broker 1 tells clients to come to 127.0.0.1:", "advertised.listeners", "check: the service cannot run so: failed 1,")
	})
	t.Run("fine", func(t *testing.T) { s.liveFine(t) })
	t.Run("beside a service", func(t *testing.T) { s.liveBeside(t) })
	t.Run("compacted", func(t *testing.T) {
		for _, topic := range []string{s.events, s.crossings, s.dead} {
			kafka.Configure(topic, map[string]string{"cleanup.policy": "compact,delete"})
			s.live().mustPrint(t, exitFailed, "failed: topic "+topic+": cleanup.policy is compact,delete: ")
			kafka.Configure(topic, map[string]string{"cleanup.policy": "delete"})
		}
	})
	t.Run("timestamps", func(t *testing.T) {
		kafka.Configure(s.events, map[string]string{"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": "3600000"})
		s.live().mustPrint(t, exitFine, "warning: topic "+s.events+": producers' timestamps may lie 1h ahead, and the events' times 5m (max_ahead) ahead of those", "to at most 300000\n")
		kafka.Configure(s.events, map[string]string{"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": "300000"})
		s.live().mustPrint(t, exitFine, "ok: topic "+s.events+": CreateTime, at most 5m ahead\n")
	})
	t.Run("retention", func(t *testing.T) { s.liveRetention(t) })
	t.Run("unclean elections", func(t *testing.T) {
		for _, topic := range []string{s.events, s.crossings, s.dead} {
			kafka.Configure(topic, map[string]string{"unclean.leader.election.enable": "true"})
			s.live().mustPrint(t, exitFine, "warning: topic "+topic+": unclean.leader.election.enable is true: ")
			kafka.Configure(topic, map[string]string{"unclean.leader.election.enable": "false"})
		}
	})
	t.Run("made otherwise", func(t *testing.T) {
		prefix := "failed: redis.prefix aggregator:: "
		s.live("AGGREGATOR_REDIS_SHARDS=8").mustPrint(t, exitFailed, prefix+"the store was made with 16 shards, the configuration says 8: ")
		key := servers.WriteFile(t, "key", "000102030405060708090a0b0c0d0e0f\n")
		s.live("AGGREGATOR_PRIVACY_KEY_FILE="+key).mustPrint(t, exitFailed, prefix+"shard 0 of the store was filled with another fingerprint key: ")
	})
	t.Run("replicas", func(t *testing.T) {
		kafka.Configure(s.dead, map[string]string{"min.insync.replicas": "2"})
		s.live().mustPrint(t, exitFailed, "failed: topic "+s.dead+": min.insync.replicas is 2, with 1 replica: brokers take no records, or ")
	})
	t.Run("fewer partitions", func(t *testing.T) {
		kafka.DeleteTopic(s.crossings)
		kafka.CreateTopic(s.crossings, 2, nil)
		s.live().mustPrint(t, exitFailed, "failed: redis.prefix aggregator:: topic "+s.crossings+" has 2 partitions, the store was made with 3: ")
	})
}

// liveRetention: topics that keep too little, or more than is asked for.
func (s *site) liveRetention(t *testing.T) {
	t.Helper()
	f := func(topic string, settings map[string]string, code int, want ...string) {
		t.Helper()
		s.kafka.Configure(topic, settings)
		s.live().mustPrint(t, code, want...)
	}
	kept := func(ms string) map[string]string {
		return map[string]string{"retention.ms": ms, "retention.bytes": "-1"}
	}
	f(s.events, map[string]string{"retention.ms": "604800000", "retention.bytes": "1000000"}, exitFine,
		"warning: topic "+s.events+": it keeps events for 7d, and the longest window of the rules is 731d with its step: ", "set retention.ms to 63158400000, ",
		"warning: topic "+s.events+": retention.bytes is 1000000: ")
	f(s.events, kept("3600000"), exitFailed, "failed: topic "+s.events+": it keeps events for 1h: what is not counted by then is lost; set retention.ms to 63158400000, ")
	f(s.events, kept("600000"), exitFailed, "failed: topic "+s.events+": it keeps events for 10m, and dedupe.window is 10m: ")
	f(s.events, kept("-1"), exitFine, "ok: topic "+s.events+": it keeps events for ever\n")
	f(s.crossings, kept("86400000"), exitFine, "warning: topic "+s.crossings+": it keeps crossings for 1d, and retention.crossings is 731d: ", "set retention.ms to 63158400000\n")
	f(s.crossings, kept("3600000"), exitFailed, "failed: topic "+s.crossings+": it keeps crossings for 1h: ")
	f(s.crossings, map[string]string{"retention.ms": "-1", "retention.bytes": "1000000"}, exitFine,
		"warning: topic "+s.crossings+": it keeps crossings for ever, longer than retention.crossings, 731d; ", "warning: topic "+s.crossings+": retention.bytes is 1000000: ")
	f(s.crossings, kept("63158400000"), exitFine, "ok: topic "+s.crossings+": it keeps crossings for 731d\n")
	s.live("AGGREGATOR_RETENTION_EVENTS=30d").mustPrint(t, exitFine, "warning: topic "+s.events+": it keeps events for ever, longer than retention.events, 30d; ")
}

// TestLiveReplicas: topics with a replica on each of two brokers.
func TestLiveReplicas(t *testing.T) {
	kafka, redis := servers.Kafka(t, servers.KafkaOptions{Brokers: 2}), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 2, redis: redis.Addr(), made: true})
	for _, topic := range []string{s.events, s.crossings, s.dead} {
		f := func(code int, settings map[string]string, want ...string) {
			t.Helper()
			kafka.Configure(topic, settings)
			s.live().mustPrint(t, code, want...)
		}
		f(exitFine, map[string]string{"min.insync.replicas": "2"}, "warning: topic "+topic+": min.insync.replicas is 2, with 2 replicas: nothing can be written while one broker is away; ")
		f(exitFailed, map[string]string{"min.insync.replicas": "3"}, "failed: topic "+topic+": min.insync.replicas is 3, with 2 replicas: brokers take no records, or ")
		f(exitFine, map[string]string{"min.insync.replicas": "1", "unclean.leader.election.enable": "true"},
			"warning: topic "+topic+": min.insync.replicas is 1: what was acknowledged may be lost with one broker; ", "warning: topic "+topic+": unclean.leader.election.enable is true: ")
	}
}

// liveFine: all is well, and nothing has changed by looking.
func (s *site) liveFine(t *testing.T) {
	t.Helper()
	s.live().mustPrint(t, exitFine,
		"ok: topic "+s.events+": the leaders of all partitions let us read (3)\n", "ok: topic "+s.crossings+": the leaders of all partitions let us write (3)\n",
		"ok: topic "+s.dead+": the leaders of all partitions let us write (3)\n", "ok: group "+s.group+": joined and left again\n", "script of commits",
		"check: the service can run: warnings 3\n") // one replica each
	for _, topic := range []string{s.events, s.crossings, s.dead} {
		for p, end := range s.ends(topic) {
			if end != 0 {
				t.Errorf("%s/%d: %d records", topic, p, end)
			}
		}
	}
	if _, err := s.describedGroup(t); err != "" {
		t.Error(err)
	}
}

// liveBeside: a service that runs is not disturbed.
func (s *site) liveBeside(t *testing.T) {
	t.Helper()
	d := s.start("beside")
	d.AwaitReady()
	before, _ := s.describedGroup(t)
	for range 3 {
		s.live().mustPrint(t, exitFine, "ok: group "+s.group+": 1 member, left alone\n")
	}
	if after, _ := s.describedGroup(t); len(before) != 1 || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the group had %v and has %v", before, after)
	}
	if status, text := d.Get("/readyz"); status != http.StatusOK || strings.Count(d.Log.String(), `"msg":"joined the group: reading"`) != 1 {
		t.Errorf("the service was disturbed: %d %s", status, text)
	}
	d.Stop()
}

// describedGroup is the ids of the group's members, and what is wrong with its state if it has none.
func (s *site) describedGroup(t *testing.T) (members []string, fault string) {
	t.Helper()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{s.group}
	res, err := req.RequestWith(t.Context(), s.client)
	if err != nil {
		t.Fatal(err)
	}
	g := res.Groups[0]
	for _, m := range g.Members {
		members = append(members, m.MemberID)
	}
	if len(members) == 0 && g.State != "Empty" && g.State != "Dead" {
		fault = "the group is " + g.State
	}
	return members, fault
}

// TestLiveOnKafka runs topics and check -live on a Kafka with nothing in it. That says more by its
// settings than the embedded broker of TestLive in cmd/aggregator. It also answers for groups that
// do not exist yet in its own way.
func TestLiveOnKafka(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	name := fmt.Sprintf("live-%d", time.Now().UnixNano())
	config := servers.WriteFile(t, "c.yaml", fmt.Sprintf("kafka: {brokers: [%q], group: %s, events: [%s], crossings: %s-crossings}\nredis: {addrs: [%q]}\n",
		kafka.Addr(), name, name, name, redis.Addr()))
	for _, want := range []string{"made", "exists", "exists"} { // the second time as the first
		text := fmt.Sprintf("%[1]s: %[2]s, 3 partitions\n  cleanup.policy: delete\n  message.timestamp.type: LogAppendTime\n  retention.ms: 63158400000 (731d)\n"+
			"%[1]s.dlq: %[2]s, 3 partitions\n  cleanup.policy: delete\n"+
			"%[1]s-crossings: %[2]s, 3 partitions\n  cleanup.policy: delete\n  retention.ms: 63158400000 (731d)\n", name, want)
		if r := call(t, "", nil, "topics", "-config", config, "-partitions", "3"); r.code != exitFine || r.out != text || r.err != "" {
			t.Errorf("got %+v, want\n%s", r, text)
		}
	}
	r := call(t, "", nil, "check", "-config", config, "-live")
	for _, want := range []string{
		"ok: topic " + name + ": 3 partitions\n", "ok: topic " + name + ": LogAppendTime\n", "ok: topic " + name + ": allowed: READ, DESCRIBE\n",
		"ok: topic " + name + "-crossings: allowed: READ, WRITE, DESCRIBE\n", "ok: topic " + name + ".dlq: allowed: WRITE, DESCRIBE\n", "ok: group " + name + ": ",
	} {
		if r.code != exitFine || !strings.Contains(r.out, want) {
			t.Errorf("got %d, no %q in:\n%s%s", r.code, want, r.out, r.err)
		}
	}
	crossings := name + "-crossings"
	kafka.Configure(crossings, map[string]string{"retention.ms": "3600000"})
	kafka.Configure(name, map[string]string{"retention.ms": "-1", "message.timestamp.type": "CreateTime"})
	remedy := " --alter --entity-type topics --entity-name "
	call(t, "", nil, "topics", "-config", config).mustPrint(t, exitFine,
		name+": exists, 3 partitions\n  cleanup.policy: delete\n  message.timestamp.type: wanted LogAppendTime, is CreateTime\n  retention.ms: -1 (ever)\n",
		crossings+": exists, 3 partitions\n  cleanup.policy: delete\n  retention.ms: wanted 63158400000 (731d), is 3600000 (1h)\n",
		"to change it: kafka-configs.sh --bootstrap-server "+kafka.Addr()+remedy+crossings+" --add-config retention.ms=63158400000\n",
		remedy+name+" --add-config message.timestamp.type=LogAppendTime\n")
	other := kafka.NewTopic(1, map[string]string{"message.timestamp.after.max.ms": "9223372036854775807"})
	r = call(t, "", []string{"AGGREGATOR_KAFKA_EVENTS=" + other}, "check", "-config", config, "-live")
	if r.code != exitFailed || !strings.Contains(r.err, "failed: topic "+other+": producers' timestamps may lie far ahead") {
		t.Errorf("got %+v", r)
	}
}
