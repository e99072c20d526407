package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// clicksPack has one rule over a sum, with a window of n = 10 buckets of a minute.
func clicksPack(rest string) string {
	return `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules:
  - {id: r, by: incident, window: 10m, step: 1m, limits: {clicks: 10}, ` + rest + `}`
}

func TestLevels(t *testing.T) {
	f := func(rest, events, want string) {
		t.Helper()
		play(t, Options{}, clicksPack(rest), events, want)
	}
	// reaches means >=, and 0.8 and 1 are the default
	f(``, `0s click incident=a count=7
		1s click incident=a
		2s click incident=a
		3s click incident=a
		4s click incident=a count=100`, `2 r/incident/a/1/0.8 1s
		4 r/incident/a/1/1 3s`)
	// a level that is no whole number: 0.25 of 10 is reached by 3
	f(`levels: [0.25, 1]`, `0s click incident=a count=2
		1s click incident=a`, `2 r/incident/a/1/0.25 1s`)
	// a jump over several levels announces each, those above 1 too
	f(`levels: [0.5, 1, 5]`, `0s click incident=a count=60`, `1 r/incident/a/1/0.5 0s
		1 r/incident/a/1/1 0s
		1 r/incident/a/1/5 0s`)
	// an event out of order crosses at T, not at its own time
	f(`levels: [1]`, `90s click incident=a count=9
		30s click incident=a`, `2 r/incident/a/1/1 1m30s`)
	// without clear a level is announced once for ever
	f(`levels: [1]`, `0s click incident=a count=10
		1h click incident=a count=10`, `1 r/incident/a/1/1 0s`)
}

func TestDefaultLevelsOfSmallLimit(t *testing.T) {
	f := func(limit int, want string) {
		t.Helper()
		play(t, Options{}, strings.Replace(clicksPack(``), "clicks: 10", fmt.Sprint("clicks: ", limit), 1),
			"0s click incident=a count=4\n1s click incident=a", want)
	}
	f(4, `1 r/incident/a/1/1 0s`)
	f(5, `1 r/incident/a/1/0.8 0s
		2 r/incident/a/1/1 1s`)
}

func TestWindowEdge(t *testing.T) {
	f := func(events, want string) {
		t.Helper()
		play(t, Options{}, clicksPack(`levels: [1]`), events, want)
	}
	// the bucket of T and the 10 before it: minute 0 still counts in minute 10 ...
	f(`1s click incident=a count=9
		10m59s click incident=a`, `2 r/incident/a/1/1 10m59s`)
	// ... and no more in minute 11
	f(`59s click incident=a count=9
		11m click incident=a`, ``)
	// minutes are those of UTC, not counted from the first event
	f(`-499999h59m59s click incident=a count=9
		-499999h49m click incident=a`, ``) // also before 1970
	f(`59.999999999s click incident=a count=9
		10m59.999999999s click incident=a`, `2 r/incident/a/1/1 10m59.999999999s`)
}

func TestLate(t *testing.T) {
	// at T = 11m minute 0 is late, minute 1 is not
	o := play(t, Options{}, clicksPack(`levels: [0.2]`), `11m click incident=a
		59s click incident=a
		1m click incident=a`, `3 r/incident/a/1/0.2 11m0s`)
	if got, want := o.Results(), (Results{Matched: 3, Late: 1}); got != want {
		t.Errorf("results %+v, want %+v", got, want)
	}
	// late is a matter of the counter: the longer window takes what the shorter does not, and so the event is not late
	o = play(t, Options{}, `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules:
  - {id: short, by: incident, window: 10m, step: 1m, limits: {clicks: 5}}
  - {id: long, by: incident, window: 1h, step: 10m, limits: {clicks: 5}}
  - {id: account, by: account, window: 10m, step: 1m, limits: {clicks: 5}}
`, `20m click incident=a account=u
		1m click incident=a account=u`, ``)
	wantCounts(t, o, `account u 0 1 clicks=1
		long a 0 1 clicks=2
		short a 0 1 clicks=1`)
	if got := o.Results().Late; got != 1 { // for the account
		t.Errorf("late %d, want 1", got)
	}
}

