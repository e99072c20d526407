package oracle

import (
	"fmt"
	"strings"
	"testing"
)

func TestDistinct(t *testing.T) {
	f := func(measure, events, want string) {
		t.Helper()
		o := play(t, Options{}, `
pack: p
measures: {m: `+measure+`}
rules: [{id: r, by: incident, window: 10m, step: 1m, limits: {m: 1000000}}]
`, events, ``)
		wantCounts(t, o, want)
	}
	// each key once, whatever count says; without the field it does not count
	f(`{distinct: account, types: [click, view]}`, `0s click incident=a account=u count=7
		0s view incident=a account=u
		0s view incident=a account=v
		0s view incident=a`, `r a 0 1 m=2`)
	// a field by type
	f(`{distinct: {send: recipient, view: account}}`, `0s send incident=a account=u recipient=v
		0s view incident=a account=v recipient=w
		0s view incident=a account=u`, `r a 0 1 m=2`)
	// a key's place is the newest bucket it was seen in, also when an older event comes later
	f(`{distinct: account, types: [view]}`, `0s view incident=a account=u
		5m view incident=a account=u
		1m view incident=a account=u
		15m view incident=a account=v`, `r a 0 1 m=2`)
	f(`{distinct: account, types: [view]}`, `0s view incident=a account=u
		5m view incident=a account=u
		1m view incident=a account=u
		16m view incident=a account=v`, `r a 0 1 m=1`)
	// a group's largest size, also by an older event; a smaller one does not lower it
	f(`{distinct: group, weight: members, types: [share]}`, `1m share incident=a group=g members=5
		2m share incident=a group=g members=3
		0s share incident=a group=g members=9
		2m share incident=a group=h members=0
		2m share incident=a group=i`, `r a 0 1 m=9`)
	// the size is that since the key last entered the window: 9 goes on while the key is seen again ...
	f(`{distinct: group, weight: members, types: [share]}`, `0s share incident=a group=g members=9
		10m share incident=a group=g members=3
		20m share incident=a group=g members=4`, `r a 0 1 m=9`)
	f(`{distinct: group, weight: members, types: [share]}`, `0s share incident=a group=g members=5
		0s share incident=a group=g members=9
		1m share incident=a group=g members=3
		11m share incident=a group=h members=1`, `r a 0 1 m=10`)
	// ... and is forgotten when it has left, also if only T moved on meanwhile
	f(`{distinct: group, weight: members, types: [share]}`, `0s share incident=a group=g members=9
		11m share incident=a group=g members=3`, `r a 0 1 m=3`)
	f(`{distinct: group, weight: members, types: [share]}`, `0s share incident=a group=g members=9
		11m share incident=a group=h members=1
		2m share incident=a group=g members=3`, `r a 0 1 m=4`)
}

func TestWeightsStayAtTheTop(t *testing.T) {
	const share = `share incident=a amount=`
	f := func(keys int, want string) {
		t.Helper()
		events := ""
		for i := range keys {
			events += "0s " + share + "1000000000000000 group=g" + string(rune('a'+i)) + "\n"
		}
		o := play(t, Options{}, `
pack: p
measures: {m: {distinct: group, weight: amount, types: [share]}}
rules: [{id: r, by: incident, window: 10m, step: 1m, limits: {m: 9007199254740991}, levels: [2]}]
`, events, ``)
		wantCounts(t, o, want)
	}
	f(9, `r a 0 1 m=9000000000000000`)
	f(10, `r a 0 1 m=9007199254740991+`)
	f(20, `r a 0 1 m=9007199254740991+`)
}

func TestWhere(t *testing.T) {
	f := func(where, events, want string) {
		t.Helper()
		o := play(t, Options{}, `
pack: p
measures: {m: {distinct: content, types: [publish], where: `+where+`}}
rules: [{id: r, by: incident, window: all, limits: {m: 100}}]
`, events, ``)
		wantCounts(t, o, want)
	}
	events := `0s publish incident=a content=1x media=video category=k
		0s publish incident=a content=2x media=text category=k
		0s publish incident=a content=3x category=l
		0s publish incident=a content=4x media=audio`
	f(`{media: [video]}`, events, `r a 0 1 m=1`)
	f(`{media: [video, audio]}`, events, `r a 0 1 m=2`)
	f(`{media: {not: [video]}}`, events, `r a 0 1 m=3`)
	f(`{media: {not: [video]}, category: [k, l]}`, events, `r a 0 1 m=2`)
	f(`{media: {not: [video, text]}, category: {not: [l]}}`, events, `r a 0 1 m=1`)
}

