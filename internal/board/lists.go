package board

import (
	"context"
	"errors"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Lists is the index of what is near a limit, as shards list it.
type Lists struct {
	listing.Reader
	// Since reads since when counters of shards have everything; nil: all have.
	Since func(ctx context.Context, shards ...int) (inspect.Since, error)
}

// Nearest is the interface's.
func (l *Lists) Nearest(ctx context.Context, q Query) (rows []Row, next string, err error) {
	reader := l.Reader
	if l.Since != nil {
		all := make([]int, l.Shards)
		for i := range all {
			all[i] = i
		}
		if reader.Since, err = l.Since(ctx, all...); err != nil {
			return nil, "", err
		}
	}
	page, err := reader.Nearest(ctx, filterOf(&q), q.Limit, q.After)
	if errors.Is(err, listing.ErrCursor) {
		err = ErrCursor
	}
	for i := range page.Rows {
		rows = append(rows, rowOf(&page.Rows[i]))
	}
	return rows, page.Next, err
}

// filterOf is the lists' filter of a query.
func filterOf(q *Query) listing.Filter {
	f := listing.Filter{Least: q.Min}
	if q.Bounded {
		f.Most = &q.Max
	}
	if q.Since != engine.NoTime {
		f.Since = timeOf(q.Since)
	}
	if q.Kind != nil || q.Rule != nil {
		f.Rules = func(r *thresholds.Rule) bool {
			return (q.Kind == nil || r.By == *q.Kind) && (q.Rule == nil || r.ID == q.Rule.ID)
		}
	}
	return f
}

func rowOf(x *listing.Row) Row {
	return Row{
		inspect.Standing{Rule: x.Rule, Subject: x.Subject, State: x.State, Values: x.Values, Progress: x.Progress, Time: x.Time.UnixNano(), Pending: x.Pending},
		paceOf(x),
	}
}

func paceOf(x *listing.Row) Pace {
	p := Pace{Rate: x.Rate, LimitAt: engine.NoTime}
	if x.LimitAt != nil {
		p.LimitAt = x.LimitAt.UnixNano()
	}
	return p
}

// Counts is the interface's.
func (l *Lists) Counts(ctx context.Context) (map[string]Count, error) {
	found, err := l.Reader.Counts(ctx, thresholds.LevelOne/2, thresholds.LevelOne)
	if err != nil {
		return nil, err
	}
	counts := map[string]Count{}
	for rule, n := range found {
		counts[rule] = Count{Near: int64(n[0]), Over: int64(n[1])}
	}
	return counts, nil
}

// Pace is the interface's. A subject that has gone meanwhile has none.
func (l *Lists) Pace(ctx context.Context, kind thresholds.Kind, id string) ([]Pace, error) {
	rows, err := l.Subject(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	paces := make([]Pace, len(l.Program.Kinds[kind].Rules))
	for i := range paces {
		paces[i].LimitAt = engine.NoTime
		if i < len(rows) {
			paces[i] = paceOf(&rows[i])
		}
	}
	return paces, nil
}
