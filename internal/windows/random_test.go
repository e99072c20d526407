package windows

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomRun is random events against the oracle, with writes, reads,
// other layouts, deletions and races in between.
type randomRun struct {
	t      *testing.T
	rng    *rand.Rand
	all    *Layout // of all counters and rules
	oracle *oracle
	sub    *kept
	states map[uint64]RuleState
	keys   []uint64
	past   []*kept // earlier states: what another process may still hold
	span   int64
	delay  uint64
}

func TestRandomHistories(t *testing.T) {
	runs := 400
	if testing.Short() {
		runs = 50
	}
	base := rand.Uint64()
	for n := range runs {
		seed := base + uint64(n)
		ok := t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			newRandomRun(t, seed).run()
		})
		if !ok {
			return
		}
	}
}

// TestRandomSeeds runs fixed histories; the seed of a failure of the other goes here.
func TestRandomSeeds(t *testing.T) {
	for _, seed := range []uint64{1, 17274970743576991932, 3762947906707535471, 3934341128373855813} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			newRandomRun(t, seed).run()
		})
	}
}

func newRandomRun(t *testing.T, seed uint64) *randomRun {
	r := &randomRun{t: t, rng: rand.New(rand.NewPCG(seed, 0)), states: map[uint64]RuleState{}}
	r.all = &Layout{Sizes: Sizes{Inline: r.rng.IntN(4), Chunk: 1 + r.rng.IntN(4), History: 1 + r.rng.IntN(30)}}
	for i := range 1 + r.rng.IntN(6) {
		r.all.Counters = append(r.all.Counters, r.spec(uint64(i)))
	}
	r.all.Rules = []uint64{100, 200, 300}
	for range 5 + r.rng.IntN(40) {
		r.keys = append(r.keys, r.rng.Uint64())
	}
	r.oracle = newOracle(r.all.Counters, r.all.Sizes)
	r.sub = newKept(r.all)
	return r
}

func (r *randomRun) spec(id uint64) Spec {
	steps := []int64{1, 3, 10, 7 * second, 3600 * second, 0}
	sp := Spec{ID: id<<40 | 7, Op: Op(r.rng.IntN(4)), Step: steps[r.rng.IntN(len(steps))]}
	sp.Cap = []int{1, 2, 5, 12, 1000}[r.rng.IntN(5)]
	if sp.Step > 0 {
		sp.N = r.rng.Int64N(8)
		if r.rng.IntN(4) == 0 {
			sp.N = 30
		}
	}
	r.span = max(r.span, sp.Step*(sp.N+1))
	return sp
}

func (r *randomRun) run() {
	for range 50 + r.rng.IntN(150) {
		switch r.rng.IntN(20) {
		case 0, 1, 2:
			r.checkPending()
			r.sub.write()
			r.checkStore()
		case 3, 4:
			r.reload(r.all)
		case 5:
			r.reload(r.some())
		case 6:
			r.setState()
		case 7:
			r.clear()
		case 8:
			r.deleteOrphans()
		case 9:
			r.race()
		case 10:
			r.shrink()
		default:
			r.event()
		}
		r.check()
		r.checkWhole()
	}
}

// checkPending: the parts counted as pending are not fewer than those to be written.
func (r *randomRun) checkPending() {
	if most, n := r.sub.Pending(), len(r.sub.Dirty(nil)); n > most {
		r.t.Fatalf("%d parts are to be written, pending are %d", n, most)
	}
}

// checkWhole: a subject is whole if no part of it is missing.
func (r *randomRun) checkWhole() {
	whole := true
	for _, c := range r.sub.counters {
		if c == nil {
			continue
		}
		whole = whole && !c.history.missing
		for at := range c.chunks() {
			whole = whole && c.members.loaded(at) != nil
		}
	}
	if whole != r.sub.Whole() {
		r.t.Fatalf("whole: %v, said to be %v", whole, r.sub.Whole())
	}
}

// some is a layout of some of the counters and rules, in another order.
func (r *randomRun) some() *Layout {
	l := &Layout{Sizes: r.all.Sizes}
	for _, i := range r.rng.Perm(len(r.all.Counters))[:1+r.rng.IntN(len(r.all.Counters))] {
		l.Counters = append(l.Counters, r.all.Counters[i])
	}
	for _, i := range r.rng.Perm(3)[:r.rng.IntN(4)] {
		l.Rules = append(l.Rules, r.all.Rules[i])
	}
	return l
}

