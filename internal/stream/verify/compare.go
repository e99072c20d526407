package verify

import (
	"encoding/json"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// comparing compares the subjects of a shard at one place.
type comparing struct {
	program *engine.Program
	clears  *engine.Applier                // announces nothing
	began   map[uint64]int64               // since when each counter is kept, as coverage has it
	limits  []position.Position            // of each partition: where the store's shard is, and the recount
	high    int64                          // newest time matched in any partition, ns: no clear in the store is dated later
	horizon int64                          // from which on both sides are complete, ns; NoTime: from the start
	eras    *[thresholds.NumKinds]kindEras // what the rules of the past had; nil: they never changed
	result  *Result
	found   func(Difference)
	told    func(Finding) // nil: nobody wants to know what agrees

	// of the subject under way
	kind      thresholds.Kind
	name      string
	ordered   bool // the order is known in which its events were applied
	by        *decided
	want, got *engine.Subject
	now       int64
	whole     bool // the log as read has all of it
	sure      bool // and the order in which it was applied is known
}

func (c *comparing) differ(d Difference) {
	c.result.Differences++
	c.found(d)
}

func (c *comparing) skip(r Reason) { c.result.Open[r]++ }

// subject compares one subject: as the log gives it and as the store has it. Clears that are due by
// the newest time of all are made in both first, since the store may have made some already. Over
// several partitions the delays rest on the order: the smaller delay has all that either side may
// have made.
func (c *comparing) subject(kind thresholds.Kind, id string, want, got *engine.Subject) {
	c.kind, c.name, c.want, c.got = kind, kind.String()+"/"+id, want, got
	if want == nil && got == nil || !c.present() {
		return
	}
	c.whole = c.horizon == engine.NoTime || c.want.First() >= c.horizon && c.got.First() >= c.horizon
	c.whole = c.whole && len(c.by.apart) == 0
	c.sure = c.whole && c.ordered && !c.postponed()
	due := max(c.want.Reached(c.high), c.got.Reached(c.high))
	for _, s := range []*engine.Subject{c.want, c.got} {
		c.clears.Clear(s, due)
	}
	c.time()
	c.result.Subjects++
	var counters, levels []outcome
	for i := range c.program.Kinds[kind].Layout.Counters {
		counters = append(counters, c.observed(c.counter, i))
	}
	for r := range c.program.Kinds[kind].Rules {
		levels = append(levels, c.observed(c.level, r))
	}
	if c.told != nil {
		c.tell(counters, levels)
	}
}

// present deals with a subject that has no record on one side. It reports whether there is
// something to compare, with an empty subject on that side.
func (c *comparing) present() bool {
	layout := &c.program.Kinds[c.kind].Layout
	empty := func() *engine.Subject { return engine.NewSubject(windows.NewSubject(layout), c.kind, "") }
	switch {
	case c.want == nil && (c.horizon != engine.NoTime || !c.alike()):
		c.want = empty()
	case c.want == nil:
		c.differ(Difference{Subject: c.name, What: "record", Want: "none", Got: "there"})
		return false
	case c.got == nil && c.want.Empty(c.high-int64(engine.ForgetAfter)):
		c.skip(OpenForgotten)
		return false
	case c.got == nil && c.horizon != engine.NoTime && c.old():
		c.skip(OpenOld)
		return false
	case c.got == nil && !c.alike():
		c.got = empty()
	case c.got == nil:
		c.differ(Difference{Subject: c.name, What: "record", Want: "there", Got: "none"})
		return false
	}
	return true
}

// old reports whether all that the log has of the subject lies before the horizon.
func (c *comparing) old() bool {
	t, ok := c.want.Time()
	return !ok || t < c.horizon
}

// postponed reports whether the store may lack a clear that the log gives. A clear is not announced
// while its window reaches back before a counter began.
func (c *comparing) postponed() bool {
	since := int64(engine.NoTime)
	for _, m := range c.limits {
		if m.Since != 0 {
			since = max(since, m.Since)
		}
	}
	t := &c.program.Kinds[c.kind]
	for r := range t.Rules {
		rule := &t.Rules[r]
		if rule.Clear == 0 || rule.Window == 0 {
			continue
		}
		from := rule.WindowStart(c.want.Subject, min(c.want.First(), c.got.First()))
		for _, i := range rule.Counters {
			if t := max(since, c.begin(i)); t != engine.NoTime && time.Unix(0, t).After(from) {
				return true
			}
		}
	}
	return false
}

// time compares the subject's times, and moves both to the later one.
func (c *comparing) time() {
	want, timed := c.want.Time()
	got, ok := c.got.Time()
	if timed && ok && want != got && c.sure && c.alike() && c.calm() {
		c.differ(Difference{Subject: c.name, What: "time", Want: stamp(want), Got: stamp(got)})
	}
	if !timed || ok && got > want {
		want = got
	}
	c.now = want
	c.want.Advance(want)
	c.got.Advance(want)
	if c.whole && c.ever() && c.alike() && c.want.First() != c.got.First() {
		c.differ(Difference{Subject: c.name, What: "first", Want: stamp(c.want.First()), Got: stamp(c.got.First())})
	}
}

// ever reports whether the subject has a counter without a window. Such a subject is never
// forgotten, and crossings state its earliest time.
func (c *comparing) ever() bool {
	for i, spec := range c.program.Kinds[c.kind].Layout.Counters {
		if spec.Step == 0 {
			for range c.want.Buckets(i) {
				return true
			}
		}
	}
	return false
}

// since is the time from which on counter i can be compared, ns; NoTime: all of it can.
func (c *comparing) since(i int) int64 {
	t := c.begin(i)
	if c.whole {
		return t
	}
	return max(t, c.horizon)
}

// begin is the time since which counter i is kept, ns; NoTime: it always was.
func (c *comparing) begin(i int) int64 {
	id := c.program.Kinds[c.kind].Layout.Counters[i].ID
	t, ok := c.began[id]
	switch {
	case c.began == nil || ok && t == 0:
		return engine.NoTime
	case !ok:
		return engine.Never // it has not begun in all partitions
	}
	return t
}

// counter compares counter i.
func (c *comparing) counter(i int) {
	if c.apart(i) {
		c.skip(OpenIntake)
		return
	}
	spec := &c.program.Kinds[c.kind].Layout.Counters[i]
	low, since := spec.Lowest(c.now), c.since(i)
	p := piece{spec: spec, from: low, weights: c.sure || c.whole && low <= spec.Bucket(c.want.First())}
	if since != engine.NoTime {
		if spec.Step > 0 && since < engine.Never {
			p.from = max(low, spec.Bucket(since-1)+1)
		}
		if spec.Step == 0 || since == engine.Never || p.from > low {
			c.skip(c.reason(i))
		}
		if spec.Step == 0 || since == engine.Never || p.from > spec.Bucket(c.now) {
			return
		}
		p.weights = false
	}
	if !c.certain(i, since) {
		return
	}
	c.result.Counters++
	p.all = p.from == low
	if d, differs := p.compare(c.want, c.got, i); differs {
		d.Subject = c.name
		d.Rule, d.Measure = c.program.Kinds[c.kind].Named(i)
		c.differ(d)
	}
	if spec.Op == windows.Weighted && !p.weights {
		c.skip(OpenOrder)
	}
}

// reason is why counter i is not compared before a time.
func (c *comparing) reason(i int) Reason {
	if t := c.begin(i); t != engine.NoTime && (c.whole || t > c.horizon) {
		return OpenSince
	}
	return OpenOld
}

// certain reports whether what counter i holds is certain: it does not rest on an order, or a past,
// that is not known.
func (c *comparing) certain(i int, since int64) bool {
	known := c.sure && since == engine.NoTime
	_, capped := c.want.Value(i)
	_, stored := c.got.Value(i)
	switch {
	case (capped || stored) && !c.sameCap(i):
		c.skip(OpenRules)
		return false
	case known:
		return true
	case c.program.Kinds[c.kind].After[i] >= 0:
		c.skip(OpenOrder)
		return false
	case capped || stored:
		c.skip(OpenCapped)
		return false
	}
	return true
}

// level compares what was announced of rule r.
func (c *comparing) level(r int) {
	if open, why := c.unsettled(r); open {
		c.skip(why)
		return
	}
	c.result.Levels++
	want, got := c.want.RuleState(r), c.got.RuleState(r)
	want.Episode, got.Episode = max(want.Episode, 1), max(got.Episode, 1)
	if want != got {
		c.differ(Difference{
			Subject: c.name, Rule: c.program.Kinds[c.kind].Rules[r].ID, What: "level", Want: announcedLevel(want), Got: announcedLevel(got),
		})
	}
}

// unsettled reports whether the level of rule r cannot be compared, and why.
func (c *comparing) unsettled(r int) (open bool, why Reason) {
	switch {
	case len(c.by.apart) > 0:
		return true, OpenIntake
	case !c.sameRule(r):
		return true, OpenRules
	case !c.settled(r):
		return true, OpenLevels
	}
	return false, 0
}

// settled reports whether the level of rule r is certain: it does not rest on an order, or a past,
// that is not known. Either the order is known, or the rule's counters have lost nothing yet, so
// that they only grew.
func (c *comparing) settled(r int) bool {
	t := &c.program.Kinds[c.kind]
	for _, i := range t.Rules[r].Counters {
		spec := &t.Layout.Counters[i]
		_, capped := c.want.Value(i)
		_, stored := c.got.Value(i)
		grew := c.whole && !capped && !stored && t.After[i] < 0 && spec.Lowest(c.now) <= spec.Bucket(c.want.First())
		if c.since(i) != engine.NoTime || !c.sure && !grew {
			return false
		}
	}
	return true
}

// announcedLevel is a rule state as a difference shows it.
func announcedLevel(m windows.RuleState) any {
	return struct {
		Level   json.RawMessage `json:"level"`
		Episode uint64          `json:"episode"`
	}{json.RawMessage(thresholds.Level(m.Level).String()), m.Episode}
}
