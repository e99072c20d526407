package listing

import (
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Reader reads the lists of a store of so many shards, and the records of what they name. It may be used by several goroutines.
type Reader struct {
	Program *engine.Program
	Store   windowstore.Store
	Shards  int
	// Since reads since when the counters of some shards have everything; nil: all have.
	Since func(ctx context.Context, shards ...int) (inspect.Since, error)
}

// Row is where a subject is with a rule, as of the subject's time, and how fast it comes nearer to the limit.
type Row struct {
	inspect.Standing
	Rate    *float64   // progress an hour, 1 is the limit; nil: not known
	LimitAt *time.Time // when the limit is reached at that rate; nil: not within the window, or it is reached
}

// Filter is which rows are wanted. The zero value wants all.
type Filter struct {
	Rules func(*thresholds.Rule) bool // of these rules; nil: of all
	Least uint64                      // with so much progress, or more
	Most  *uint64                     // with so much progress, or less; nil: with any
	Since time.Time                   // of subjects whose time is not before
}

func (f *Filter) wants(r *Row) bool {
	return r.Progress >= f.Least && (f.Most == nil || r.Progress <= *f.Most) && !time.Unix(0, r.Time).Before(f.Since)
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
	since, err := r.since(ctx)
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
		rows, err := r.rows(ctx, some, since)
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

// since is since when the counters of all shards have everything; nil: all have.
func (r *Reader) since(ctx context.Context) (inspect.Since, error) {
	if r.Since == nil {
		return nil, nil
	}
	all := make([]int, r.Shards)
	for i := range all {
		all[i] = i
	}
	return r.Since(ctx, all...)
}

// Rows are the rows of standings that one subject has: how fast it comes nearer to the limits.
func (r *Reader) Rows(ctx context.Context, standings []inspect.Standing) ([]Row, error) {
	if len(standings) == 0 {
		return nil, nil
	}
	id := []byte(standings[0].Subject)
	var names []windowstore.RowName
	for i := range standings {
		names = append(names, windowstore.RowName{Rule: standings[i].Rule.ID, ID: id})
	}
	sights, err := r.Store.Sights(ctx, windowstore.ShardOf(standings[0].Rule.By.String(), id, r.Shards), names...)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for i := range standings {
		rows = append(rows, newRow(standings[i], parseSights(sights[i])))
	}
	return rows, nil
}

// rows are the rows of candidates; nil: it is not listed any more.
func (r *Reader) rows(ctx context.Context, some []candidate, since inspect.Since) ([]*Row, error) {
	made := make([]*Row, len(some))
	byShard := map[int][]int{}
	for i := range some {
		byShard[some[i].shard] = append(byShard[some[i].shard], i)
	}
	for shard, list := range byShard {
		if err := r.rowsOf(ctx, shard, some, list, since, made); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// rowsOf makes the rows of those candidates that list names, which are of one shard.
func (r *Reader) rowsOf(ctx context.Context, shard int, some []candidate, list []int, since inspect.Since, made []*Row) error {
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
		at := inspect.NewStanding(&r.Program.Kinds[s.Kind].Rules[c.number], c.number, s, since.Of(shard, s.Kind))
		if engine.Listed(s.Subject, c.number, at.Progress) {
			row := newRow(at, parseSights(sights[k]))
			made[i] = &row
		}
	}
	return nil
}

// newRow is a standing with the rate that sights of it say.
func newRow(s inspect.Standing, sights []Sight) Row {
	row := Row{Standing: s}
	now := Sight{Time: s.Time, Fraction: s.Rule.Fraction(s.Values)}
	perHour, ok := rate(sights, now)
	if !ok {
		return row
	}
	row.Rate = &perHour
	if limit, ok := limitAt(perHour, now, windowOf(s.Rule)); ok {
		t := time.Unix(0, limit).UTC()
		row.LimitAt = &t
	}
	return row
}

// windowOf is how far a rule looks ahead: as far as back, or a year.
func windowOf(r *thresholds.Rule) time.Duration {
	if r.Window == 0 {
		return 365 * 24 * time.Hour
	}
	return time.Duration(r.Window) * time.Second
}
