package oracle

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const randomPack = `
pack: random
measures:
  clicks: {sum: count, types: [click]}
  readers: {distinct: account, types: [click, view]}
  members: {distinct: group, weight: members, types: [view, share]}
  money: {sum: amount, types: [pay], where: {category: {not: [x]}}}
  orders: {sum: amount, types: [pay, order]}
  defied: {sum: count, types: [click], after: orders}
  reached: {distinct: {view: account, share: recipient}, after: orders}
rules:
  - {id: clicks, by: incident, window: 10m, step: 1m, limits: {clicks: 6}, levels: [0.5, 0.8, 1, 2], clear: 0.4}
  - {id: wide, by: incident, window: 40m, step: 10m, limits: {clicks: 9, readers: 4, members: 20}, combine: at-least-2, clear: 0.5}
  - {id: all, by: incident, window: all, limits: {clicks: 30, readers: 4}, combine: all, levels: [0.5, 1]}
  - {id: ratio, by: incident, window: 10m, step: 5m, limits: {readers: 3, money: 7, members: 13}, combine: ratio, levels: [0.7, 1], clear: 0.7}
  - {id: after, by: incident, window: 10m, step: 1m, limits: {defied: 3, reached: 2}, levels: [0.5, 1], clear: 0.3}
  - {id: account, by: account, window: 5m, step: 1m, limits: {members: 9, money: 9007199254740991}, clear: 0.5}
  - {id: group, by: group, window: 5m, step: 5m, limits: {readers: 1}, clear: 1}
`

// TestPlainAndFast compares the two ways of counting over random histories, record for record.
func TestPlainAndFast(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	displaced := 0
	for history := range 40 {
		rng := rand.New(rand.NewPCG(seed, uint64(history)))
		opt := Options{MaxMembers: 1 + rng.Int64N(6), MaxAhead: time.Duration(1+rng.Int64N(60)) * time.Minute}
		fast, err := opt.New([]byte(randomPack))
		if err != nil {
			t.Fatal(err)
		}
		opt.Plain = true
		plain, err := opt.New([]byte(randomPack))
		if err != nil {
			t.Fatal(err)
		}
		if events, ok := same(rng, plain, fast); !ok {
			t.Fatalf("seed %d, history %d: the ways differ after\n%s", seed, history, events)
		}
		displaced += len(fast.Displaced())
	}
	if displaced == 0 {
		t.Error("no history reached a cap")
	}
}

// same feeds both oracles. It returns what it fed them, and whether all their answers were equal.
func same(rng *rand.Rand, plain, fast *Oracle) (string, bool) {
	var events strings.Builder
	partitions := 1 + rng.IntN(2)
	now := zero
	for i := range 100 {
		now = now.Add(time.Duration(rng.Int64N(int64(2 * time.Minute))))
		value, partition, millis := randomEvent(rng, i, now), rng.IntN(partitions), int64(EventTime)
		if rng.IntN(2) == 0 {
			millis = now.UnixMilli()
		}
		fmt.Fprintf(&events, "%d %d %s\n", partition, millis, value)
		a, b := plain.ApplyTo(partition, value, millis), fast.ApplyTo(partition, value, millis)
		if !bytes.Equal(records(a), records(b)) {
			fmt.Fprintf(&events, "plain:\n%s\nfast:\n%s", records(a), records(b))
			return events.String(), false
		}
		if a, b := resultsText(plain), resultsText(fast); i%7 == 0 && a != b {
			fmt.Fprintf(&events, "plain:\n%s\nfast:\n%s", a, b)
			return events.String(), false
		}
	}
	return events.String(), true
}

func resultsText(o *Oracle) string {
	return fmt.Sprintf("%s\n%+v", bytes.Join(o.Counts(), []byte("\n")), o.Results())
}

func records(crossings []Crossing) []byte {
	var b []byte
	for _, c := range crossings {
		b = append(append(b, c.JSON()...), '\n')
	}
	return b
}

// randomEvent is about one of few subjects, mostly in time, sometimes long ago, ahead, a repeat or malformed.
func randomEvent(rng *rand.Rand, i int, now time.Time) []byte {
	pick := func(values ...string) string { return values[rng.IntN(len(values))] }
	at := now.Add(-time.Duration(rng.Int64N(int64(30 * time.Second))))
	switch rng.IntN(20) {
	case 0:
		at = now.Add(-time.Duration(rng.Int64N(int64(time.Hour))))
	case 1:
		at = now.Add(time.Duration(rng.Int64N(int64(time.Hour))))
	case 2:
		i -= rng.IntN(9)
	}
	text := fmt.Sprintf(`{"id":"e%d","time":%q,"type":%q`, i, stamp(at), pick("click", "click", "view", "share", "pay", "order", "none"))
	for _, field := range []string{"incident", "account", "group", "recipient", "category"} {
		if rng.IntN(4) > 0 {
			text += fmt.Sprintf(`,%q:%q`, field, pick("x", "x", "y", "z", "a", "b", "c", "d"))
		}
	}
	for _, field := range []string{"count", "members", "amount"} {
		if rng.IntN(2) > 0 {
			text += fmt.Sprintf(`,%q:%d`, field, rng.IntN(8))
		}
	}
	if rng.IntN(30) == 0 {
		text += `,"amount":1000000000000000`
	}
	return []byte(text + "}")
}
