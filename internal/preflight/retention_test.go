package preflight

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// looking is a deployment whose longest window is so long, with a step of a tenth of it.
func looking(back time.Duration, r Retention) *Options {
	seconds := int64(back / time.Second)
	return &Options{
		Kafka:  stream.Kafka{Events: []string{"events"}, Crossings: "crossings"},
		Intake: engine.IntakeOptions{MaxAhead: engine.DefaultMaxAhead, DedupeWindow: engine.DefaultDedupeWindow},
		Packs: []*thresholds.Pack{{Rules: []*thresholds.Rule{
			{Window: seconds - seconds/11, Step: seconds / 11}, {Window: 0, Step: 0}, {Window: 60, Step: 60},
		}}},
		Retention: r,
	}
}

// TestRetention: how long topics keep what they hold, beside what the config and the rules ask for.
func TestRetention(t *testing.T) {
	long := looking(110*day, Retention{Crossings: 100 * day})
	short := looking(11*time.Minute, Retention{Crossings: 12 * time.Hour})
	written := looking(110*day, Retention{Events: 30 * day, Crossings: 0})
	enough := looking(11*day, Retention{Events: 30 * day})
	f := func(o *Options, topic string, kept any, want string) {
		t.Helper()
		var b strings.Builder
		k := &kafkaCheck{report: &report{out: &b, err: &b}, o: o, longest: longestWindow(o.Packs)}
		ms := fmt.Sprint(kept)
		if d, ok := kept.(time.Duration); ok {
			ms = fmt.Sprint(d.Milliseconds())
		}
		k.judgeRetention(topic, map[string]string{retentionMillis: ms, retentionBytes: "-1"})
		if got := b.String(); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s kept %v: got %q, want %q", topic, kept, got, want)
		}
	}
	f(long, "events", -1, "ok: topic events: it keeps events for ever\n")
	f(long, "events", int64(1<<63-1), "ok: topic events: it keeps events for ever\n")
	f(long, "events", 110*day, "ok: topic events: it keeps events for 110d\n")
	f(long, "events", 110*day-time.Millisecond, "warning: topic events: it keeps events for 2639h59m59.999s, and the longest window of the rules is 110d with its step: "+
		"if Redis loses its data, counts begin there and say `since`; set retention.ms to 9504000000, or keep backups of Redis\n")
	f(long, "events", day, "warning: topic events: it keeps events for 1d, and the longest window")
	f(long, "events", day-time.Millisecond, "failed: topic events: it keeps events for 23h59m59.999s: what is not counted by then is lost; set retention.ms to 9504000000, or")
	f(long, "events", time.Hour, "failed: topic events: it keeps events for 1h: what is not counted by then is lost; set retention.ms to 9504000000, or write retention.events if it is meant\n")
	f(long, "events", 10*time.Minute, "failed: topic events: it keeps events for 10m, and dedupe.window is 10m: what is not read in time is gone, and repeats are counted after a start; set retention.ms to 9504000000\n")
	f(long, "events", "", "warning: topic events: the broker does not say what retention.ms is; see to it that it is 9504000000\n")

	// However short the windows are, a topic is to keep its events for a while.
	f(short, "events", 7*day, "ok: topic events: it keeps events for 7d\n")
	f(short, "events", day, "ok: topic events: it keeps events for 1d\n")
	f(short, "events", time.Hour, "failed: topic events: it keeps events for 1h: what is not counted by then is lost; set retention.ms to 604800000, or")

	// What the config says is meant, but it says what that means.
	f(written, "events", 30*day, "warning: topic events: retention.events is 30d, and the longest window of the rules is 110d with its step: if Redis loses its data, counts begin there")
	f(written, "events", 29*day, "warning: topic events: it keeps events for 29d, and retention.events is 30d; set retention.ms to 2592000000\n")
	f(written, "events", -1, "warning: topic events: it keeps events for ever, longer than retention.events, 30d; set retention.ms to 2592000000\n")
	f(enough, "events", 30*day, "ok: topic events: it keeps events for 30d\n")

	f(long, "crossings", 100*day, "ok: topic crossings: it keeps crossings for 100d\n")
	f(long, "crossings", day, "warning: topic crossings: it keeps crossings for 1d, and retention.crossings is 100d: older ones are in no report, and whoever was away for longer misses some; set retention.ms to 8640000000\n")
	f(long, "crossings", time.Hour, "failed: topic crossings: it keeps crossings for 1h: who does not read them by then never learns of them; set retention.ms to 8640000000, or")
	f(long, "crossings", -1, "warning: topic crossings: it keeps crossings for ever, longer than retention.crossings, 100d; ")
	f(short, "crossings", 12*time.Hour, "ok: topic crossings: it keeps crossings for 12h\n")
	f(written, "crossings", -1, "ok: topic crossings: it keeps crossings for ever\n")
	f(written, "crossings", 109*day, "warning: topic crossings: it keeps crossings for 109d, and retention.crossings is 110d")

	// Of dead letters nothing is asked.
	f(long, "events.dlq", time.Hour, "")
}

