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
	return r.Progress >= f.Least && (f.Most == nil || r.Progress <= *f.Most) && !r.Time.Before(f.Since)
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
	var page Page
	var last candidate // of the page
	for examined := 0; examined < examineMost; {
		some, err := m.take(ctx, min(limit+1-len(page.Rows), examineMost-examined))
		if err != nil || len(some) == 0 {
			return page, err
		}
		rows, err := r.rows(ctx, some)
		if err != nil {
			return Page{}, err
		}
		for i, row := range rows {
			switch {
			case row == nil || !f.wants(row):
				continue
			case len(page.Rows) == limit:
				page.Next = r.cursorOf(&last)
				return page, nil
			}
			page.Rows, last = append(page.Rows, *row), some[i]
		}
		examined += len(some)
		last = some[len(some)-1] // nothing after the page's last row was wanted so far
	}
	if more, err := m.more(ctx); err != nil || !more {
		return page, err
	}
	page.Next = r.cursorOf(&last)
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
	var names []windowstore.RowName
	for i := range r.Program.Kinds[kind].Rules {
		names = append(names, windowstore.RowName{Rule: r.Program.Kinds[kind].Rules[i].ID, ID: []byte(id)})
	}
	if len(names) == 0 {
		return nil, nil
	}
	sights, err := r.Store.Sights(ctx, shard, names...)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for i := range names {
		rows = append(rows, r.row(shard, found[0].subject, i, parseSights(sights[i])))
	}
	return rows, nil
}

func firstError(err error, found []stored) error {
	if err != nil {
		return err
	}
	return found[0].damaged
}

// rows are the rows of candidates; nil: it is not listed any more.
func (r *Reader) rows(ctx context.Context, some []candidate) ([]*Row, error) {
	made := make([]*Row, len(some))
	byShard := map[int][]int{}
	for i := range some {
		byShard[some[i].shard] = append(byShard[some[i].shard], i)
	}
	for shard, list := range byShard {
		if err := r.rowsOf(ctx, shard, some, list, made); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// rowsOf makes the rows of those candidates that list names, which are of one shard.
func (r *Reader) rowsOf(ctx context.Context, shard int, some []candidate, list []int, made []*Row) error {
	var names []Name
	var rowNames []windowstore.RowName
	at := map[Name]int{}
	for _, i := range list {
		n := Name{some[i].rule.By, string(some[i].id)}
		if _, ok := at[n]; !ok {
			at[n] = len(names)
			names = append(names, n)
		}
		rowNames = append(rowNames, windowstore.RowName{Rule: some[i].rule.ID, ID: some[i].id})
	}
	of := records{r.Program, r.Store}
	found, err := of.read(ctx, shard, names)
	if err != nil {
		return err
	}
	sights, err := r.Store.Sights(ctx, shard, rowNames...)
	if err != nil {
		return err
	}
	for k, i := range list {
		c := &some[i]
		s := found[at[Name{c.rule.By, string(c.id)}]].subject
		if s == nil {
			continue
		}
		if row := r.row(shard, s, c.number, parseSights(sights[k])); engine.Listed(s.Subject, c.number, row.Progress) {
			made[i] = &row
		}
	}
	return nil
}

// row is where a subject is with rule number i of its kind.
func (r *Reader) row(shard int, s *engine.Subject, i int, sights []Sight) Row {
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
	if perHour, ok := rate(sights, now); ok {
		row.Rate = &perHour
		if limit, ok := limitAt(perHour, now, windowOf(rule.Rule)); ok {
			t := time.Unix(0, limit).UTC()
			row.LimitAt = &t
		}
	}
	r.markSince(shard, s, rule, values, at)
	return row
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
