package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// live is what check -live says of a site.
func (s *site) live(environ ...string) result {
	return call("", environ, "check", "-config", s.config, "-live")
}

// mustSay looks for texts in what a command said.
func (r result) mustSay(t *testing.T, code int, want ...string) {
	t.Helper()
	for _, w := range want {
		if r.code != code || !strings.Contains(r.out+r.err, w) {
			t.Errorf("got %d, want %d and %q:\n%s%s", r.code, code, w, r.out, r.err)
		}
	}
}

// TestLiveAgainstTheService: check -live says that the service can run where it can, and not where it cannot.
func TestLiveAgainstTheService(t *testing.T) {
	kafka := servers.Kafka(t, servers.KafkaOptions{
		Advertise: []string{nobody(t)}, Properties: map[string]string{"log.cleanup.policy": "compact"},
	})
	redis := servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 3, redis: redis.Addr(), made: true, usual: true})

	t.Run("advertised", func(t *testing.T) {
		r := s.live("AGGREGATOR_KAFKA_BROKERS=" + kafka.SecondAddrs()[0])
		r.mustSay(t, exitFailed, "failed: kafka: broker 1 tells clients to come to 127.0.0.1:", "advertised.listeners", "check: the service cannot run so: failed 1,")
	})
	t.Run("fine", func(t *testing.T) { s.liveFine(t) })
	t.Run("beside a service", func(t *testing.T) { s.liveBeside(t) })
	t.Run("compacted", func(t *testing.T) {
		for _, topic := range []string{s.events, s.crossings, s.dead} {
			kafka.Configure(topic, map[string]string{cleanupPolicy: "compact,delete"})
			s.live().mustSay(t, exitFailed, "failed: topic "+topic+": cleanup.policy is compact,delete: ")
			kafka.Configure(topic, map[string]string{cleanupPolicy: "delete"})
		}
	})
	t.Run("timestamps", func(t *testing.T) {
		kafka.Configure(s.events, map[string]string{timestampType: "CreateTime", timestampBound: "3600000"})
		s.live().mustSay(t, exitFine, "warning: topic "+s.events+": producers' timestamps may lie 1h ahead, and the events' times 5m (max_ahead) ahead of those", "to at most 300000\n")
		kafka.Configure(s.events, map[string]string{timestampType: "CreateTime", timestampBound: "300000"})
		s.live().mustSay(t, exitFine, "ok: topic "+s.events+": CreateTime, at most 5m ahead\n")
	})
	t.Run("retention", func(t *testing.T) {
		kafka.Configure(s.events, map[string]string{retentionMillis: "604800000", retentionBytes: "1000000"})
		s.live().mustSay(t, exitFine, "it keeps events for 7d, and the longest window of the rules is 731d", "retention.bytes is 1000000: ")
	})
	t.Run("replicas", func(t *testing.T) {
		kafka.Configure(s.dead, map[string]string{minInSync: "2"})
		s.live().mustSay(t, exitFailed, "failed: topic "+s.dead+": min.insync.replicas is 2, with 1 replica: no record can be written safely")
	})
}

