package oracle

import (
	"strings"
	"testing"
)

func TestClear(t *testing.T) {
	f := func(events, want string) *Oracle {
		t.Helper()
		return play(t, Options{}, clicksPack(`levels: [0.5, 1], clear: 0.4`), events, want)
	}
	crossed := "1 r/incident/a/1/0.5 30s\n1 r/incident/a/1/1 30s\n"
	// minute 0 leaves the window at 11m; before that nothing clears
	f(`30s click incident=a count=10
		10m59s click incident=a`, crossed)
	o := f(`30s click incident=a count=10
		11m click incident=a`, crossed+`2 r/incident/a/1/0 11m0s`)
	wantCounts(t, o, `r a 0 2 clicks=1`)
	// it is dated at the first bucket at which it holds, however late it is noticed, and comes before the event is added
	o = f(`30s click incident=a count=10
		3h click incident=a count=5`, crossed+`2 r/incident/a/1/0 11m0s
		2 r/incident/a/2/0.5 3h0m0s`)
	wantCounts(t, o, `r a 0.5 2 clicks=5`)
	// under clear, not at it: at 11m 4 of 10 are left, at 12m 3
	f(`30s click incident=a count=6
		1m click incident=a
		2m click incident=a count=3
		12m30s tick incident=a
		13m click incident=b`, `1 r/incident/a/1/0.5 30s
		3 r/incident/a/1/1 2m0s
		5 r/incident/a/1/0 12m0s`)
}

// TestSilentClear shows clears of subjects without an event, by the stream's time, which is that of matched events.
func TestSilentClear(t *testing.T) {
	f := func(events, want string) *Oracle {
		t.Helper()
		return play(t, Options{}, clicksPack(`levels: [0.5], clear: 0.4`), events, want)
	}
	f(`0s click incident=a count=5
		10m59.9s click incident=b
		11h view incident=b
		11m click incident=b`, `1 r/incident/a/1/0.5 0s
		4 r/incident/a/1/0 11m0s`)
	// by date, then subject; and before the event's own crossings
	f(`1m click incident=a count=5
		0s click incident=c count=5
		0s click incident=b count=5
		15m click incident=a count=6`, `1 r/incident/a/1/0.5 1m0s
		2 r/incident/c/1/0.5 0s
		3 r/incident/b/1/0.5 0s
		4 r/incident/b/1/0 11m0s
		4 r/incident/c/1/0 11m0s
		4 r/incident/a/1/0 12m0s
		4 r/incident/a/2/0.5 15m0s`)
	// the stream is ahead of the subject: its clear moves T on, and what is older than the window then is late
	o := f(`0s click incident=a count=5
		1h click incident=b
		59s click incident=a
		1m click incident=a`, `1 r/incident/a/1/0.5 0s
		2 r/incident/a/1/0 11m0s`)
	wantCounts(t, o, `r a 0 2 clicks=1
		r b 0 1 clicks=1`)
}

