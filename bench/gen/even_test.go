package gen

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/oracle"
)

// evenPack counts what an Even makes; each mark crosses, and each incident once.
const evenPack = `
pack: even
measures:
  clicks: {sum: count, types: [click]}
  accounts: {distinct: account, types: [click]}
  marks: {sum: count, types: [publish]}
rules:
  - {id: marks, by: content, window: 48h, step: 1h, limits: {marks: 1}, levels: [1]}
  - {id: accounts, by: incident, window: 48h, step: 1h, limits: {accounts: 7}, levels: [1]}
`

// TestEvenFills shows by the oracle that the fill brings every account of every
// incident, and that each mark crosses.
func TestEvenFills(t *testing.T) {
	o, err := oracle.New([]byte(evenPack))
	if err != nil {
		t.Fatal(err)
	}
	e := NewEven(EvenConfig{Seed: 1, Subjects: 5, Members: 7, Fill: 35, Marks: 10})
	crossed := map[string]int{}
	var r Record
	for n := range 135 {
		e.Make(&r, time.UnixMilli(1_750_000_000_000+int64(n)))
		for _, c := range o.ApplyTo(r.Partition, r.Value, r.TimeMillis) {
			crossed[c.Rule]++
		}
		if n == 34 && crossed["accounts"] != 5 {
			t.Errorf("%d incidents have all accounts after the fill, want 5", crossed["accounts"])
		}
	}
	if crossed["marks"] != 10 || e.Marks() != 10 {
		t.Errorf("%d marks crossed, of %d, want 10", crossed["marks"], e.Marks())
	}
	if got, want := o.Results(), (oracle.Results{Matched: 135}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEvenBehind(t *testing.T) {
	e := NewEven(EvenConfig{Fill: 1, Delay: time.Hour})
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, want := range []string{`"time":"2026-01-01T12:00:00.000000Z"`, `"time":"2026-01-01T11:00:00.000000Z"`} {
		var r Record
		e.Make(&r, at)
		if !strings.Contains(string(r.Value), want) || r.TimeMillis != at.UnixMilli() {
			t.Errorf("got %s at %d, want %s", r.Value, r.TimeMillis, want)
		}
	}
}
