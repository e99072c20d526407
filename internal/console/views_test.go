package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/client/clienttest"
)

var now = time.Date(2026, 11, 30, 10, 41, 7, 0, time.UTC)

// read is objects as the client reads them.
func read[T any](t *testing.T, from any) (v T) {
	t.Helper()
	text, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestVerdict: what an on-call sees first.
func TestVerdict(t *testing.T) {
	f := func(want string, change func(h *Health)) {
		t.Helper()
		status := read[client.Status](t, clienttest.Usual().Status)
		h := &Health{Status: &status, MaxLag: time.Minute}
		change(h)
		lines, right := h.Verdict()
		if got := strings.Join(lines, "\n"); got != want || right != strings.HasPrefix(want, "counting, ") {
			t.Errorf("got %v:\n%s\nwant\n%s", right, got, want)
		}
	}
	lag := func(n int, seconds float64) func(h *Health) {
		return func(h *Health) {
			p := &h.Status.Partitions[n]
			records := int64(100 * seconds)
			p.LagRecords, p.LagSeconds = &records, &seconds
		}
	}
	f("counting, 2 partitions, nothing behind", func(*Health) {})
	f("counting, 2 partitions, 1,650 records behind, the oldest since 16s", lag(1, 16.5))
	f("counting, 2 partitions, 6,000 records behind, the oldest since 1m", lag(0, 60))
	f("not right: 6,010 records behind, the oldest since 1m", lag(0, 60.1))
	f("not right: nobody counts 1 of 2 partitions: look whether all processes run, and what they log", func(h *Health) { h.Status.Partitions[1].Owner = nil })
	f("not right: it is not known how far 1 of 2 partitions are counted", func(h *Health) { h.Status.Partitions[1].LagSeconds = nil })
	f("not right: no partitions of events are known", func(h *Health) { h.Status.Partitions = nil })
	f("not right: the process that answers: progress: relay 0 does nothing for 31 s, at entry 7: write; and 2 more like this\nnot right: the process that answers: redis: away", func(h *Health) {
		h.Wrong = []string{"progress: relay 0 does nothing for 31 s, at entry 7: write", "redis: away", "progress: relay 1 does nothing for 31 s, at entry 12: write", "progress: relay 15 does nothing for 3 s, at entry 0: write"}
	})
	f("not right: 3 crossings not published, the oldest since 2m1s: look at Kafka, and at the log", func(h *Health) {
		h.Status.Outbox.Entries, h.Status.Outbox.Oldest = 3, 121
	})
	f("not right: the rules were not taken as they are written now: own.yaml:3:1: x; own.yaml:4:1: \\u001b\nnot right: the process that answers: kafka: no broker answers", func(h *Health) {
		fault := "own.yaml:3:1: x\nown.yaml:4:1: \x1b\n"
		h.Status.Rules.Error, h.Wrong = &fault, []string{"kafka: no broker answers"}
	})
}

// TestStatus: what is not known is said to be so.
func TestStatus(t *testing.T) {
	status := read[client.Status](t, clienttest.Usual().Status)
	status.Rates, status.StreamTime, status.Crossings.Day = nil, nil, nil
	p := &status.Partitions[0]
	p.Owner, p.Offset, p.LagRecords, p.LagSeconds = nil, nil, nil, nil
	status.Outbox.Entries, status.Outbox.Oldest = 1, 2
	status.Rules.Unannounced = map[string]int{"b": 1, "a\x1b": 1200}
	var b bytes.Buffer
	paper := Paper{W: &b}
	if err := paper.Status(&Health{Status: &status, Notes: []string{"packs: others\x1b"}, MaxLag: time.Minute}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"not right: nobody counts 1 of 2", "\nevents        not known\n", "\n  due         subjects at a level that a change of the rules brought, announced with their next event: 1,200 of a\\u001b, 1 of b\n", "\nstream time   not known\n", "3 in the last hour, an unknown number in the last day\n",
		"outbox        1 crossing to publish, the oldest since 2s\n", "note          packs: others\\u001b\n", "          1         ?  48211904       ?       ?  nobody\n",
		"          0  48211904  48211904       0       -  aggregator at 10.0.3.17\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// TestNarrow: rows are no wider than the terminal, and as full as it allows.
func TestNarrow(t *testing.T) {
	rows := read[[]client.Item[client.Row]](t, clienttest.Usual().Rows)
	var last int
	for columns := 160; columns >= 1; columns-- {
		var b bytes.Buffer
		paper := Paper{W: &b, Columns: columns}
		if err := paper.Nearest(rows, now); err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(b.String(), "\n")
		for line := range strings.Lines(b.String()) {
			if w := width(strings.TrimSuffix(line, "\n")); w > columns {
				t.Fatalf("%d columns: a line is %d wide:\n%s", columns, w, b.String())
			}
		}
		if names := len(strings.Fields(head)); columns < 160 && names > last {
			t.Errorf("%d columns have more than one more has:\n%s", columns, head)
		} else {
			last = names
		}
		if !strings.Contains(b.String(), "inc-42") && columns >= 60 {
			t.Errorf("%d columns do not name who it is:\n%s", columns, b.String())
		}
	}
	var whole, colours bytes.Buffer
	if err := (&Paper{W: &whole}).Nearest(rows, now); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(whole.String(), "  3.1 %/h    1h9m  art3-clicks    incident inc-2026-1187\n") || strings.Contains(whole.String(), "\x1b") {
		t.Errorf("got\n%s", whole.String())
	}
	if err := (&Paper{W: &colours, Columns: 100, Colour: true}).Nearest(rows, now); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(colours.String(), red+"   137 %") || !strings.Contains(colours.String(), yellow+"  96.4 %") || strings.Contains(colours.String(), "\x1b[2J") {
		t.Errorf("got\n%s", colours.String())
	}
	var long bytes.Buffer
	rows[0].Value.Subject = strings.Repeat("long-id-", 32) // which takes no column away
	if err := (&Paper{W: &long, Columns: 135}).Nearest(rows, now); err != nil || !strings.Contains(long.String(), " RATE ") || !strings.Contains(long.String(), "long-id-long-id-lo") {
		t.Errorf("got %v\n%s", err, long.String())
	}
	var none bytes.Buffer
	if err := (&Paper{W: &none}).Nearest(nil, now); err != nil || !strings.Contains(none.String(), "Nothing that was asked for is near a limit") {
		t.Errorf("got %v\n%s", err, none.String())
	}
}

// TestLimitIn: when the limit is reached is told only as long as it may be so.
func TestLimitIn(t *testing.T) {
	seen := now
	f := func(progress float64, after time.Duration, want string) {
		t.Helper()
		r := client.Row{Progress: progress, Time: &seen}
		if after != 0 {
			at := now.Add(after)
			r.LimitAt = &at
		}
		if got := limitIn(&r, now); got != want {
			t.Errorf("%v, %v: got %s, want %s", progress, after, got, want)
		}
	}
	f(0.9, 0, "-")
	f(0.9, time.Hour, "1h")
	f(0.9, -time.Second, "silent")
	f(1, 0, "at it")
	f(1.3, time.Hour, "over")
	seen = now.Add(-time.Hour)
	f(0.9, time.Hour, "1h")
	seen = seen.Add(-1)
	f(0.9, time.Hour, "silent")
	f(0.9, 0, "-")
	f(1.3, 0, "over")
}

func TestChart(t *testing.T) {
	f := func(columns int, step, want string, buckets ...string) {
		t.Helper()
		s := client.Series{Measure: "clicks", Step: &step}
		for _, b := range buckets {
			var x client.Bucket
			var at string
			if _, err := fmt.Sscan(b, &at, &x.Value); err != nil {
				t.Fatal(err)
			}
			from, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatal(err)
			}
			x.From = &from
			s.Buckets = append(s.Buckets, x)
		}
		var got []string
		for _, l := range chart(&s, columns) {
			got = append(got, strings.TrimRight(l.text, " "))
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
		}
	}
	days := []string{"2026-11-09T16:00:00Z 1", "2026-11-10T16:00:00Z 20000", "2026-11-13T16:00:00Z 40000"}
	f(60, "1d", "  40,000 │    █\n         │    █\n         │ █  █\n         │▁█  █\n       0 └─────\n          2026-11-09 16:00Z to 2026-11-13 16:00Z, a column is 1d", days...)
	f(3, "1d", "  40,000 │  █\n         │  █\n         │█ █\n         │█ █\n       0 └───\n          2026-11-09 16:00Z to 2026-11-13 16:00Z, a column is 2d", days...)
	f(1, "1d", "  30 │█\n     │█\n     │█\n     │█\n   0 └─\n      2026-11-09 16:00Z to 2026-11-10 16:00Z, a column is 2d", "2026-11-09T16:00:00Z 10", "2026-11-10T16:00:00Z 20")
	f(60, "12h", "  7 │█\n    │█\n    │█\n    │█\n  0 └─\n     2026-11-09 16:00Z to 2026-11-09 16:00Z, a column is 12h", "2026-11-09T16:00:00Z 7")
	// What is none is not drawn.
	f(60, "1d", "")
	f(0, "1d", "", days...)
	f(60, "d", "", days...)
	f(60, "", "", days...)
	f(60, "0s", "", days...)
	f(60, "1s", "", days...) // more steps than a window has
	f(60, "1d", "", days[2], days[0], days[1])
}

func TestSubject(t *testing.T) {
	usual := clienttest.Usual()
	rules := read[[]client.Item[client.Rule]](t, usual.Rules)
	show := func(id string, change func(s *client.Subject)) string {
		t.Helper()
		s := read[client.Subject](t, usual.Subjects["incident/"+id])
		if change != nil {
			change(&s)
		}
		var b bytes.Buffer
		if err := (&Paper{W: &b}).Subject(&s, rules, nil, now); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	f := func(text string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("no %q in\n%s", w, text)
			}
		}
	}
	f(show("inc-42", nil), "incident inc-42\nnewest event  2026-11-30T10:40:51Z, 16s ago\nfirst event   2026-11-09T16:20:00Z, 20d18h ago\n",
		"AGAINST ITS LIMITS\nart3-clicks  Actual clicks (实际被点击数)  Fa Shi [2019] 15, art. 3(6)  in 731d\n    137 %  ████████████████████  level 1 is announced, episode 1, 20 %/h, over the limit\n           68,655 / 50,000 clicks\nart3-accounts",
		"\nclicks: 68,655 in 731d by 1d (art3-clicks)\n  47,655 │    █\n", "\norders: 3 since the first event (ever)\n",
		"\nevent 2026-11-30T10:00:03Z  critical  1      art3-clicks  incident inc-42: clicks", "\naggregator verify -config FILE -subject incident/inc-42\n", "not a finding.\n")
	f(show("inc-2026-1187", nil), "3.1 %/h, at the limit in 1h9m (2026-11-30T11:50:12Z)\n", "nothing is in a window now\n", "none, as far as the list of crossings reaches back\n")
	f(show("inc-42", func(s *client.Subject) { s.Time = nil }), "newest event  not known\n")
	odd := show("<b>/a b\u202etxt.exe\x1b[2J", nil)
	f(odd, `incident "<b>/a b\u202etxt.exe\u001b[2J"`, "≥ 860 / 2,000 accounts, counted since 2026-09-01T00:00:00Z\n", `-subject $'incident/<b>/a b\u202etxt.exe\u001b[2J'`)
	if strings.ContainsAny(odd, "\x1b\u202e") {
		t.Errorf("it acts on a terminal: %q", odd)
	}
}

func TestCrossings(t *testing.T) {
	list := read[[]client.Item[client.Crossing]](t, clienttest.Usual().Crossings)
	from := now.AddDate(0, -1, 0)
	f := func(list []client.Item[client.Crossing], from *time.Time, want string) {
		t.Helper()
		var b bytes.Buffer
		if err := (&Paper{W: &b}).Crossings(list, from); err != nil || !strings.HasPrefix(b.String(), want) {
			t.Errorf("got %v\n%s", err, b.String())
		}
	}
	f(list, &from, "event 2026-11-30T10:00:03Z  critical  1      art3-clicks  incident inc-42: clicks 50000 of 50,000 in 731d\nevent 2026-11-30T10:00:03Z  warning   0.8    art3-clicks  incident 谣言-长江大桥-0417: ")
	f(list[3:], &from, "event 2026-11-30T10:00:03Z  info      clear  art3-clicks  incident inc-7: cleared\n")
	f(nil, &from, "No crossing is as asked for. The list reaches back to 2026-10-30T10:41:07Z.\n")
	f(nil, nil, "Nothing has crossed yet.\n")
	var b bytes.Buffer
	if err := PrintJSON(&b, json.RawMessage("{ \"a\" : 1,\n \"b\": \"\u202e\u2028x\"}")); err != nil || b.String() != `{"a":1,"b":"\u202e\u2028x"}`+"\n" {
		t.Errorf("got %v %s", err, b.String())
	}
}