// TestSilentClearOfDelayed: what the stream's time does to a subject that runs behind the stream
// comes as much later.
func TestSilentClearOfDelayed(t *testing.T) {
	f := func(events, want string) *Oracle {
		t.Helper()
		return play(t, Options{}, clicksPack(`levels: [0.5], clear: 0.4`), events, want)
	}
	// an hour behind: its clear, dated 11m, is due when the stream is at 1h11m
	f(`1h click incident=b
		0s click incident=a count=5
		0s click incident=c
		1h10m59.9s click incident=c
		1h11m click incident=c`, `2 r/incident/a/1/0.5 0s
		5 r/incident/a/1/0 11m0s`)
	// its own events find their window, and its own time clears it at once, in order with what the stream clears
	o := f(`0s click incident=d count=5
		10m click incident=b
		1s click incident=a count=5
		2m click incident=a
		9m click incident=a
		11m click incident=c
		20m click incident=a`, `1 r/incident/d/1/0.5 0s
		3 r/incident/a/1/0.5 1s
		6 r/incident/d/1/0 11m0s
		7 r/incident/a/1/0 11m0s`)
	wantCounts(t, o, `r a 0 2 clicks=1
		r b 0 1 clicks=1
		r c 0 1 clicks=1`)
	// its own clear and the clear of a silent subject, by date
	f(`10m click incident=d count=5
		59m click incident=b
		0s click incident=a count=5
		1h click incident=b
		40m click incident=e count=5
		1h click incident=a`, `1 r/incident/d/1/0.5 10m0s
		2 r/incident/d/1/0 21m0s
		3 r/incident/a/1/0.5 0s
		5 r/incident/e/1/0.5 40m0s
		6 r/incident/a/1/0 11m0s`)
	// an event older than T does not set the delay of its subject
	f(`1h click incident=b
		30m click incident=a count=5
		25m click incident=a
		1h10m59s click incident=b
		1h11m click incident=b`, `2 r/incident/a/1/0.5 30m0s
		5 r/incident/a/1/0 41m0s`)
	// one as old as T does; caught up, it is cleared as any other
	f(`1h click incident=b
		30m click incident=a count=5
		50m click incident=b
		70m click incident=b
		30m click incident=a
		1h20m59s click incident=b
		1h21m click incident=b`, `2 r/incident/a/1/0.5 30m0s
		7 r/incident/a/1/0 41m0s`)
	f(`1h click incident=b
		30m click incident=a count=5
		1h click incident=a count=5
		1h11m click incident=b`, `2 r/incident/a/1/0.5 30m0s
		3 r/incident/a/1/0 41m0s
		3 r/incident/a/2/0.5 1h0m0s
		4 r/incident/a/2/0 1h11m0s`)
}

// TestClearOverPartitions shows the smallest newest time as the stream's time. A subject with an
// event goes by its own T.
func TestClearOverPartitions(t *testing.T) {
	play(t, Options{}, clicksPack(`levels: [0.5], clear: 0.4`), `0s click incident=a count=5
		0s click incident=b count=5
		0s click incident=c count=5 partition=1
		30m click incident=a
		2m click incident=c partition=1
		11m click incident=d partition=1
		30m click incident=e partition=1`, `1 r/incident/a/1/0.5 0s
		2 r/incident/b/1/0.5 0s
		3 r/incident/c/1/0.5 0s
		4 r/incident/a/1/0 11m0s
		6 r/incident/b/1/0 11m0s
		6 r/incident/c/1/0 11m0s`)
}

func TestClearsOfOneSubject(t *testing.T) {
	f := func(events, want string) {
		t.Helper()
		play(t, Options{}, `
pack: p
measures: {clicks: {sum: count, types: [click]}, views: {sum: count, types: [view]}}
rules:
  - {id: slow, by: incident, window: 20m, step: 5m, limits: {clicks: 5}, levels: [1], clear: 0.5}
  - {id: same, by: incident, window: 10m, step: 1m, limits: {clicks: 5}, levels: [1], clear: 0.5}
  - {id: quick, by: incident, window: 10m, step: 1m, limits: {clicks: 10}, levels: [0.5], clear: 0.4}
  - {id: never, by: incident, window: 10m, step: 1m, limits: {clicks: 5}, levels: [1]}
  - {id: account, by: account, window: 10m, step: 1m, limits: {views: 1}, levels: [1], clear: 0.5}
`, events, want)
	}
	// by date, then pack order; the slow one is dated by its own step: minutes 0-4 leave 20m + 5m later
	f(`0s click incident=a count=5
		30m click incident=a`, `1 slow/incident/a/1/1 0s
		1 same/incident/a/1/1 0s
		1 quick/incident/a/1/0.5 0s
		1 never/incident/a/1/1 0s
		2 same/incident/a/1/0 11m0s
		2 quick/incident/a/1/0 11m0s
		2 slow/incident/a/1/0 25m0s`)
	// at one date incidents come before accounts
	f(`0s click incident=z count=5
		0s view account=a
		11m view account=b count=1`, `1 slow/incident/z/1/1 0s
		1 same/incident/z/1/1 0s
		1 quick/incident/z/1/0.5 0s
		1 never/incident/z/1/1 0s
		2 account/account/a/1/1 0s
		3 same/incident/z/1/0 11m0s
		3 quick/incident/z/1/0 11m0s
		3 account/account/a/1/0 11m0s
		3 account/account/b/1/1 11m0s`)
}

