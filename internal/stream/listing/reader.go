package listing

import (
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Reader reads the lists of a store of so many shards, and the records of what they name. It may be used by several goroutines.
type Reader struct {
	Program *engine.Program
	Store   windowstore.Store
	Shards  int
	// Since is from when on a counter of a shard has everything, ns; 0: from the start. Nil: all have.
	Since func(shard int, kind thresholds.Kind, counter int) int64
}

// Row is where a subject is with a rule, as of the subject's time.
type Row struct {
	Rule     *thresholds.Rule
	Subject  string
	State    thresholds.State
	Progress uint64             // 1/10,000 of the limit
	Values   []thresholds.Value // by limit of Rule
	Time     time.Time          // the subject's
	Pending  thresholds.Level   // that the rules in force ask for and that was not announced; 0: none
	Rate     *float64           // progress an hour, 1 is the limit; nil: not known
	LimitAt  *time.Time         // when the limit is reached at that rate; nil: not within the window, or it is reached
}

// Filter is which rows are wanted. The zero value wants all.
type Filter struct {
	Rules func(*thresholds.Rule) bool // of these rules; nil: of all
	Least uint64                      // with so much progress, or more
	Most  *uint64                     // with so much progress, or less; nil: with any
	Since time.Time                   // of subjects whose time is not before
}

func (f *Filter) wants(r *Row) bool {
	return r.Progress >= f.Least && (f.Most == nil || r.Progress <= *f.Most)
}

// recent reports whether a subject's time is not before that which is asked for.
func (f *Filter) recent(s *engine.Subject) bool {
	at, _ := s.Time()
	return !time.Unix(0, at).Before(f.Since)
}

// Page is a part of what was wanted.
type Page struct {
	Rows []Row
	Next string // the cursor of what comes after it; "": nothing does
}

// Nearest returns the rows that are nearest to their limits, at most limit of them: those after the cursor, "" for the first page.
// They come by progress, then kind, the bytes of the subject, and the packs' order. The values of a row are of one moment. An error
// is ErrCursor, or of the store.
//
// Records are read of the rows shown, and of one more, since lists may have what is gone: so the last page has no cursor. With Since,
// which lists cannot tell, more may be read: after examineMost rows a page ends, with a cursor, however few have passed.
func (r *Reader) Nearest(ctx context.Context, f Filter, limit int, cursor string) (Page, error) {
	m, err := r.merge(&f, limit+1, cursor)
	if err != nil {
		return Page{}, err
	}
	var rows []sighted
	var last candidate // of the page
	for examined := 0; examined < examineMost; {
		n := limit + 1 - len(rows)
		if examined > 0 { // some did not fit: more and more are looked at together
			n = max(n, min(examined, lookMost))
			m.limit = max(m.limit, n)
		}
		some, err := m.take(ctx, min(n, examineMost-examined))
		if err != nil || len(some) == 0 {
			return r.page(ctx, rows, nil, err)
		}
		found, err := r.rows(ctx, &f, some)
		if err != nil {
			return Page{}, err
		}
		for i := range found {
			switch {
			case found[i].Rule == nil:
				continue
			case len(rows) == limit:
				return r.page(ctx, rows, &last, nil)
			}
			rows, last = append(rows, found[i]), some[i]
		}
		examined += len(some)
		last = some[len(some)-1] // nothing after the page's last row was wanted so far
	}
	if more, err := m.more(ctx); err != nil || !more {
		return r.page(ctx, rows, nil, err)
	}
	return r.page(ctx, rows, &last, nil)
}

// page is the page of some rows; last: more come after that. What was seen of rows is read of those that are shown, all together.
func (r *Reader) page(ctx context.Context, rows []sighted, last *candidate, err error) (Page, error) {
	if err == nil {
		err = r.see(ctx, rows)
	}
	if err != nil {
		return Page{}, err
	}
	page := Page{Rows: make([]Row, len(rows))}
	for i := range rows {
		page.Rows[i] = rows[i].Row
	}
	if last != nil {
		page.Next = r.cursorOf(last)
	}
	return page, nil
}

// Subject is where the subject kind/id is with every rule of its kind, in the packs' order; nil: nothing is stored of it.
func (r *Reader) Subject(ctx context.Context, kind thresholds.Kind, id string) ([]Row, error) {
	shard := windowstore.ShardOf(kind.String(), []byte(id), r.Shards)
	of := records{r.Program, r.Store}
	found, err := of.read(ctx, shard, []Name{{kind, id}})
	if err != nil || found[0].damaged != nil {
		return nil, firstError(err, found)
	}
	if found[0].subject == nil {
		return nil, nil
	}
	var seen []sighted
	for i := range r.Program.Kinds[kind].Rules {
		seen = append(seen, r.row(shard, found[0].subject, i))
	}
	page, err := r.page(ctx, seen, nil, nil)
	return page.Rows, err
}

func firstError(err error, found []stored) error {
	if err != nil {
		return err
	}
	return found[0].damaged
}

// sighted is a row, and where it is now more exactly, for its rate.
type sighted struct {
	Row
	shard int
	now   Sight
}

// rows are the rows of candidates that a filter wants; without a rule: it does not, or it is not listed any more.
func (r *Reader) rows(ctx context.Context, f *Filter, some []candidate) ([]sighted, error) {
	made := make([]sighted, len(some))
	byShard := map[int][]int{}
	for i := range some {
		byShard[some[i].shard] = append(byShard[some[i].shard], i)
	}
	for shard, list := range byShard {
		if err := r.rowsOf(ctx, f, shard, some, list, made); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// rowsOf makes the rows of those candidates that list names, which are of one shard.
func (r *Reader) rowsOf(ctx context.Context, f *Filter, shard int, some []candidate, list []int, made []sighted) error {
	var names []Name
	at := map[Name]int{}
	for _, i := range list {
		n := Name{some[i].rule.By, string(some[i].id)}
		if _, ok := at[n]; !ok {
			at[n] = len(names)
			names = append(names, n)
		}
	}
	of := records{r.Program, r.Store}
	found, err := of.readIf(ctx, shard, names, f.recent)
	if err != nil {
		return err
	}
	for _, i := range list {
		c := &some[i]
		s := found[at[Name{c.rule.By, string(c.id)}]].subject
		if s == nil {
			continue
		}
		if row := r.row(shard, s, c.number); engine.Listed(s.Subject, c.number, row.Progress) && f.wants(&row.Row) {
			made[i] = row
		}
	}
	return nil
}

// row is where a subject is with rule number i of its kind, as yet without a rate.
func (r *Reader) row(shard int, s *engine.Subject, i int) sighted {
	rule := &r.Program.Kinds[s.Kind].Rules[i]
	values := rule.AppendValues(nil, s.Subject)
	at, _ := s.Time()
	state := s.RuleState(i)
	row := Row{
		Rule: rule.Rule, Subject: s.ID, Values: values, Progress: rule.Progress(values), Time: time.Unix(0, at).UTC(),
		State: thresholds.State{Level: thresholds.Level(state.Level), Episode: max(state.Episode, 1)},
	}
	if levels := rule.Next(row.State.Level, values, nil); len(levels) > 0 {
		row.Pending = levels[len(levels)-1]
	}
	now := Sight{Time: at, Fraction: rule.Fraction(values)}
	r.markSince(shard, s, rule, values, at)
	return sighted{row, shard, now}
}

// see works out the rates of rows.
func (r *Reader) see(ctx context.Context, rows []sighted) error {
	digests := map[*thresholds.Rule]uint32{}
	names, byShard := map[int][]windowstore.RowName{}, map[int][]*sighted{}
	for i := range rows {
		row := &rows[i]
		if _, ok := digests[row.Rule]; !ok {
			digests[row.Rule] = digestOf(row.Rule)
		}
		names[row.shard] = append(names[row.shard], windowstore.RowName{Rule: row.Rule.ID, ID: []byte(row.Subject)})
		byShard[row.shard] = append(byShard[row.shard], row)
	}
	for shard, of := range byShard {
		sights, err := r.Store.Sights(ctx, shard, names[shard]...)
		if err != nil {
			return err
		}
		for i, row := range of {
			row.setRate(parseSights(digests[row.Rule], sights[i]))
		}
	}
	return nil
}

// setRate works out how fast a row comes nearer to its limit.
func (x *sighted) setRate(sights []Sight) {
	perHour, ok := rate(sights, x.now)
	if !ok {
		return
	}
	x.Rate = &perHour
	if limit, ok := limitAt(perHour, x.now, windowOf(x.Rule)); ok {
		t := time.Unix(0, limit).UTC()
		x.LimitAt = &t
	}
}

// markSince notes in values which counters lack something of the window, as crossings do.
func (r *Reader) markSince(shard int, s *engine.Subject, rule *engine.BoundRule, values []thresholds.Value, now int64) {
	if r.Since == nil {
		return
	}
	from := rule.WindowStart(s.Subject, now)
	for i, counter := range rule.Counters {
		if t := r.Since(shard, s.Kind, counter); t != 0 && (rule.Window == 0 || time.Unix(0, t).After(from)) {
			values[i].Since = t
		}
	}
}

// windowOf is how far a rule looks ahead: as far as back, or a year.
func windowOf(r *thresholds.Rule) time.Duration {
	if r.Window == 0 {
		return 365 * 24 * time.Hour
	}
	return time.Duration(r.Window) * time.Second
}
