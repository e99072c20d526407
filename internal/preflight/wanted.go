package preflight

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

const day = 24 * time.Hour

// Retention is how long topics are to keep what they hold. 0 stands for the longest finite window of
// the rules and a step, but a week at least, as Kafka has it by default: however short the windows
// are, what is not read in time is lost.
type Retention struct {
	Events    time.Duration // default 0
	Crossings time.Duration // default DefaultRetention
}

// DefaultRetention is how long crossings are to be kept, if nobody says otherwise.
const DefaultRetention = 731 * day

// leastDerived is the least that stands for 0.
const leastDerived = 7 * day

// Setting is a setting of a topic, as it should be.
type Setting struct {
	Name, Value string
	AtLeast     bool // a number: more is as good
}

// Wanted are the settings that a topic with so many replicas (0: not known) should have, whatever the
// brokers' defaults are. `aggregator topics` makes topics so.
func (o *Options) Wanted(topic string, replicas int) []Setting {
	list := []Setting{{Name: cleanupPolicy, Value: "delete"}}
	if slices.Contains(o.Kafka.Events, topic) {
		list = append(list, Setting{Name: timestampType, Value: logAppendTime})
	}
	if kept, derived := o.kept(topic); kept > 0 {
		list = append(list, Setting{Name: retentionMillis, Value: strconv.FormatInt(kept.Milliseconds(), 10), AtLeast: derived})
	}
	if replicas >= 3 {
		list = append(list, Setting{Name: minInSync, Value: "2", AtLeast: true})
	}
	return list
}

// kept is how long a topic should keep its records, and whether that follows from the rules; 0: as
// the brokers have it.
func (o *Options) kept(topic string) (d time.Duration, derived bool) {
	switch {
	case slices.Contains(o.Kafka.Events, topic):
		d = o.Retention.Events
	case topic == o.Kafka.Crossings || topic == o.Kafka.Shadow:
		d = o.Retention.Crossings
	default:
		return 0, false
	}
	return cmp.Or(d, max(longestWindow(o.Packs), leastDerived)), d == 0
}

// Met reports whether a topic's value is as wanted.
func (s Setting) Met(value string) bool {
	if value == s.Value || !s.AtLeast {
		return value == s.Value
	}
	n, err := strconv.ParseInt(value, 10, 64)
	least, bad := strconv.ParseInt(s.Value, 10, 64)
	return err == nil && bad == nil && (n >= least || n < 0 && s.Name == retentionMillis)
}

// Shown is a value for readers.
func (s Setting) Shown(value string) string {
	if kept, ok := retention(value); ok && s.Name == retentionMillis {
		return value + " (" + span(kept) + ")"
	}
	return value
}

// inShort is what a topic's settings should be, in words.
func (o *Options) inShort(topic string) string {
	var list []string
	for _, s := range o.Wanted(topic, 3) {
		list = append(list, s.Name+" is "+s.Value)
	}
	return strings.Join(list, ", ")
}

// longestWindow is the longest window of the rules, with its step; 0 if none has a window.
func longestWindow(packs []*thresholds.Pack) (longest time.Duration) {
	for _, p := range packs {
		for _, r := range p.Rules {
			longest = max(longest, time.Duration(r.Window+r.Step)*time.Second)
		}
	}
	return longest
}