// TestTimeIsOfTheSubject shows that an event moves T also if it adds nothing, and only for its own subject.
func TestTimeIsOfTheSubject(t *testing.T) {
	pack := `
pack: p
measures:
  clicks: {sum: count, types: [click]}
  money: {sum: amount, types: [pay]}
rules:
  - {id: c, by: incident, window: 10m, step: 1m, limits: {clicks: 10}}
  - {id: m, by: incident, window: 10m, step: 1m, limits: {money: 10}}
`
	f := func(events, want string) {
		t.Helper()
		wantCounts(t, play(t, Options{}, pack, events, ``), want)
	}
	f(`0s click incident=a
		10m59s pay incident=a amount=0`, `c a 0 1 clicks=1`)
	f(`0s click incident=a
		11m pay incident=a amount=0`, ``)
	f(`0s click incident=a
		11m pay incident=b amount=0`, `c a 0 1 clicks=1`)
	// a pay without amount matches nothing, nor does a type no rule knows
	f(`0s click incident=a
		11m pay incident=a
		12m view incident=a`, `c a 0 1 clicks=1`)
}

func TestSubjectsOfOneEvent(t *testing.T) {
	play(t, Options{}, `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules:
  - {id: z, by: group, window: all, limits: {clicks: 1}}
  - {id: y, by: account, window: all, limits: {clicks: 1}}
  - {id: x, by: incident, window: all, limits: {clicks: 1}, levels: [1, 2]}
  - {id: w, by: incident, window: all, limits: {clicks: 1}, levels: [1, 2]}
  - {id: v, by: content, window: all, limits: {clicks: 1}}
`, `0s click incident=i account=a content=c group=g count=2`,
		`1 x/incident/i/1/1 0s
		1 x/incident/i/1/2 0s
		1 w/incident/i/1/1 0s
		1 w/incident/i/1/2 0s
		1 y/account/a/1/1 0s
		1 v/content/c/1/1 0s
		1 z/group/g/1/1 0s`)
}

func TestDuplicates(t *testing.T) {
	f := func(events string, want Results, total int) {
		t.Helper()
		o := play(t, Options{}, strings.Replace(clicksPack(`levels: [100]`), "10m, step", "100m, step", 1), events, ``)
		if got := o.Results(); got != want {
			t.Errorf("%s\nresults %+v, want %+v", events, got, want)
		}
		wantCounts(t, o, fmt.Sprintf("r a 0 1 clicks=%d", total))
	}
	// exactly 10 minutes later is a duplicate, a millisecond more is not
	f(`0s click incident=a id=x
		10m click incident=a id=x`, Results{Matched: 1, Duplicate: 1}, 1)
	f(`0s click incident=a id=x
		10m0.001s click incident=a id=x`, Results{Matched: 2}, 2)
	// below a millisecond nothing counts
	f(`0.0009s click incident=a id=x
		10m0.0009s click incident=a id=x`, Results{Matched: 1, Duplicate: 1}, 1)
	// a repeat of a repeat prolongs
	f(`0s click incident=a id=x
		8m click incident=a id=x
		16m click incident=a id=x
		26m0.001s click incident=a id=x`, Results{Matched: 2, Duplicate: 2}, 2)
	// the clock is the partition's, and never goes back
	f(`0s click incident=a id=x kafka=20m
		0s click incident=a id=y kafka=5m
		0s click incident=a id=x kafka=30m
		0s click incident=a id=y kafka=30m
		0s click incident=a id=y kafka=40m0.001s`, Results{Matched: 3, Duplicate: 2}, 3)
	// late and unmatched ids are remembered, malformed and ahead ones are not, nor do they move the clock
	f(`0s view incident=a id=x kafka=0s
		0s click incident=a id=x kafka=1m
		0s click incident=a id=y kafka=1m count=0
		0s click incident=a id=y kafka=1m
		30m click incident=a id=z kafka=20m
		20m click incident=a id=z kafka=20m`, Results{Unmatched: 1, Duplicate: 1, Malformed: 1, Ahead: 1, Matched: 2}, 2)
	f(`0s click incident=a id=x kafka=0s
		2h click incident=a id=y kafka=11m
		0s click incident=a id=x kafka=10m`, Results{Matched: 1, Duplicate: 1, Ahead: 1}, 1)
}