// number is the oracle's number of counter i of the layout.
func (r *randomRun) number(i int) int {
	return slices.IndexFunc(r.all.Counters, func(sp Spec) bool { return sp.ID == r.sub.layout.Counters[i].ID })
}

// time is a random time near the subject's time, on the scale of some counter.
func (r *randomRun) time() int64 {
	sp := r.all.Counters[r.rng.IntN(len(r.all.Counters))]
	span := max(sp.Step, 1) * (sp.N + 2)
	switch r.rng.IntN(12) {
	case 0:
		return r.oracle.now - r.span + r.rng.Int64N(2*r.span+2)
	case 1:
		return r.oracle.now
	}
	return r.oracle.now - span/2 + r.rng.Int64N(span)
}

func (r *randomRun) event() {
	t, i := r.time(), r.rng.IntN(len(r.sub.layout.Counters))
	key, num := r.keys[r.rng.IntN(len(r.keys))], r.rng.Uint64N(50)
	switch r.rng.IntN(40) {
	case 0:
		num = MaxValue - r.rng.Uint64N(100)
	case 1:
		num = math.MaxUint64 - r.rng.Uint64N(3)
	}
	o := r.number(i)
	if stream := r.time(); !r.sub.Late(i, t) {
		r.sub.Follow(t, stream)
		if t >= r.oracle.now || !r.oracle.timed {
			r.delay = uint64(max(stream-t, 0))
		}
	}
	counted, err := r.sub.event(i, t, key, num)
	if err != nil {
		r.t.Fatal(err)
	}
	if counted == r.oracle.late(o, t) {
		r.t.Fatalf("event of %d at %d: counted %v", t, r.oracle.now, counted)
	}
	if counted {
		r.oracle.advance(t)
		r.oracle.add(o, t, key, num)
	}
}

// clear moves the time alone, as a dated clear does.
func (r *randomRun) clear() {
	t := r.time()
	r.sub.Advance(t)
	r.oracle.advance(t)
}

func (r *randomRun) setState() {
	if n := len(r.sub.layout.Rules); n > 0 {
		rule := r.rng.IntN(n)
		m := RuleState{Level: r.rng.Uint64N(3), Episode: r.rng.Uint64N(3)}
		r.sub.SetRuleState(rule, m)
		r.states[r.sub.layout.Rules[rule]] = m
	}
}

// reload writes, keeps a copy for a race, and reads by layout l.
func (r *randomRun) reload(l *Layout) {
	r.sub.write()
	old := *r.sub
	old.record = bytes.Clone(old.record)
	r.past = append(r.past, &old)
	if err := r.sub.reload(l); err != nil {
		r.t.Fatal(err)
	}
	if r.sub.Changed() || len(r.sub.Dirty(nil)) > 0 {
		r.t.Fatal("changed by reading")
	}
}

// deleteOrphans deletes some, while events go on.
func (r *randomRun) deleteOrphans() {
	parts := r.sub.Orphans(nil)
	parts = parts[:r.rng.IntN(len(parts)+1)]
	for _, p := range parts {
		delete(r.sub.parts, string(r.sub.PartID(nil, p)))
	}
	for range r.rng.IntN(12) {
		r.event()
	}
	if r.rng.IntN(2) == 0 {
		r.sub.write()
	}
	r.sub.Deleted(parts)
}

func (r *randomRun) shrink() {
	if t, ok := r.sub.Time(); ok && r.sub.Empty(t) {
		r.sub.Shrink(nil)
	}
}

// race reads the parts of today for a record of the past, and counts on. Nothing of it may be
// written. Nothing may fail, except with ErrMissingPart.
func (r *randomRun) race() {
	if len(r.past) == 0 {
		return
	}
	old := *r.past[r.rng.IntN(len(r.past))]
	fail := func(err error) bool {
		if err != nil && !errors.Is(err, ErrMissingPart) {
			r.t.Fatalf("part newer than its record: %v", err)
		}
		return err != nil
	}
	if fail(old.reload(r.all)) {
		return
	}
	for range 30 {
		i := r.rng.IntN(len(r.all.Counters))
		if _, err := old.event(i, r.time(), r.keys[r.rng.IntN(len(r.keys))], r.rng.Uint64N(50)); fail(err) {
			return
		}
		old.Value(i)
	}
	for _, p := range old.Dirty(nil) {
		old.AppendPart(nil, p)
	}
	old.AppendRecord(nil, [VersionSize]byte{}, 0)
}

