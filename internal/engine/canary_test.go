package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// TestCanaries: a canary moves the stream's time, whoever sent it and whoever reads it. Only that of the service is counted, in the
// partition that it was sent to.
func TestCanaries(t *testing.T) {
	p := enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15"))
	secret, at := engine.Secret{K0: 1, K1: 2}, time.Date(2026, 5, 1, 0, 0, 0, 7, time.UTC)
	own := string(engine.AppendCanaryID(nil, secret, 3, at.UnixNano()))
	f := func(what, id string, when time.Time, partition, counted int) {
		t.Helper()
		in := engine.NewIntake(p, secret, engine.IntakeOptions{})
		if partition >= 0 {
			in.CountCanaries(partition)
		}
		line := fmt.Appendf(nil, `{"id":%q,"time":%q,"type":"canary","incident":"A","account":"B"}`, id, when.Format(time.RFC3339Nano))
		if err := in.Decoder.Decode(&in.Event, line); err != nil {
			t.Fatal(err)
		}
		ops, v := in.Operations()
		if v != engine.Canary || in.Newest != when.UnixNano() || len(ops) != counted {
			t.Errorf("%s: verdict %d, newest %d, %d operations, want %d", what, v, in.Newest, len(ops), counted)
		}
		if counted > 0 && (ops[0].Kind != thresholds.Canary || string(ops[0].ID) != "canary-3") {
			t.Errorf("%s: %+v", what, ops[0])
		}
	}
	f("own", own, at, 3, 1)
	f("in another partition", own, at, 4, 0)
	f("at a later time", own, at.Add(1), 3, 0)
	f("as far behind as events", own, at.Add(-engine.CanaryLag), 3, 1)
	f("further", own, at.Add(-engine.CanaryLag-1), 3, 0)
	f("with another digest", own[:len(own)-1]+"x", at, 3, 0)
	f("of somebody else", "1", at, 3, 0)
	f("where none are counted", own, at, -1, 0)
	if other := string(engine.AppendCanaryID(nil, engine.Secret{K0: 1}, 3, at.UnixNano())); other == own {
		t.Error("the id does not rest on the secret")
	}
	if _, inPack := thresholds.UsualType(thresholds.CanaryType); inPack != "" {
		t.Errorf("a canary is taken for %q", inPack)
	}
}

// TestCanaryCrosses: each canary is a crossing of an episode of its own, and no pack shows its rule.
func TestCanaryCrosses(t *testing.T) {
	p := enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15"))
	var ids []string
	a := engine.Applier{Program: p, Emit: func(_ *engine.Subject, c *thresholds.Crossing) { ids = append(ids, string(c.AppendID(nil))) }}
	s := engine.NewSubject(windows.NewSubject(&p.Kinds[thresholds.Canary].Layout), thresholds.Canary, "canary-3")
	in := engine.NewIntake(p, engine.Secret{}, engine.IntakeOptions{})
	in.CountCanaries(3)
	for _, at := range []int64{100, 90, 100} { // clocks differ
		in.Event.ID, in.Event.Time = engine.AppendCanaryID(nil, engine.Secret{}, 3, at), at
		in.Event.Type = []byte(thresholds.CanaryType)
		ops, _ := in.Operations()
		if out := a.Apply(s, &ops[0], engine.Moment{Time: in.Newest, Known: in.Newest}); out.Late {
			t.Errorf("the canary of %d was late", at)
		}
	}
	if got, want := fmt.Sprint(ids), "[canary/incident/canary-3/1/1 canary/incident/canary-3/2/1 canary/incident/canary-3/3/1]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for r := range p.Rules {
		if r.ID == thresholds.CanaryType {
			t.Error("the rule of canaries is in a list")
		}
	}
	if p.Has(p.Kinds[thresholds.Canary].Layout.Counters[0].ID) {
		t.Error("the counter of canaries is one of the packs'")
	}
}

// TestCopiedCanary: the bytes of a canary that somebody sends again are a repeat for as long as ids are remembered, and not counted afterwards.
func TestCopiedCanary(t *testing.T) {
	p := enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15"))
	secret, at := engine.Secret{K0: 1, K1: 2}, time.Date(2026, 5, 1, 0, 0, 0, 7, time.UTC)
	in := engine.NewIntake(p, secret, engine.IntakeOptions{})
	in.CountCanaries(3)
	id := engine.AppendCanaryID(nil, secret, 3, at.UnixNano())
	line := fmt.Appendf(nil, `{"id":%q,"time":%q,"type":"canary","incident":"canary-3"}`, id, at.Format(time.RFC3339Nano))
	counted := 0
	for i := range 4 {
		if err := in.Decoder.Decode(&in.Event, line); err != nil {
			t.Fatal(err)
		}
		if in.Stamp = at.Add(time.Duration(i) * 11 * time.Minute).UnixMilli(); !in.Repeated(in.Stamp) {
			ops, _ := in.Operations()
			counted += len(ops)
		}
	}
	if counted != 1 {
		t.Errorf("counted %d times", counted)
	}
}