func TestNoClearWhileAtLeast(t *testing.T) {
	pack := `
pack: p
measures: {keys: {distinct: account, types: [view]}, money: {sum: amount, types: [pay]}}
rules:
  - {id: r, by: incident, window: 10m, step: 1m, limits: {keys: 1, money: 1}, combine: all, levels: [1], clear: 0.5}
  - {id: m, by: incident, window: 10m, step: 1m, limits: {money: 9007199254740991}, levels: [1], clear: 1}
`
	// the money of minute 0 leaves at 11m; with the 11th account a key of minute 5 is displaced, and that leaves at 16m
	events := "0s pay incident=a amount=1\n"
	for _, account := range strings.Split("abcdefghij", "") {
		events += "5m view incident=a account=" + account + "\n"
	}
	play(t, Options{}, pack, events+"20m view incident=b account=x", `2 r/incident/a/1/1 5m0s
		12 r/incident/a/1/0 11m0s`)
	play(t, Options{}, pack, events+"5m view incident=a account=k\n20m view incident=b account=x", `2 r/incident/a/1/1 5m0s
		13 r/incident/a/1/0 16m0s`)
	// a sum that was cut by an event of minute 5 falls when minute 0 leaves, but is cleared only when minute 5 does
	money := strings.Repeat("0s pay incident=a amount=1000000000000000\n", 9)
	play(t, Options{}, pack, money+`5m pay incident=a amount=7199254740992
		20m pay incident=b amount=0`, `10 m/incident/a/1/1 5m0s
		11 m/incident/a/1/0 16m0s`)
}

func TestCombine(t *testing.T) {
	f := func(combine, want string) {
		t.Helper()
		play(t, Options{}, `
pack: p
measures: {x: {sum: count, types: [x]}, y: {sum: count, types: [y]}, z: {sum: count, types: [z]}}
rules: [{id: r, by: incident, window: all, limits: {x: 10, y: 3, z: 30}, combine: `+combine+`, levels: [0.5, 1]}]
`, `0s x incident=a count=5
		1s y incident=a
		2s y incident=a
		3s z incident=a count=15
		4s y incident=a
		5s z incident=a count=15
		6s x incident=a count=5`, want)
	}
	f(`any`, `1 r/incident/a/1/0.5 0s
		5 r/incident/a/1/1 4s`)
	f(`at-least-1`, `1 r/incident/a/1/0.5 0s
		5 r/incident/a/1/1 4s`)
	f(`at-least-3`, `4 r/incident/a/1/0.5 3s
		7 r/incident/a/1/1 6s`)
	f(`all`, `4 r/incident/a/1/0.5 3s
		7 r/incident/a/1/1 6s`)
	f(`at-least-2`, `3 r/incident/a/1/0.5 2s
		6 r/incident/a/1/1 5s`)
	// 1/2 + 1/3 + 1/3 is over 1: the thirds are exact
	f(`ratio`, `1 r/incident/a/1/0.5 0s
		3 r/incident/a/1/1 2s`)
}

// TestRatioIsExact adds ten tenths, and three thirds, which binary fractions miss.
func TestRatioIsExact(t *testing.T) {
	play(t, Options{}, `
pack: p
measures: {x: {sum: count, types: [x]}, y: {sum: count, types: [y]}, z: {sum: count, types: [z]}}
rules: [{id: r, by: incident, window: all, limits: {x: 10, y: 5, z: 10}, combine: ratio, levels: [1]}]
`, `0s x incident=a
		1s y incident=a
		2s z incident=a count=6
		3s z incident=a`, `4 r/incident/a/1/1 3s`)
}