func TestAfter(t *testing.T) {
	f := func(window, events, want string) {
		t.Helper()
		o := play(t, Options{}, `
pack: p
measures:
  orders: {sum: count, types: [order, both]}
  defied: {sum: count, types: [click, both], after: orders}
rules: [{id: r, by: incident, window: `+window+`, limits: {defied: 100}}]
`, events, ``)
		wantCounts(t, o, want)
	}
	const ten = `10m, step: 1m`
	// not before an order was applied; what comes later does not reach back
	f(ten, `0s click incident=a
		1s order incident=a
		2s click incident=a count=7`, `r a 0 1 defied=7`)
	// no earlier than the order, to the nanosecond
	f(ten, `2s order incident=a
		1.999999999s click incident=a count=3
		2s click incident=a count=7`, `r a 0 1 defied=7`)
	// the earliest order of any bucket will do, in whatever order they came
	f(ten, `2m order incident=a
		1m order incident=a
		90s click incident=a count=7`, `r a 0 1 defied=7`)
	f(ten, `50s order incident=a
		10s order incident=a
		30s click incident=a count=7`, `r a 0 1 defied=7`)
	// an order of another subject does not help
	f(ten, `0s order incident=b
		1s click incident=a
		2s click incident=b count=7`, `r b 0 1 defied=7`)
	// an order that left the window is forgotten
	f(ten, `0s order incident=a
		10m59s click incident=a count=7`, `r a 0 1 defied=7`)
	f(ten, `0s order incident=a
		11m click incident=a count=7`, ``)
	f(`all`, `0s order incident=a
		9999h click incident=a count=7`, `r a 0 1 defied=7`)
	// an event is not after itself
	f(ten, `0s both incident=a
		0s both incident=a count=7`, `r a 0 1 defied=7`)
	// a refused event moves T, and so does an order
	f(ten, `0s order incident=a
		1s click incident=a count=3
		11m order incident=a
		10m click incident=a count=7`, ``)
	f(ten, `5m order incident=a
		5m click incident=a count=7
		0s click incident=a
		16m click incident=a count=3
		6m click incident=a`, ``)
}

// TestAfterIsAnotherCounter shows a measure beside the same one with after, and with another after.
func TestAfterIsAnotherCounter(t *testing.T) {
	o := play(t, Options{}, `
pack: p
measures:
  orders: {sum: count, types: [order]}
  fines: {sum: count, types: [fine]}
  clicks: {sum: count, types: [click]}
  ordered: {sum: count, types: [click], after: orders}
  fined: {sum: count, types: [click], after: fines}
rules: [{id: r, by: incident, window: 10m, step: 1m, limits: {clicks: 100, ordered: 100, fined: 100}}]
`, `0s click incident=a
		0s fine incident=a
		0s click incident=a count=2
		0s order incident=a
		0s click incident=a count=4`, ``)
	wantCounts(t, o, `r a 0 1 clicks=7 fined=6 ordered=4`)
}

// capPack counts accounts, and their followers, with a window of n = 10 buckets of a minute; a tick only moves T.
const capPack = `
pack: p
measures:
  keys: {distinct: account, types: [view]}
  weight: {distinct: account, weight: followers, types: [view]}
  ticks: {sum: count, types: [tick]}
rules:
  - {id: k, by: incident, window: 10m, step: 1m, limits: {keys: 2}, levels: [1.51]}
  - {id: w, by: incident, window: 10m, step: 1m, limits: {weight: 1000}, levels: [1]}
  - {id: t, by: incident, window: 10m, step: 1m, limits: {ticks: 1000}, levels: [1]}
`

// TestCapByLimits shows the cap of 10 x the largest limit x level: 10 x 2 x 1.51 = 30.2, rounded up.
func TestCapByLimits(t *testing.T) {
	f := func(accounts int, want string) {
		t.Helper()
		events := ""
		for i := range accounts {
			events += fmt.Sprintf("0s view incident=a account=u%d\n", i)
		}
		wantCounts(t, play(t, Options{}, capPack, events, "4 k/incident/a/1/1.51 0s"), want)
	}
	f(31, `k a 1.51 1 keys=31`)
	f(32, `k a 1.51 1 keys=31+`)
	f(99, `k a 1.51 1 keys=31+`)
}

