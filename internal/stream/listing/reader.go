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
	var rows []Row
	since := map[int]inspect.Since{}
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
		found, err := r.rows(ctx, &f, some, since)
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
func (r *Reader) page(ctx context.Context, rows []Row, last *candidate, err error) (Page, error) {
	if err == nil {
		err = r.see(ctx, rows)
	}
	if err != nil {
		return Page{}, err
	}
	page := Page{Rows: rows}
	if last != nil {
		page.Next = r.cursorOf(last)
	}
	return page, nil
}
