package shard

import (
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// near is what the lists of subjects near a limit show of one, as far as is known. Written commits make
// of it what they have to show otherwise.
type near struct {
	rows  []shown // listed, by what was written last
	fed   uint64  // rules that were fed since then, by number; the last bit stands for all from there on
	sight int64   // the time of the subject from which on the next sight is due; NoTime: there was none since it was read
	ops   uint32  // operations since it was read, up to the first sight
	first int64   // the time of the first sight since the subject was read
	seen  []seen  // the sights since the last commit
}

// shown is a row as it was given to be written.
type shown struct {
	rule     int
	level    uint64
	progress uint64
	unsure   bool // the record says so; what the list has is not known
}

// seen is a sight of a rule.
type seen struct {
	rule int
	listing.Sight
}

const lastFed = 63

func (n *near) feed(rules []int) {
	for _, r := range rules {
		n.fed |= 1 << min(r, lastFed)
	}
}

// wasFed reports whether a rule was fed since the last commit, as far as is known.
func (n *near) wasFed(r int) bool { return n.fed>>min(r, lastFed)&1 != 0 }

// far reports whether a subject that was not near a limit so far is not looked at this time: of its first operations each is, then
// every few.
func (n *near) far() bool {
	const few = 8
	n.ops++
	return n.ops > few && n.ops%few != 0
}

func (n *near) row(r int) *shown {
	for i := range n.rows {
		if n.rows[i].rule == r {
			return &n.rows[i]
		}
	}
	return nil
}

// lists reports whether rows of e are to be listed.
func (s *counter) lists(e *Entry) bool { return s.Listing != nil && e.Kind != thresholds.Canary }

// beginNear notes of a subject as it was read which rows it has, as its record says.
func (s *counter) beginNear(e *Entry) {
	if !s.lists(e) {
		return
	}
	e.near = near{rows: e.near.rows[:0], sight: engine.NoTime}
	if e.version == nil {
		return
	}
	for r := range s.Program.Kinds[e.Kind].Rules {
		if p := s.apply.Progress(&e.Subject, r); engine.Listed(e.Subject.Subject, r, p) {
			e.near.rows = append(e.near.rows, shown{rule: r, unsure: true})
		}
	}
}

// follow notes which rules an operation has fed, and a sight of them if one is due.
func (s *counter) follow(e *Entry, fed []int) {
	if !s.lists(e) {
		return
	}
	n := &e.near
	n.feed(fed)
	now, _ := e.Time()
	if now < n.sight || n.sight == engine.NoTime && n.far() {
		return
	}
	sighted := false
	for r := range s.Program.Kinds[e.Kind].Rules {
		if (n.row(r) != nil || slices.Contains(fed, r)) && s.see(e, r, now) {
			sighted = true
		}
	}
	if !sighted {
		return
	}
	if n.sight == engine.NoTime {
		n.first = now
	}
	n.sight = now + listing.Gap(now-n.first)
}

// see notes how far e is to the limit of a rule, if it is near.
func (s *counter) see(e *Entry, r int, now int64) bool {
	rule := &s.Program.Kinds[e.Kind].Rules[r]
	s.values = rule.AppendValues(s.values[:0], e.Subject.Subject)
	if rule.Progress(s.values) < uint64(engine.ListedFrom) {
		return false
	}
	e.near.seen = append(e.near.seen, seen{r, listing.Sight{Time: now, Fraction: rule.Fraction(s.values)}})
	return true
}

// listChanged gives the lister the rows of e, which was written, that are otherwise than they were shown.
func (s *counter) listChanged(e *Entry) {
	if !s.lists(e) {
		return
	}
	n := &e.near
	s.changes = s.changes[:0]
	for r := range s.Program.Kinds[e.Kind].Rules {
		if row := n.row(r); row != nil || n.wasFed(r) {
			s.compareRow(e, r, row)
		}
	}
	n.fed, n.seen = 0, nil
	if len(s.changes) > 0 && !s.Listing.Take(s.Number, s.changes) {
		for i := range n.rows {
			n.rows[i].unsure = true
		}
	}
}

// compareRow adds the row of rule r to the changes if it is otherwise than it was shown, and notes what it is shown as; nil: not listed.
func (s *counter) compareRow(e *Entry, r int, row *shown) {
	n := &e.near
	now := shown{rule: r, progress: s.apply.Progress(&e.Subject, r), level: e.RuleState(r).Level}
	c := listing.Change{Name: listing.Name{Kind: e.Kind, ID: e.ID}, Rule: r, Progress: now.progress}
	c.Listed = engine.Listed(e.Subject.Subject, r, now.progress)
	const far = uint64(thresholds.LevelOne / 100)
	for _, x := range n.seen {
		if x.rule == r {
			c.Sights = append(c.Sights, x.Sight)
		}
	}
	switch {
	case row == nil && !c.Listed:
		return
	case row == nil:
		n.rows, c.Urgent = append(n.rows, now), true
	case !c.Listed:
		n.rows, c.Urgent = slices.DeleteFunc(n.rows, func(x shown) bool { return x.rule == r }), true
	case *row == now && len(c.Sights) == 0:
		return
	default:
		c.Urgent = row.unsure || row.level != now.level || row.progress/far != now.progress/far
		*row = now
	}
	s.changes = append(s.changes, c)
}
