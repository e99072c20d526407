package preflight

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

const (
	// leastKept is how long topics must keep what they hold, unless the config asks for less: a service,
	// or a consumer of crossings, may be away for a day.
	leastKept = day
	// forEver is a retention without end.
	forEver = time.Duration(math.MaxInt64)
)

// judgeRetention compares how long a topic keeps its records with how long they are needed.
func (k *kafkaCheck) judgeRetention(topic string, settings map[string]string) {
	if wanted, _ := k.o.kept(topic); wanted > 0 {
		kept, ok := retention(settings[retentionMillis])
		switch {
		case !ok:
			k.warn("topic %s: the broker does not say what %s is; see to it that it is %d", topic, retentionMillis, wanted.Milliseconds())
		case slices.Contains(k.o.Kafka.Events, topic):
			k.judgeEventsKept(topic, kept)
		default:
			k.judgeCrossingsKept(topic, kept)
		}
	}
	if n, err := strconv.ParseInt(settings[retentionBytes], 10, 64); err == nil && n >= 0 {
		k.warn("topic %s: %s is %d: a flood of records deletes older ones before they are read; bound them by %s alone", topic, retentionBytes, n, retentionMillis)
	}
}

// judgeEventsKept: events are needed until they are counted, and for a recount as far back as the rules look.
func (k *kafkaCheck) judgeEventsKept(topic string, kept time.Duration) {
	wanted, derived := k.o.kept(topic)
	dedupe, set := k.o.Intake.DedupeWindow, wanted.Milliseconds()
	switch {
	case kept <= dedupe:
		k.fail("topic %s: it keeps events for %s, and dedupe.window is %s: what is not read in time is gone, and repeats are counted after a start; set %s to %d",
			topic, span(kept), span(dedupe), retentionMillis, set)
	case kept < min(wanted, leastKept):
		k.fail("topic %s: it keeps events for %s: what is not counted by then is lost; set %s to %d, or write retention.events if it is meant", topic, span(kept), retentionMillis, set)
	case kept < wanted && !derived:
		k.warn("topic %s: it keeps events for %s, and retention.events is %s; set %s to %d", topic, span(kept), span(wanted), retentionMillis, set)
	case kept > wanted && !derived:
		k.warn("topic %s: it keeps events for %s, longer than retention.events, %s; set %s to %d", topic, span(kept), span(wanted), retentionMillis, set)
	case kept < k.longest && derived:
		k.warn("topic %s: it keeps events for %s, and the longest window of the rules is %s with its step: if Redis loses its data, counts begin there and say `since`; set %s to %d, or keep backups of Redis",
			topic, span(kept), span(k.longest), retentionMillis, set)
	case kept < k.longest:
		k.warn("topic %s: retention.events is %s, and the longest window of the rules is %s with its step: if Redis loses its data, counts begin there and say `since`; keep backups of Redis",
			topic, span(wanted), span(k.longest))
	default:
		k.fine("topic %s: it keeps events for %s", topic, span(kept))
	}
}

// judgeCrossingsKept: crossings are needed until all who read them have, and for reports.
func (k *kafkaCheck) judgeCrossingsKept(topic string, kept time.Duration) {
	wanted, derived := k.o.kept(topic)
	set := wanted.Milliseconds()
	switch {
	case kept < min(wanted, leastKept):
		k.fail("topic %s: it keeps crossings for %s: who does not read them by then never learns of them; set %s to %d, or write retention.crossings if it is meant",
			topic, span(kept), retentionMillis, set)
	case kept < wanted:
		k.warn("topic %s: it keeps crossings for %s, and retention.crossings is %s: older ones are in no report, and whoever was away for longer misses some; set %s to %d",
			topic, span(kept), span(wanted), retentionMillis, set)
	case kept > wanted && !derived:
		k.warn("topic %s: it keeps crossings for %s, longer than retention.crossings, %s; set %s to %d, or write retention.crossings as it is meant",
			topic, span(kept), span(wanted), retentionMillis, set)
	default:
		k.fine("topic %s: it keeps crossings for %s", topic, span(kept))
	}
}

// retention reads a value of retention.ms.
func retention(value string) (kept time.Duration, ok bool) {
	ms, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return 0, false
	case ms < 0 || ms > forEver.Milliseconds():
		return forEver, true
	}
	return time.Duration(ms) * time.Millisecond, true
}

// span writes a retention for readers.
func span(d time.Duration) string {
	if d == forEver {
		return "ever"
	}
	return humanize.Duration(d)
}