// TestCapIsOfTheCounter: the largest cap holds for all rules over one counter, whatever its name
// and spelling. It does not hold for a counter over another window.
func TestCapIsOfTheCounter(t *testing.T) {
	events := ""
	for i := range 40 {
		events += fmt.Sprintf("0s view incident=a account=u%d\n", i)
	}
	o := play(t, Options{}, `
pack: p
measures: {keys: {distinct: account, types: [view]}, same: {distinct: {view: account}}}
rules:
  - {id: a, by: incident, window: 60m, step: 1m, limits: {same: 2}, levels: [1]}
  - {id: b, by: incident, window: 60m, step: 1m, limits: {keys: 3}, levels: [1]}
  - {id: c, by: incident, window: 1h, step: 60s, limits: {same: 1}, levels: [1]}
  - {id: d, by: incident, window: 60m, step: 2m, limits: {keys: 1}, levels: [1]}
`, events, `1 c/incident/a/1/1 0s
		1 d/incident/a/1/1 0s
		2 a/incident/a/1/1 0s
		3 b/incident/a/1/1 0s`)
	wantCounts(t, o, `a a 1 1 same=30+
		b a 1 1 keys=30+
		c a 1 1 same=30+
		d a 1 1 keys=10+`)
}

func TestCap(t *testing.T) {
	f := func(events, want string) {
		t.Helper()
		opt := Options{MaxMembers: 3}
		pack := strings.Replace(capPack, "1.51", "1000", 1)
		wantCounts(t, play(t, opt, pack, events, ``), want)
	}
	// the key of the oldest bucket makes room, and the mark stays until that bucket has left
	four := `0m view incident=a account=u
		1m view incident=a account=v
		2m view incident=a account=w
		3m view incident=a account=x
		`
	f(four, `k a 0 1 keys=3+`)
	f(four+`10m tick incident=a`, "k a 0 1 keys=3+\nt a 0 1 ticks=1")
	f(four+`11m tick incident=a`, "k a 0 1 keys=3\nt a 0 1 ticks=1")
	// a key already there displaces nobody
	f(four+`3m view incident=a account=v
		11m tick incident=a`, "k a 0 1 keys=3\nt a 0 1 ticks=1")
	// a key that was displaced is new again
	f(four+`3m view incident=a account=u
		11m tick incident=a`, "k a 0 1 keys=3+\nt a 0 1 ticks=1")
	f(four+`3m view incident=a account=u
		12m tick incident=a`, "k a 0 1 keys=3\nt a 0 1 ticks=1")
	// a new key may be older than the key that makes room
	f(four+`0m view incident=a account=y
		10m tick incident=a`, "k a 0 1 keys=3+\nt a 0 1 ticks=1")
	f(four+`0m view incident=a account=y
		11m tick incident=a`, "k a 0 1 keys=2+\nt a 0 1 ticks=1")
	// the mark does not go back to minute 0 when y goes again
	f(four+`0m view incident=a account=y
		3m view incident=a account=z
		11m tick incident=a`, "k a 0 1 keys=3+\nt a 0 1 ticks=1")
	// of several in one bucket, the key that came there first; keys that have left the window make
	// room by themselves
	f(`0m view incident=a account=u followers=5
		0m view incident=a account=v followers=7
		1m view incident=a account=w followers=1
		0m view incident=a account=u followers=5
		1m view incident=a account=x followers=1`, "k a 0 1 keys=3+\nw a 0 1 weight=9+")
	f(four+`13m view incident=a account=y`, `k a 0 1 keys=2`)
}

func TestDisplaced(t *testing.T) {
	o, err := Options{MaxMembers: 1}.New([]byte(capPack))
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range lines(`0m view incident=b account=u
		0m view incident=b account=u
		0m view incident=a account=u
		0m view incident=a account=v`) {
		o.ApplyTo(line(t, i, text))
	}
	if got := strings.Join(o.Displaced(), " "); got != "incident/a" {
		t.Errorf("displaced %q, want incident/a", got)
	}
}