// TestRetentionBytes: a bound in bytes is none in time.
func TestRetentionBytes(t *testing.T) {
	for topic, want := range map[string]string{"events": "ok: ", "crossings": "ok: ", "dlq": "warning: "} {
		var b strings.Builder
		k := &kafkaCheck{report: &report{out: &b, err: &b}, o: looking(11*day, Retention{})}
		k.judgeRetention(topic, map[string]string{retentionMillis: "-1", retentionBytes: "0"})
		if got := b.String(); !strings.HasPrefix(got, want) || !strings.Contains(got, "warning: topic "+topic+": retention.bytes is 0: a flood of records") {
			t.Errorf("got %q", got)
		}
	}
}

// TestWanted: what topics should be like, by what they are for.
func TestWanted(t *testing.T) {
	o := looking(110*day, Retention{Crossings: DefaultRetention})
	f := func(o *Options, topic string, replicas int, want string) {
		t.Helper()
		if got := fmt.Sprint(o.Wanted(topic, replicas)); got != want {
			t.Errorf("%s: got %s, want %s", topic, got, want)
		}
	}
	f(o, "events", 0, "[{cleanup.policy delete false} {message.timestamp.type LogAppendTime false} {retention.ms 9504000000 true}]")
	f(o, "crossings", 1, "[{cleanup.policy delete false} {retention.ms 63158400000 false}]")
	f(o, "events.dlq", 3, "[{cleanup.policy delete false} {min.insync.replicas 2 true}]")
	f(looking(11*time.Minute, Retention{}), "crossings", 2, "[{cleanup.policy delete false} {retention.ms 604800000 true}]")
	f(looking(11*time.Minute, Retention{Events: time.Hour}), "events", 2, "[{cleanup.policy delete false} {message.timestamp.type LogAppendTime false} {retention.ms 3600000 false}]")
}

// TestMet: when a value is as wanted, and how it is shown.
func TestMet(t *testing.T) {
	f := func(s Setting, value string, met bool, shown string) {
		t.Helper()
		if s.Met(value) != met || s.Shown(value) != shown {
			t.Errorf("%v: %s: got %v, %q", s, value, s.Met(value), s.Shown(value))
		}
	}
	week := Setting{retentionMillis, "604800000", true}
	f(week, "604800000", true, "604800000 (7d)")
	f(week, "604800001", true, "604800001 (168h0m0.001s)")
	f(week, "604799999", false, "604799999 (167h59m59.999s)")
	f(week, "-1", true, "-1 (ever)")
	f(week, "x", false, "x")
	f(Setting{retentionMillis, "604800000", false}, "-1", false, "-1 (ever)")
	f(Setting{minInSync, "2", true}, "3", true, "3")
	f(Setting{minInSync, "2", true}, "1", false, "1")
	f(Setting{minInSync, "2", true}, "-1", false, "-1")
	f(Setting{Name: timestampType, Value: logAppendTime}, "CreateTime", false, "CreateTime")
}
