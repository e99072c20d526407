package preflight

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
)

// TestJudge: what settings of a topic mean.
func TestJudge(t *testing.T) {
	o := &Options{
		Kafka:  stream.Kafka{Events: []string{"dissemination-events"}, Crossings: "threshold-crossings"},
		Intake: engine.IntakeOptions{MaxAhead: engine.DefaultMaxAhead, DedupeWindow: engine.DefaultDedupeWindow},
	}
	f := func(f func(*kafkaCheck, map[string]string), want string, settings map[string]string) {
		t.Helper()
		var b strings.Builder
		k := &kafkaCheck{report: &report{out: &b, err: &b}, o: o}
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

	of := func(copies, inSync int) func(*kafkaCheck, map[string]string) {
		name := "dissemination-events.dlq"
		topic := &kmsg.MetadataResponseTopic{Topic: &name, Partitions: []kmsg.MetadataResponseTopicPartition{{Replicas: make([]int32, copies), ISR: make([]int32, inSync)}}}
		return func(k *kafkaCheck, s map[string]string) { k.judgeReplicas(topic, s) }
	}
	min := func(n string) map[string]string { return map[string]string{minInSync: n} }
	f(of(3, 3), "ok: topic dissemination-events.dlq: 3 replicas, min.insync.replicas 2\n", min("2"))
	f(of(3, 3), "warning: topic dissemination-events.dlq: min.insync.replicas is 1: ", min("1"))
	f(of(3, 3), "warning: topic dissemination-events.dlq: min.insync.replicas is 3, with 3 replicas: nothing can be written while", min("3"))
	f(of(1, 1), "warning: topic dissemination-events.dlq: 1 replica: ", min("1"))
	f(of(2, 2), "failed: topic dissemination-events.dlq: min.insync.replicas is 3, with 2 replicas: ", min("3"))
	f(of(3, 1), "failed: topic dissemination-events.dlq: min.insync.replicas is 2, and only 1 replica in step: ", min("2"))
	f(of(3, 3), "ok: topic dissemination-events.dlq: 3 replicas, min.insync.replicas 2\nwarning: topic dissemination-events.dlq: unclean.leader.election.enable is true",
		map[string]string{minInSync: "2", uncleanElections: "true"})
	f(of(1, 1), "warning: topic dissemination-events.dlq: 1 replica: what is written is lost with its broker; 3, and min.insync.replicas=2, are safe\n"+
		"warning: topic dissemination-events.dlq: unclean.leader.election.enable is true", map[string]string{minInSync: "1", uncleanElections: "true"})
}