// liveFine: all is well, and nothing has changed by looking.
func (s *site) liveFine(t *testing.T) {
	t.Helper()
	s.live().mustSay(t, exitFine,
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
	d.awaitReady()
	before, _ := s.describedGroup(t)
	for range 3 {
		s.live().mustSay(t, exitFine, "ok: group "+s.group+": 1 member, left alone\n")
	}
	if after, _ := s.describedGroup(t); len(before) != 1 || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the group had %v and has %v", before, after)
	}
	if status, text := d.get("/readyz"); status != http.StatusOK || strings.Count(d.log.String(), `"msg":"joined the group: reading"`) != 1 {
		t.Errorf("the service was disturbed: %d %s", status, text)
	}
	d.stop()
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

// TestJudge: what settings of a topic mean.
func TestJudge(t *testing.T) {
	f := func(f func(*kafkaCheck, map[string]string), want string, settings map[string]string) {
		t.Helper()
		var b strings.Builder
		k := &kafkaCheck{findings: &findings{session: &session{out: &b, err: &b}}, c: defaultConfig(), longest: 10 * day}
		f(k, settings)
		if !strings.HasPrefix(b.String(), want) || want == "" && b.String() != "" || (k.failed > 0) != strings.HasPrefix(want, "failed") {
			t.Errorf("%v: got %q, want %q", settings, b.String(), want)
		}
	}
	times := func(k *kafkaCheck, s map[string]string) { k.judgeTimestamps("t", s) }
	f(times, "ok: topic t: LogAppendTime\n", map[string]string{timestampType: logAppendTime, timestampBound: "9223372036854775807"})
	f(times, "ok: topic t: CreateTime, at most 5m ahead\n", map[string]string{timestampType: "CreateTime", timestampBound: "300000"})
	f(times, "warning: topic t: producers' timestamps may lie 1h ahead, and the events' times 5m (max_ahead) ahead of those: one fast clock makes present events of windows under 2h10m late; "+
		"set message.timestamp.type=LogAppendTime, or message.timestamp.after.max.ms to at most 300000\n", map[string]string{timestampType: "CreateTime", timestampBound: "3600000"})
	f(times, "failed: topic t: producers' timestamps may lie far ahead", map[string]string{timestampType: "CreateTime", timestampBound: "3600001"})
	f(times, "failed: topic t: producers' timestamps may lie far ahead", map[string]string{timestampType: "CreateTime", timestampBound: "9223372036854775807"})
	f(times, "failed: ", map[string]string{timestampType: "CreateTime"})
	f(times, "failed: ", map[string]string{})

	kept := func(k *kafkaCheck, s map[string]string) { k.judgeRetention("t", s) }
	f(kept, "", map[string]string{retentionMillis: "-1", retentionBytes: "-1"})
	f(kept, "", map[string]string{retentionMillis: "864000000", retentionBytes: "-1"})
	f(kept, "warning: topic t: it keeps events for 239h59m59.999s, and the longest window of the rules is 10d", map[string]string{retentionMillis: "863999999"})
	f(kept, "warning: topic t: it keeps events for 10m, and dedupe.window is 10m", map[string]string{retentionMillis: "600000"})
	f(kept, "warning: topic t: the broker does not say what retention.ms is", map[string]string{})
	f(kept, "warning: topic t: retention.bytes is 0", map[string]string{retentionMillis: "-1", retentionBytes: "0"})

	replicas := func(copies, inSync int) func(*kafkaCheck, map[string]string) {
		name := "dissemination-events.dlq"
		topic := &kmsg.MetadataResponseTopic{Topic: &name, Partitions: []kmsg.MetadataResponseTopicPartition{{Replicas: make([]int32, copies), ISR: make([]int32, inSync)}}}
		return func(k *kafkaCheck, s map[string]string) { k.judgeReplicas(topic, s) }
	}
	min := func(n string) map[string]string { return map[string]string{minInSync: n} }
	f(replicas(3, 3), "ok: topic dissemination-events.dlq: 3 replicas, min.insync.replicas 2\n", min("2"))
	f(replicas(3, 3), "warning: topic dissemination-events.dlq: min.insync.replicas is 1: ", min("1"))
	f(replicas(3, 3), "warning: topic dissemination-events.dlq: min.insync.replicas is 3, with 3 replicas: nothing can be written while", min("3"))
	f(replicas(1, 1), "warning: topic dissemination-events.dlq: 1 replica: ", min("1"))
	f(replicas(2, 2), "failed: topic dissemination-events.dlq: min.insync.replicas is 3, with 2 replicas: ", min("3"))
	f(replicas(3, 1), "failed: topic dissemination-events.dlq: min.insync.replicas is 2, and only 1 replica in step: ", min("2"))
	f(replicas(3, 3), "ok: topic dissemination-events.dlq: 3 replicas, min.insync.replicas 2\nwarning: topic dissemination-events.dlq: unclean.leader.election.enable is true",
		map[string]string{minInSync: "2", uncleanElections: "true"})
}
