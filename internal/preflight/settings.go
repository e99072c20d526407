package preflight

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// The settings of topics that are looked at. TimestampType and CleanupPolicy are set where topics are created.
const (
	CleanupPolicy    = "cleanup.policy"
	TimestampType    = "message.timestamp.type"
	LogAppendTime    = "LogAppendTime"                  // value of TimestampType by which the broker's clock alone says when a record came
	timestampBound   = "message.timestamp.after.max.ms" // how far ahead producers' timestamps may lie
	retentionMillis  = "retention.ms"
	retentionBytes   = "retention.bytes"
	minInSync        = "min.insync.replicas"
	uncleanElections = "unclean.leader.election.enable"
)

// boundAllowed is how far ahead producers' timestamps may lie at most: what Kafka 4 has by default.
const boundAllowed = time.Hour

// settings asks for the settings of all topics that are there. If those of a topic cannot be read,
// the map lacks it, and a warning says so.
func (k *kafkaCheck) settings(ctx context.Context) map[string]map[string]string {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, t := range k.topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, *t.Topic
		r.ConfigNames = []string{TimestampType, timestampBound, CleanupPolicy, retentionMillis, retentionBytes, minInSync, uncleanElections}
		req.Resources = append(req.Resources, r)
	}
	if len(req.Resources) == 0 {
		return nil
	}
	res, err := req.RequestWith(ctx, k.client)
	if err != nil {
		k.warn("kafka: the topics' settings cannot be read: %v", err)
		return nil
	}
	all := map[string]map[string]string{}
	for _, r := range res.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			k.warn("topic %s: its settings cannot be read: %v; see to it that %s", r.ResourceName, err, k.wanted(r.ResourceName))
			continue
		}
		all[r.ResourceName] = map[string]string{}
		for _, e := range r.Configs {
			if e.Value != nil {
				all[r.ResourceName][e.Name] = *e.Value
			}
		}
	}
	return all
}

// wanted is what a topic's settings should be, in short.
func (k *kafkaCheck) wanted(topic string) string {
	want := CleanupPolicy + " is delete and " + minInSync + " is 2"
	if slices.Contains(k.o.Kafka.Events, topic) {
		want = TimestampType + " is " + LogAppendTime + ", " + want
	}
	return want
}

// judge reports what the settings of a topic mean for the service.
func (k *kafkaCheck) judge(topic string, settings map[string]string) {
	if policy, known := settings[CleanupPolicy]; !known {
		k.warn("topic %s: the broker does not say what %s is; see to it that it is delete", topic, CleanupPolicy)
	} else if strings.Contains(policy, "compact") {
		k.fail("topic %s: %s is %s: Kafka deletes records whose key comes again, unseen, and refuses those without a key; set it to delete", topic, CleanupPolicy, policy)
	}
	if !slices.Contains(k.o.Kafka.Events, topic) {
		return
	}
	k.judgeTimestamps(topic, settings)
	k.judgeRetention(topic, settings)
}

// judgeTimestamps checks whether a producer's clock can push the windows on.
func (k *kafkaCheck) judgeTimestamps(topic string, settings map[string]string) {
	if settings[TimestampType] == LogAppendTime {
		k.fine("topic %s: %s", topic, LogAppendTime)
		return
	}
	most := k.o.Intake.MaxAhead
	ms, err := strconv.ParseInt(settings[timestampBound], 10, 64)
	switch bound := time.Duration(ms) * time.Millisecond; {
	case err != nil || ms > max(boundAllowed, most).Milliseconds():
		k.fail("topic %s: producers' timestamps may lie far ahead, and would push the windows on; set %s=%s, or %s to at most %d",
			topic, TimestampType, LogAppendTime, timestampBound, most.Milliseconds())
	case bound > most:
		k.warn("topic %s: producers' timestamps may lie %s ahead, and the events' times %s (max_ahead) ahead of those: one fast clock makes present events of windows under %s late; set %s=%s, or %s to at most %d",
			topic, humanize.Duration(bound), humanize.Duration(most), humanize.Duration(2*(bound+most)), TimestampType, LogAppendTime, timestampBound, most.Milliseconds())
	default:
		k.fine("topic %s: %s, at most %s ahead", topic, settings[TimestampType], humanize.Duration(bound))
	}
}

// judgeRetention compares how long events are kept with how far back they are needed.
func (k *kafkaCheck) judgeRetention(topic string, settings map[string]string) {
	ms, err := strconv.ParseInt(settings[retentionMillis], 10, 64)
	kept := time.Duration(ms) * time.Millisecond
	switch dedupe := k.o.Intake.DedupeWindow; {
	case err != nil:
		k.warn("topic %s: the broker does not say what %s is", topic, retentionMillis)
	case ms < 0 || ms >= k.longest.Milliseconds() && kept > dedupe:
	case kept <= dedupe:
		k.warn("topic %s: it keeps events for %s, and dedupe.window is %s: what is not read in time is gone, and repeats are counted after a start; lengthen %s",
			topic, humanize.Duration(kept), humanize.Duration(dedupe), retentionMillis)
	default:
		k.warn("topic %s: it keeps events for %s, and the longest window of the rules is %s: if Redis loses its data, counts begin there and say `since`; set %s to %d, or keep backups of Redis",
			topic, humanize.Duration(kept), humanize.Duration(k.longest), retentionMillis, k.longest.Milliseconds())
	}
	if n, err := strconv.ParseInt(settings[retentionBytes], 10, 64); err == nil && n >= 0 {
		k.warn("topic %s: %s is %d: a flood of events deletes older ones before they are read; bound them by %s alone", topic, retentionBytes, n, retentionMillis)
	}
}

// judgeReplicas looks what is left when a broker is lost.
func (k *kafkaCheck) judgeReplicas(t *kmsg.MetadataResponseTopic, settings map[string]string) {
	least, inSync := 1<<30, 1<<30
	for _, p := range t.Partitions {
		least, inSync = min(least, len(p.Replicas)), min(inSync, len(p.ISR))
	}
	needed, err := strconv.Atoi(settings[minInSync])
	name := *t.Topic
	switch {
	case len(t.Partitions) == 0 || err != nil:
		k.warn("topic %s: the broker does not say what %s is", name, minInSync)
	case needed > least:
		k.fail("topic %s: %s is %d, with %s: no record can be written safely; make more replicas",
			name, minInSync, needed, humanize.Count(least, "replica"))
	case needed > inSync:
		k.failOrWarn(k.writes(name), "topic %s: %s is %d, and only %s in step: no record can be written now; look why brokers lag",
			name, minInSync, needed, humanize.Count(inSync, "replica"))
	case least == 1:
		k.warn("topic %s: 1 replica: what is written is lost with its broker; 3, and %s=2, are safe", name, minInSync)
	case needed == 1:
		k.warn("topic %s: %s is 1: what was acknowledged may be lost with one broker; set it to 2", name, minInSync)
	case needed == least:
		k.warn("topic %s: %s is %d, with %s: nothing can be written while one broker is away; make more replicas", name, minInSync, needed, humanize.Count(least, "replica"))
	default:
		k.fine("topic %s: %s, %s %d", name, humanize.Count(least, "replica"), minInSync, needed)
	}
	if settings[uncleanElections] == "true" && least > 1 {
		k.warn("topic %s: %s is true: what was acknowledged may be lost with a leader; set it to false", name, uncleanElections)
	}
}
