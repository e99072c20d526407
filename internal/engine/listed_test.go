package engine_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// TestNearLimit: who is listed by progress is near the limit by a counter alone, whatever makes one progress of several.
func TestNearLimit(t *testing.T) {
	p := enginetest.Compile(t, `
pack: p
measures:
  a: {sum: count, types: [a]}
  b: {sum: count, types: [b]}
  c: {sum: count, types: [c]}
rules:
  - {id: any, by: account, window: 1h, step: 1m, limits: {a: 7, b: 1000, c: 33}}
  - {id: all, by: account, window: 1h, step: 1m, limits: {a: 7, b: 1000, c: 33}, combine: all}
  - {id: two, by: account, window: 1h, step: 1m, limits: {a: 7, b: 1000, c: 33}, combine: at-least-2}
  - {id: ratio, by: account, window: 1h, step: 1m, limits: {a: 7, b: 1000, c: 33}, combine: ratio}
`)
	kind := &p.Kinds[thresholds.Account]
	rnd := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	far := make([]int, len(kind.Rules))
	for range 10_000 {
		s := windows.NewSubject(&kind.Layout)
		s.Touch(at)
		s.Advance(at)
		for c, most := range []uint64{2, 110, 5} {
			s.Add(c, at, 0, rnd.Uint64N(most))
		}
		for i := range kind.Rules {
			r := &kind.Rules[i]
			values := r.AppendValues(nil, s)
			switch near := r.NearLimit(s); {
			case !near:
				far[i]++
				if r.Progress(values) >= uint64(engine.ListedFrom) {
					t.Fatalf("%s: %v is listed, and not near", r.ID, values)
				}
			case r.ID == "any" && r.Progress(values) < uint64(engine.ListedFrom):
				t.Fatalf("%v is near, and not listed", values)
			}
		}
	}
	for i, n := range far {
		if n == 0 {
			t.Errorf("%s: all are near", kind.Rules[i].ID)
		}
	}
}
