package verify

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// TestPiece: a counter differs by its value, otherwise by its oldest bucket that does, otherwise by its members; before the
// piece that is compared it may differ.
func TestPiece(t *testing.T) {
	layout := &enginetest.Compile(t, `
pack: p
measures:
  clicks: {sum: count, types: [click]}
  readers: {distinct: account, types: [click]}
rules:
  - {id: r, by: incident, window: 10h, step: 1h, limits: {clicks: 9}}
  - {id: s, by: incident, window: 10h, step: 1h, limits: {readers: 9}}
`).Kinds[thresholds.Incident].Layout
	const hour = int64(time.Hour)
	const start = 491_000 * hour
	type add struct{ hour, member, n int64 }
	subject := func(counter int, adds []add) *engine.Subject {
		s := windows.NewSubject(layout)
		for _, a := range adds {
			s.Touch(start + a.hour*hour)
			s.Advance(start + a.hour*hour)
			s.Add(counter, start+a.hour*hour, uint64(a.member), uint64(a.n))
		}
		s.Advance(start + 5*hour)
		return &engine.Subject{Subject: s}
	}
	for _, x := range []struct {
		name      string
		op        windows.Op
		want, got []add
		from      int64 // hour
		differs   string
	}{
		{"equal", windows.Sum, []add{{1, 0, 2}, {3, 0, 1}}, []add{{3, 0, 1}, {1, 0, 2}}, 0, ""},
		{"another value", windows.Sum, []add{{1, 0, 2}}, []add{{1, 0, 3}}, 0, "value {2 false} {3 false}"},
		{"another bucket", windows.Sum, []add{{1, 0, 2}}, []add{{2, 0, 2}}, 0, "bucket {2026-01-05T09:00:00Z 0 2 } {2026-01-05T09:00:00Z 0 0 }"},
		{"differs before", windows.Sum, []add{{1, 0, 2}, {3, 0, 1}}, []add{{3, 0, 1}}, 2, ""},
		{"differs after", windows.Sum, []add{{1, 0, 2}, {3, 0, 1}}, []add{{3, 0, 2}}, 2, "bucket {2026-01-05T11:00:00Z 0 1 } {2026-01-05T11:00:00Z 0 2 }"},
		{"another member", windows.Distinct, []add{{1, 7, 0}, {1, 8, 0}}, []add{{1, 7, 0}, {1, 9, 0}}, 0, "members {2 1} {2 1}"},
		{"equal members", windows.Distinct, []add{{1, 7, 0}, {1, 8, 0}}, []add{{1, 8, 0}, {1, 7, 0}, {1, 7, 0}}, 0, ""},
	} {
		i := 0
		for layout.Counters[i].Op != x.op {
			i++
		}
		p := piece{spec: &layout.Counters[i], all: x.from == 0}
		p.from = p.spec.Bucket(start + x.from*hour)
		text := ""
		if d, differs := p.compare(subject(i, x.want), subject(i, x.got), i); differs {
			text = fmt.Sprint(d.What, " ", d.Want, " ", d.Got)
		}
		if text != x.differs {
			t.Errorf("%s: %q, want %q", x.name, text, x.differs)
		}
	}
}
