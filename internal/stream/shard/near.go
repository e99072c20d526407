package shard

import (
	"math/bits"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// near is what the lists of subjects near a limit show of one, as far as is known. Written commits make
// of it what they have to show otherwise.
type near struct {
	fed    uint64 // rules that were fed since then and may list it, by number; the last bit stands for all from there on
	listed *rows  // nil: it is near no limit, and was not since it was read
}

// rows is what is known of a subject that is near a limit, or was.
type rows struct {
	shown  []shown
	still  int64          // the time of the subject at which one of its windows slides; NoTime: not known
	sight  int64          // the time of the subject from which on the next sight is due; NoTime: there was none since it was read
	first  int64          // the time of the first sight since the subject was read
	seen   []seen         // the sights since the last commit
	sights int            // how often there were some since it was read
	ticket listing.Ticket // of what the lister has of it
}

// shown is a row as it was given to be written.
type shown struct {
	rule     int
	progress uint64
	level    uint64
	unsure   bool // the record says that there is one; what the list has is not known
}

// seen is a sight of a rule.
type seen struct {
	rule int
	listing.Sight
}

const lastFed = 63

func (n *near) feed(r int) { n.fed |= 1 << min(r, lastFed) }

// wasFed reports whether a rule that may list the subject was fed since the last commit, as far as is known.
func (n *near) wasFed(r int) bool { return n.fed>>min(r, lastFed)&1 != 0 }

// eachFed calls f with the rules, of so many, that were fed since the last commit, as far as is known.
func (n *near) eachFed(rules int, f func(r int)) {
	for fed := n.fed; fed != 0; fed &= fed - 1 {
		r := bits.TrailingZeros64(fed)
		f(r)
		if r == lastFed {
			for r++; r < rules; r++ {
				f(r)
			}
		}
	}
}

func (x *rows) row(r int) *shown {
	for i := range x.shown {
		if x.shown[i].rule == r {
			return &x.shown[i]
		}
	}
	return nil
}

// list makes e have rows.
func (n *near) list() *rows {
	if n.listed == nil {
		n.listed = &rows{sight: engine.NoTime, still: engine.NoTime}
	}
	return n.listed
}

// lists reports whether rows of e are to be listed.
func (s *counter) lists(e *Entry) bool { return s.Listing != nil && e.Kind != thresholds.Canary }

// beginNear notes of a subject as it was read which rows it has, as its record says.
func (s *counter) beginNear(e *Entry) {
	e.near = near{}
	if !s.lists(e) {
		return
	}
	if e.version == nil && s.Peers.Load() > 0 || e.version != nil && e.Writer() != s.Writer {
		s.Listing.Doubt(s.Number, listing.Name{Kind: e.Kind, ID: e.ID})
	}
	if e.version == nil {
		return
	}
	for r := range s.Program.Kinds[e.Kind].Rules {
		switch {
		case !s.mayList(e, r):
		case engine.Listed(e.Subject.Subject, r, s.apply.Progress(&e.Subject, r)):
			x := e.near.list()
			x.shown = append(x.shown, shown{rule: r, unsure: true})
		default:
			e.near.feed(r) // it has a level, with which it is listed once anything is counted again
		}
	}
}

// mayList reports whether e may be listed for rule r. It costs less than to work out whether it is.
func (s *counter) mayList(e *Entry, r int) bool {
	return s.Program.Kinds[e.Kind].Rules[r].NearLimit(e.Subject.Subject) || e.RuleState(r).Level > 0
}

// follow notes which rules an operation has fed, and a sight of them if one is due.
func (s *counter) follow(e *Entry, fed []int) {
	if !s.lists(e) {
		return
	}
	n := &e.near
	near := n.listed != nil
	for _, r := range fed {
		if n.wasFed(r) || s.mayList(e, r) { // while what it counted is at hand: until the next operation it cannot become more
			n.feed(r)
			near = true
		}
	}
	if near {
		s.sight(e, fed)
	}
}

// sight notes how far e is to the limits that it is near, if that is due.
func (s *counter) sight(e *Entry, fed []int) {
	now, _ := e.Time()
	x := e.near.listed
	if x != nil && now < x.sight {
		return
	}
	sighted := false
	for _, r := range fed {
		sighted = s.see(e, r, now) || sighted
	}
	if x != nil {
		for i := range x.shown {
			if r := x.shown[i].rule; !slices.Contains(fed, r) {
				sighted = s.see(e, r, now) || sighted
			}
		}
	}
	if !sighted {
		return
	}
	x = e.near.listed
	if x.sight == engine.NoTime {
		x.first = now
	}
	x.sight = now + listing.Gap(now-x.first)
	x.sights++
}

// see notes how far e is to the limit of a rule, if it is near.
func (s *counter) see(e *Entry, r int, now int64) bool {
	rule := &s.Program.Kinds[e.Kind].Rules[r]
	if !rule.NearLimit(e.Subject.Subject) {
		return false
	}
	s.values = rule.AppendValues(s.values[:0], e.Subject.Subject)
	if rule.Progress(s.values) < uint64(engine.ListedFrom) {
		return false
	}
	x := e.near.list()
	x.seen = append(x.seen, seen{r, listing.Sight{Time: now, Fraction: rule.Fraction(s.values)}})
	return true
}

// listChanged gives the lister the rows of e, which was written, that are otherwise than they were shown.
func (s *counter) listChanged(e *Entry) {
	if !s.lists(e) {
		return
	}
	n := &e.near
	if n.fed == 0 && n.listed == nil {
		return
	}
	s.changes = s.changes[:0]
	if n.listed != nil {
		s.compareAll(e, n.listed)
	}
	fed := *n
	n.fed = 0
	fed.eachFed(len(s.Program.Kinds[e.Kind].Rules), func(r int) {
		if n.listed != nil && n.listed.row(r) != nil || s.compareNew(e, r) {
			return
		}
		if e.RuleState(r).Level > 0 {
			n.feed(r) // all windows are empty: once anything is counted again, it is listed
		}
	})
	x := n.listed
	if x == nil {
		return
	}
	x.seen = x.seen[:0]
	if len(s.changes) > 0 && !s.Listing.Take(s.Number, &x.ticket, listing.Name{Kind: e.Kind, ID: e.ID}, s.changes) {
		for i := range x.shown {
			x.shown[i].unsure = true
		}
	}
}

// compareAll compares the rows that e has been listed with. Those that were not fed change with their level, and when a window slides.
func (s *counter) compareAll(e *Entry, x *rows) {
	now, _ := e.Time()
	slid := now >= x.still
	if slid {
		x.still = s.slidesAt(e, now)
	}
	kept := x.shown[:0]
	for _, row := range x.shown {
		same := !slid && !row.unsure && len(x.seen) == 0 && !e.near.wasFed(row.rule) && row.level == e.RuleState(row.rule).Level
		if same || s.compareShown(e, &row) {
			kept = append(kept, row)
		} else {
			e.near.feed(row.rule)
		}
	}
	x.shown = kept
}

// slidesAt is when the first window of e slides after a time. Also one of another rule counts: when all are empty, no level is shown.
func (s *counter) slidesAt(e *Entry, now int64) int64 {
	at := int64(engine.Never)
	rules := s.Program.Kinds[e.Kind].Rules
	for r := range rules {
		at = min(at, rules[r].SlidesAt(now))
	}
	return at
}

// compareNew lists e for rule r, for which it was not listed, if it is to be by now. It reports whether that is so.
func (s *counter) compareNew(e *Entry, r int) bool {
	progress := s.apply.Progress(&e.Subject, r)
	if !engine.Listed(e.Subject.Subject, r, progress) {
		return false
	}
	x := e.near.list()
	x.shown, x.still = append(x.shown, shown{rule: r, progress: progress, level: e.RuleState(r).Level}), engine.NoTime
	s.changes = append(s.changes, listing.Change{Rule: r, Progress: progress, Listed: true, Urgent: true, New: true, Sights: x.sightsOf(r)})
	return true
}

// compareShown adds a row to the changes if it is otherwise than it was shown, and notes what it is shown as. It reports whether it is
// listed still.
func (s *counter) compareShown(e *Entry, row *shown) bool {
	c := listing.Change{Rule: row.rule, Progress: s.apply.Progress(&e.Subject, row.rule)}
	c.Listed = engine.Listed(e.Subject.Subject, row.rule, c.Progress)
	const few = 3 // a rate takes so many
	c.Urgent, c.Sights, c.Soon = !c.Listed || row.unsure, e.near.listed.sightsOf(row.rule), e.near.listed.sights <= few
	if !c.Listed || row.unsure || row.progress != c.Progress || len(c.Sights) > 0 {
		s.changes = append(s.changes, c)
	}
	row.progress, row.level, row.unsure = c.Progress, e.RuleState(row.rule).Level, false
	return c.Listed
}

// sightsOf are those of a rule since the last commit.
func (x *rows) sightsOf(r int) (sights []listing.Sight) {
	for i := range x.seen {
		if x.seen[i].rule == r {
			sights = append(sights, x.seen[i].Sight)
		}
	}
	return sights
}