// checkStore checks that the store holds the parts in use, and no others but orphans.
func (r *randomRun) checkStore() {
	known := map[string]bool{}
	for _, p := range r.sub.Orphans(nil) {
		known[string(r.sub.PartID(nil, p))] = true
	}
	used := func(counter, chunks int, history bool) {
		for at := range chunks {
			id := string(r.sub.PartID(nil, Part{counter, at}))
			if known[id] = true; r.sub.parts[id] == nil {
				r.t.Fatalf("part %s is not in the store", id)
			}
		}
		if history {
			known[string(r.sub.PartID(nil, Part{counter, -1}))] = true
		}
	}
	for i, c := range r.sub.counters {
		if c != nil {
			used(i, c.chunks(), c.history.part)
		}
	}
	for i, f := range r.sub.foreign {
		used(len(r.sub.counters)+i, f.head.chunks, f.head.part)
	}
	for id := range r.sub.parts {
		if !known[id] {
			r.t.Fatalf("part %s is forgotten in the store", id)
		}
	}
}

// check compares all that can be asked.
func (r *randomRun) check() {
	if t, ok := r.sub.Time(); t != r.oracle.now || ok != r.oracle.timed {
		r.t.Fatalf("time %d %v, want %d %v", t, ok, r.oracle.now, r.oracle.timed)
	}
	if r.sub.Delay() != r.delay {
		r.t.Fatalf("delay %d, want %d", r.sub.Delay(), r.delay)
	}
	later := r.oracle.now + r.rng.Int64N(r.span+2)
	for i := range r.sub.layout.Counters {
		o := r.number(i)
		r.checkValue(fmt.Sprintf("value of %d", o), i, r.oracle.now)
		r.checkValue(fmt.Sprintf("value of %d at %d", o, later), i, later)
		r.checkNext(i, r.oracle.now)
		r.checkNext(i, later)
		t := r.time()
		if got, want := r.sub.Late(i, t), r.oracle.late(o, t); got != want {
			r.t.Fatalf("late %d at %d: %v, want %v", t, r.oracle.now, got, want)
		}
		if r.all.Counters[o].Op == First {
			if got, want := r.sub.Preceded(i, t), r.oracle.preceded(o, t); got != want {
				r.t.Fatalf("preceded %d at %d: %v, want %v", t, r.oracle.now, got, want)
			}
			continue
		}
		if got, want := r.sub.LiveKeys(i), len(r.oracle.members(o, r.oracle.now)); got != want {
			r.t.Fatalf("%d live keys, want %d", got, want)
		}
		if c := r.sub.counters[i]; c != nil && c.chunks() != r.oracle.n[o] {
			r.t.Fatalf("counter %d: %d chunks, want %d", o, c.chunks(), r.oracle.n[o])
		}
	}
	for rule, id := range r.sub.layout.Rules {
		if r.sub.RuleState(rule) != r.states[id] {
			r.t.Fatalf("state of %d: %v, want %v", id, r.sub.RuleState(rule), r.states[id])
		}
	}
	if got, want := r.sub.Empty(later), r.oracle.empty(later); got != want {
		r.t.Fatalf("empty at %d: %v, want %v", later, got, want)
	}
}

func (r *randomRun) checkValue(what string, i int, t int64) {
	v, atLeast := r.sub.ValueAt(i, t)
	if t == r.oracle.now {
		if v2, a2 := r.sub.Value(i); v2 != v || a2 != atLeast {
			r.t.Fatalf("%s: %d %v, then %d %v", what, v, atLeast, v2, a2)
		}
	}
	if want, wantAtLeast := r.oracle.valueAt(r.number(i), t); v != want || atLeast != wantAtLeast {
		r.t.Fatalf("%s: %d %v, want %d %v", what, v, atLeast, want, wantAtLeast)
	}
}

func (r *randomRun) checkNext(i int, t int64) {
	got, ok := r.sub.NextChange(i, t)
	want, wantOK := r.oracle.nextChange(r.number(i), t)
	if got != want || ok != wantOK {
		r.t.Fatalf("next change of %d after %d: %d %v, want %d %v", r.number(i), t, got, ok, want, wantOK)
	}
}