func TestAhead(t *testing.T) {
	f := func(opt Options, events string, want int64) {
		t.Helper()
		if got := play(t, opt, clicksPack(``), events, ``).Results().Ahead; got != want {
			t.Errorf("%s: ahead %d, want %d", events, got, want)
		}
	}
	f(Options{}, `5m click incident=a kafka=0s`, 0)
	f(Options{}, `5m0.000000001s click incident=a kafka=0s`, 1)
	f(Options{}, `5h click incident=a`, 0)
	f(Options{Now: zero}, `5m click incident=a`, 0)
	f(Options{Now: zero}, `5m0.000000001s click incident=a`, 1)
	f(Options{Now: zero}, `5h click incident=a kafka=5h`, 0)
	f(Options{MaxAhead: time.Hour}, `1h click incident=a kafka=0s`, 0)
}

func TestAllWindow(t *testing.T) {
	o := play(t, Options{}, `
pack: p
measures: {clicks: {sum: count, types: [click]}, readers: {distinct: account, types: [click]}}
rules: [{id: r, by: incident, window: all, limits: {clicks: 3, readers: 3}, combine: all, levels: [1]}]
`, `100h click incident=a account=u
		1h click incident=a account=v
		90000h click incident=a account=w`, `3 r/incident/a/1/1 90000h0m0s`)
	wantCounts(t, o, `r a 1 1 clicks=3 readers=3`)
	// it is since the first event by time, whatever that counted for
	value := func(n int, text string) []byte { _, value, _ := line(t, n, text); return value }
	o.Apply(value(4, `2h click incident=b account=u`), EventTime)
	o.Apply(value(5, `1h click incident=b`), EventTime)
	o.Apply(value(6, `3h click incident=b account=v`), EventTime)
	got := o.Apply(value(7, `3h click incident=b account=w`), EventTime)
	if len(got) != 1 || got[0].from.Sub(zero) != time.Hour {
		t.Errorf("got %v, want one crossing since 1h", got)
	}
}

func TestSumStaysAtTheTop(t *testing.T) {
	const ten15 = "1000000000000000"
	events := func(n int, last string) string {
		return strings.Repeat("0s pay incident=a amount="+ten15+"\n", n) + last
	}
	f := func(events, want string) {
		t.Helper()
		o := play(t, Options{}, `
pack: p
measures: {money: {sum: amount, types: [pay]}}
rules: [{id: r, by: incident, window: 10m, step: 1m, limits: {money: 9007199254740991}, levels: [2]}]
`, events, ``)
		wantCounts(t, o, want)
	}
	f(events(9, "0s pay incident=a amount=7199254740991"), `r a 0 1 money=9007199254740991`)
	f(events(9, "0s pay incident=a amount=7199254740992"), `r a 0 1 money=9007199254740991+`)
	f(events(10, "5m pay incident=a amount=1\n4m pay incident=a amount=1\n15m pay incident=a amount=1"), `r a 0 1 money=1+`)
	// what was cut is gone, and the mark stays until the bucket of the cut event has left
	f(events(10, "5m pay incident=a amount=7\n10m pay incident=a amount=0"), `r a 0 1 money=9007199254740991+`)
	f(events(10, "5m pay incident=a amount=7\n11m pay incident=a amount=0"), ``)
	f(events(10, "5m pay incident=a amount=7\n11m pay incident=a amount=5\n15m pay incident=a amount=0"), `r a 0 1 money=5+`)
	f(events(10, "5m pay incident=a amount=7\n11m pay incident=a amount=5\n16m pay incident=a amount=0"), `r a 0 1 money=5`)
}

func TestPartitions(t *testing.T) {
	o, err := New([]byte(clicksPack(`levels: [1]`)))
	if err != nil {
		t.Fatal(err)
	}
	for partition := range 2 {
		for range 2 {
			_, value, millis := line(t, 1, "0s click incident=a count=3 kafka=0s")
			o.ApplyTo(partition, value, millis)
		}
	}
	if got, want := o.Results(), (Results{Matched: 2, Duplicate: 2}); got != want {
		t.Errorf("results %+v, want %+v", got, want)
	}
	wantCounts(t, o, `r a 0 1 clicks=6`)
	if a, b := o.FedBy("incident", "a"), o.FedBy("incident", "b"); a != 2 || b != 0 {
		t.Errorf("fed by %d and %d partitions, want 2 and 0", a, b)
	}
}
