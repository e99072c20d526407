package oracle

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

var zero = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// line turns "90s click incident=a count=3" into an event: a duration since 2026-01-01, a type, fields. Its id is e and n, if no field says
// another; "kafka=5s" is no field but the record's Kafka timestamp, "partition=1" its partition.
func line(t *testing.T, n int, text string) (partition int, value []byte, kafkaMillis int64) {
	t.Helper()
	words := strings.Fields(text)
	at, err := time.ParseDuration(words[0])
	if err != nil {
		t.Fatal(err)
	}
	ev := map[string]any{"id": fmt.Sprint("e", n), "time": stamp(zero.Add(at)), "type": words[1]}
	kafkaMillis = EventTime
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		number, err := strconv.ParseInt(value, 10, 64)
		switch {
		case name == "kafka":
			after, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			kafkaMillis = zero.Add(after).UnixMilli()
		case name == "partition":
			partition = int(number)
		case err == nil:
			ev[name] = number
		default:
			ev[name] = value
		}
	}
	value, err = json.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	return partition, value, kafkaMillis
}

func lines(text string) []string {
	var all []string
	for _, l := range strings.Split(text, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			all = append(all, l)
		}
	}
	return all
}

// play applies events, one a line, in both ways of counting, and compares what they cross with
// want. Each line of want is the event's ordinal, the crossing's id and its time since 2026-01-01.
// It returns the fast oracle.
func play(t *testing.T, opt Options, pack, events, want string) *Oracle {
	t.Helper()
	var o, before *Oracle
	for _, plain := range []bool{true, false} {
		opt.Plain = plain
		var err error
		if o, err = opt.New([]byte(pack)); err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, text := range lines(events) {
			for _, c := range o.ApplyTo(line(t, i+1, text)) {
				got = append(got, fmt.Sprintf("%d %s %v", i+1, c.ID(), c.Time.Sub(zero)))
			}
		}
		if wanted := strings.Join(lines(want), "\n"); strings.Join(got, "\n") != wanted {
			t.Errorf("plain %v, events:\n%s\ngot:\n%s\nwant:\n%s", plain, events, strings.Join(got, "\n"), wanted)
		}
		if before != nil && counts(before) != counts(o) {
			t.Errorf("events:\n%s\nthe plain way counts\n%s\nthe fast\n%s", events, counts(before), counts(o))
		}
		before = o
	}
	return o
}

// counts returns the lines of -counts as "rule subject level episode value,value+", with a + after
// a value that is a lower bound.
func counts(o *Oracle) string {
	var text strings.Builder
	for _, l := range o.Counts() {
		var c struct {
			Rule, Subject string
			Level         json.Number
			Episode       int
			Measures      map[string]struct {
				Value   int64
				AtLeast bool `json:"at_least"`
			}
		}
		if err := json.Unmarshal(l, &c); err != nil {
			panic(err)
		}
		fmt.Fprintf(&text, "%s %s %s %d", c.Rule, c.Subject, c.Level, c.Episode)
		for _, name := range sortedKeys(c.Measures) {
			m := c.Measures[name]
			fmt.Fprintf(&text, " %s=%d%s", name, m.Value, map[bool]string{true: "+"}[m.AtLeast])
		}
		text.WriteString("\n")
	}
	return text.String()
}

func wantCounts(t *testing.T, o *Oracle, want string) {
	t.Helper()
	if got := strings.TrimSpace(counts(o)); got != strings.Join(lines(want), "\n") {
		t.Errorf("counts\n%s\nwant\n%s", got, strings.Join(lines(want), "\n"))
	}
}
