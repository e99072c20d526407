package inforce

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

const pack = `{pack: p, measures: {c: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1d, step: 1h, limits: {c: %d}}]}`

// id is 16 times a letter: an id of rules.
func id(letter string) string { return strings.Repeat(letter, 2*idSize) }

// TestHistory: a history after something began, and its stored form.
func TestHistory(t *testing.T) {
	f := func(stored string, e Era, want string) {
		t.Helper()
		h, err := ParseHistory([]byte(stored))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(h.AppendTo(nil)); got != stored {
			t.Errorf("%q is written as %q", stored, got)
		}
		if got := string(h.With(e).AppendTo(nil)); got != want {
			t.Errorf("%q with %v: %q, want %q", stored, e, got, want)
		}
	}
	a, b := id("a"), id("b")
	f("", Era{0, a, 1}, "0:"+a+":1")
	f("0:"+a+":1", Era{7, b, 2}, "0:"+a+":1 7:"+b+":2")
	f("0:"+a+":1", Era{7, a, 2}, "0:"+a+":1")
	f("0:"+a+":1 7:"+b+":2", Era{7, a, 3}, "0:"+a+":1") // nothing was decided by b
	f("0:"+a+":1 7:"+b+":2", Era{5, b, 3}, "0:"+a+":1 5:"+b+":3")
	h := History{}
	for i := range 2 * mostEras {
		h = h.With(Era{int64(i), id([]string{"a", "b"}[i%2]), 1})
	}
	if len(h) != mostEras || h[0].From != mostEras || h.End(0) != mostEras+1 || h.End(mostEras-1) != math.MaxInt64 {
		t.Errorf("%d eras, the first from %d on", len(h), h[0].From)
	}
	for _, bad := range []string{"0", "x:" + a + ":1", "0:" + a + ":x", "0:abc:1", "7:" + a + ":1 7:" + b + ":1"} {
		if h, err := ParseHistory([]byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, h)
		}
	}
}

// TestRulesID: rules that decide otherwise have another id, and the defaults are no change.
func TestRulesID(t *testing.T) {
	p := enginetest.Compile(t, fmt.Sprintf(pack, 9))
	first := Of(p, engine.IntakeOptions{})
	for name, x := range map[string]struct {
		rules Rules
		same  bool
	}{
		"the same, written out": {Of(p, engine.IntakeOptions{Types: map[string]string{}, MaxAhead: engine.DefaultMaxAhead, MaxIDs: engine.DefaultMaxIDs}), true},
		"another limit":         {Of(enginetest.Compile(t, fmt.Sprintf(pack, 10)), engine.IntakeOptions{}), false},
		"a type":                {Of(p, engine.IntakeOptions{Types: map[string]string{"a": "click"}}), false},
		"max_ahead":             {Of(p, engine.IntakeOptions{MaxAhead: time.Hour}), false},
		"the window of ids":     {Of(p, engine.IntakeOptions{DedupeWindow: time.Hour}), false},
	} {
		if same := x.rules.ID() == first.ID(); same != x.same {
			t.Errorf("%s: the same id: %v", name, same)
		}
	}
}

// TestKept: rules are kept once, beside those that were kept before, with the texts of their packs.
func TestKept(t *testing.T) {
	k := Kept{windowstore.NewMem(1)}
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for i, limit := range []int{9, 10, 9} {
		p := enginetest.Compile(t, fmt.Sprintf(pack, limit))
		r := Of(p, engine.IntakeOptions{})
		if err := k.Keep(t.Context(), &r, p.Packs(), at.AddDate(0, 0, i)); err != nil {
			t.Fatal(err)
		}
		text, err := Text(t.Context(), k.Store, r.Packs[0].Hash)
		if err != nil || string(text) != fmt.Sprintf(pack, limit) {
			t.Errorf("text %q, %v", text, err)
		}
		x, err := k.Index(t.Context())
		if err != nil || len(x.Rules) != min(i+1, 2) || len(x.Packs) != min(i+1, 2) {
			t.Fatalf("%+v, %v", x, err)
		}
		if got := x.Rules[r.ID()]; got.ID() != r.ID() {
			t.Errorf("%+v was kept as %+v", r, got)
		}
		if got := x.Packs[r.Packs[0].Hash].Since; !got.Equal(at.AddDate(0, 0, i%2)) {
			t.Errorf("pack %d since %v", i, got)
		}
	}
	if text, err := Text(t.Context(), k.Store, "none"); text != nil || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	for _, bad := range []string{"{", `{"rules":null}`} {
		if _, err := ParseIndex([]byte(bad)); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}
