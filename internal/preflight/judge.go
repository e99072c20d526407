package preflight

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// boundAllowed is how far ahead producers' timestamps may lie at most: what Kafka 4 has by default.
const boundAllowed = time.Hour

// judge reports what the settings of a topic mean for the service.
func (k *kafkaCheck) judge(topic string, settings map[string]string) {
	if policy, known := settings[cleanupPolicy]; !known {
		k.warn("topic %s: the broker does not say what %s is; see to it that it is delete", topic, cleanupPolicy)
	} else if strings.Contains(policy, "compact") {
		k.fail("topic %s: %s is %s: Kafka deletes records whose key comes again, unseen, and refuses those without a key; set it to delete", topic, cleanupPolicy, policy)
	}
	if slices.Contains(k.o.Kafka.Events, topic) {
		k.judgeTimestamps(topic, settings)
	}
	k.judgeRetention(topic, settings)
}

// judgeTimestamps checks whether a producer's clock can push the windows on.
func (k *kafkaCheck) judgeTimestamps(topic string, settings map[string]string) {
	if settings[timestampType] == logAppendTime {
		k.fine("topic %s: %s", topic, logAppendTime)
		return
	}
	most := k.o.Intake.MaxAhead
	ms, err := strconv.ParseInt(settings[timestampBound], 10, 64)
	switch bound := time.Duration(ms) * time.Millisecond; {
	case err != nil || ms > max(boundAllowed, most).Milliseconds():
		k.fail("topic %s: producers' timestamps may lie far ahead, and would push the windows on; set %s=%s, or %s to at most %d",
			topic, timestampType, logAppendTime, timestampBound, most.Milliseconds())
	case bound > most:
		k.warn("topic %s: producers' timestamps may lie %s ahead, and the events' times %s (max_ahead) ahead of those: one fast clock makes present events of windows under %s late; set %s=%s, or %s to at most %d",
			topic, humanize.Duration(bound), humanize.Duration(most), humanize.Duration(2*(bound+most)), timestampType, logAppendTime, timestampBound, most.Milliseconds())
	default:
		k.fine("topic %s: %s, at most %s ahead", topic, settings[timestampType], humanize.Duration(bound))
	}
}
