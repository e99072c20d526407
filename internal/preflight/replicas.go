package preflight

import (
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// replicas is the least number of replicas that any partition of a topic has, and the least of those in step.
func replicas(t *kmsg.MetadataResponseTopic) (least, inSync int) {
	for i, p := range t.Partitions {
		if i == 0 {
			least, inSync = len(p.Replicas), len(p.ISR)
		}
		least, inSync = min(least, len(p.Replicas)), min(inSync, len(p.ISR))
	}
	return least, inSync
}

// judgeReplicas looks what is left when a broker is lost.
func (k *kafkaCheck) judgeReplicas(t *kmsg.MetadataResponseTopic, settings map[string]string) {
	least, inSync := replicas(t)
	needed, err := strconv.Atoi(settings[minInSync])
	name := *t.Topic
	switch {
	case len(t.Partitions) == 0 || err != nil:
		k.warn("topic %s: the broker does not say what %s is", name, minInSync)
	case needed > least:
		k.fail("topic %s: %s is %d, with %s: brokers take no records, or (Kafka 4) take them without that safety; make more replicas",
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
	if settings[uncleanElections] == "true" {
		k.warn("topic %s: %s is true: what was acknowledged may be lost with a leader; set it to false", name, uncleanElections)
	}
}
