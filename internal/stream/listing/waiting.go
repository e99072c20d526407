package listing

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Change is what a commit made of a subject's row.
type Change struct {
	Rule     int // its number among those of the kind
	Progress uint64
	Listed   bool
	Urgent   bool    // it is written with the next turn: the row came, or went
	Sights   []Sight // since the last one
	Soon     bool    // they are written with the row: there are few yet
	New      bool    // there are none of before: the row was not listed

	written bool
	clean   bool // the row is written: only its sights wait
	sighted int  // the turn from which on they have waited
}

// Ticket says where changes of a subject wait, so that the next ones are put to them. The zero value is of one that none was given of.
type Ticket struct {
	turn uint32
	at   uint32
}

// inbox is what shards gave since the last turn.
type inbox struct {
	mu    sync.Mutex
	turn  uint32    // grows when what was given is taken out; 1 at first
	given []waiting // in the order of the first changes
	count int       // rows of given, and of those taken out that still wait
	doubt []Name    // see Doubt
}

// waiting is the rows of a subject that are to be written.
type waiting struct {
	Name
	rows   []Change
	urgent bool // one of them is
}

// Take takes changes of the rows of a subject, whose ticket it brings up to date. It reports whether there was room for them.
func (l *Lister) Take(shard int, t *Ticket, n Name, changes []Change) bool {
	x := &l.shards[shard].inbox
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.count+len(changes) > waitingMost {
		l.Metrics.LeftOut(len(changes))
		return false
	}
	if t.turn != x.turn+1 {
		*t = Ticket{turn: x.turn + 1, at: uint32(len(x.given))}
		x.given = append(x.given, waiting{Name: n, rows: make([]Change, 0, len(changes))})
	}
	x.count += x.given[t.at].put(changes)
	return true
}

// Doubt is told of a subject whose record was read again because another process has written it. Rows that were given before, and are
// not given again, may be out of date without the record showing that another process wrote it last.
func (l *Lister) Doubt(shard int, n Name) {
	x := &l.shards[shard].inbox
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.doubt) < waitingMost { // else the scan comes to it
		x.doubt = append(x.doubt, n)
	}
}

// put puts changes to those that wait. It returns by how many rows they are more.
func (w *waiting) put(changes []Change) (more int) {
	before := len(w.rows)
	for _, c := range changes {
		w.urgent = w.urgent || c.Urgent
		i := slices.IndexFunc(w.rows, func(o Change) bool { return o.Rule == c.Rule })
		if i < 0 {
			w.rows = append(w.rows, c)
			continue
		}
		before := &w.rows[i]
		c.Urgent, c.Soon, c.New, c.sighted = c.Urgent || before.Urgent, c.Soon || before.Soon, c.New || before.New, before.sighted
		if c.Sights = append(before.Sights, c.Sights...); len(c.Sights) > 2*sightsMost {
			c.Sights = merge(nil, c.Sights)
		}
		w.rows[i] = c
	}
	return len(w.rows) - before
}

// gather takes out what was given, and puts it together by subjects.
func (x *list) gather() {
	x.mu.Lock()
	given, doubt := x.given, x.doubt
	x.given, x.doubt = make([]waiting, 0, len(given)), nil
	x.turn++
	x.mu.Unlock()
	twice := 0
	for i := range given {
		w := &given[i]
		before := x.waiting[w.Name]
		if before == nil {
			x.waiting[w.Name] = w
			continue
		}
		twice += len(w.rows) - before.put(w.rows)
	}
	x.less(twice)
	for _, n := range doubt {
		if _, written := x.written[n]; written || x.dirty(n) {
			x.doubted[n] = true
		}
	}
}

// less notes that so many rows wait no more.
func (x *inbox) less(rows int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.count -= rows
}

// waitingRow is a row that is to be written.
type waitingRow struct {
	Name
	*Change
	sights bool // they are, too
}

// sightsTurns is how many turns sights of a row wait at most, of which there are some already: ten seconds. Where a subject's time flies,
// as in a backlog, they would cost more than all else.
const sightsTurns = 24

// scope is what a turn writes.
type scope uint8

const (
	urgentRows scope = iota
	allRows          // and sights that have waited long enough
	everything
)

// due are the rows to be written in a turn, in the order of their rules: those of one rule share commands.
func (x *list) due(turn int, what scope) (due []waitingRow) {
	var names []Name
	rows := 0
	for n, w := range x.waiting {
		rows += len(w.rows)
		if what > urgentRows || w.urgent {
			names = append(names, n)
		}
	}
	if what == allRows && rows > waitingMost/2 {
		what = everything
	}
	slices.SortFunc(names, Name.compare)
	type ruleOf struct {
		kind thresholds.Kind
		rule int
	}
	lists := map[ruleOf][]waitingRow{}
	for _, n := range names {
		rows := x.waiting[n].rows
		for i := range rows {
			c := &rows[i]
			of := ruleOf{n.Kind, c.Rule}
			if row, sights := c.due(turn, what); row || sights {
				lists[of] = append(lists[of], waitingRow{n, c, sights})
			}
		}
	}
	order := slices.SortedFunc(maps.Keys(lists), func(a, b ruleOf) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.rule, b.rule)) })
	for _, of := range order {
		due = append(due, lists[of]...)
	}
	return due
}

// due reports whether the row is due, and its sights.
func (c *Change) due(turn int, what scope) (row, sights bool) {
	row = !c.clean && (what > urgentRows || c.Urgent)
	if len(c.Sights) == 0 {
		return row, false
	}
	c.sighted = cmp.Or(c.sighted, turn)
	late := turn-c.sighted >= sightsTurns
	return row, c.Urgent || what == everything || what == allRows && (c.Soon || late)
}

// finish takes out rows that were written, and notes in which turn, since their records are to be looked at.
func (x *list) finish(rows []waitingRow, turn int) {
	gone := 0
	for _, r := range rows {
		x.written[r.Name] = turn
		r.clean, r.Urgent = true, false
		if r.sights || len(r.Sights) == 0 {
			r.written = true
			gone++
		}
	}
	maps.DeleteFunc(x.waiting, func(_ Name, w *waiting) bool {
		w.rows = slices.DeleteFunc(w.rows, func(c Change) bool { return c.written })
		w.urgent = slices.ContainsFunc(w.rows, func(c Change) bool { return c.Urgent })
		return len(w.rows) == 0
	})
	x.less(gone)
}

// dirty reports whether a row of a subject waits.
func (x *list) dirty(n Name) bool {
	w := x.waiting[n]
	return w != nil && slices.ContainsFunc(w.rows, func(c Change) bool { return !c.clean })
}

// drop takes out all that waits of a subject.
func (x *list) drop(n Name) {
	delete(x.written, n)
	delete(x.doubted, n)
	if w := x.waiting[n]; w != nil {
		x.less(len(w.rows))
		delete(x.waiting, n)
	}
}
