package board

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// nearest is the index of what is near a limit.
type nearest interface {
	// Nearest is the rows of a query, the nearest to a limit first, and the cursor after them; "": they were the last. A cursor that is none of
	// these is ErrCursor.
	Nearest(ctx context.Context, q Query) (rows []Row, next string, err error)
	// Counts is how many subjects are listed, by rule.
	Counts(ctx context.Context) (map[string]Count, error)
	// Pace is how fast a subject comes nearer to the limits of the rules of its kind, in their order.
	Pace(ctx context.Context, kind thresholds.Kind, id string) ([]Pace, error)
}

// Query says which rows are asked for.
type Query struct {
	Kind     *thresholds.Kind // nil: every kind
	Rule     *thresholds.Rule // nil: every rule
	Min, Max uint64           // progress, 1/10,000 of the limit
	Bounded  bool             // by Max
	Since    int64            // subjects whose time is before are left out, ns; NoTime: none
	Limit    int
	After    string // a cursor; "": from the nearest on
}

// Row is where a subject is with a rule, and how fast.
type Row struct {
	inspect.Standing
	Pace
}

// Pace is how fast a subject comes nearer to a limit.
type Pace struct {
	Rate    *float64 // progress an hour, by event time; nil: not known
	LimitAt int64    // when it reaches the limit at that rate, ns; NoTime: it does not, or not within the window
}

// Count is how many subjects are listed for a rule.
type Count struct {
	Near int64 // at half of the limit, or more
	Over int64 // at the limit, or more
}

// row is a row as it is shown.
type row struct {
	Rule     string          `json:"rule"`
	By       string          `json:"by"`
	Subject  string          `json:"subject"`
	Progress json.RawMessage `json:"progress"`
	Level    json.Number     `json:"level"`
	Episode  uint64          `json:"episode"`
	Measures json.RawMessage `json:"measures"`
	Time     *string         `json:"time"`
	Rate     *float64        `json:"rate"`
	LimitAt  *string         `json:"limit_at"`
	Pending  *json.Number    `json:"pending,omitempty"`
}

func newRow(s *inspect.Standing, p Pace) row {
	out := row{
		Rule: s.Rule.ID, By: s.Rule.By.String(), Subject: s.Subject, Progress: thresholds.AppendProgress(nil, s.Progress),
		Level: json.Number(s.State.Level.String()), Episode: s.State.Episode, Measures: thresholds.AppendValues(nil, s.Rule, s.Values),
		Time: nanoText(s.Time), Rate: p.Rate, LimitAt: nanoText(p.LimitAt),
	}
	if s.Pending > 0 {
		n := json.Number(s.Pending.String())
		out.Pending = &n
	}
	return out
}

func (b *Board) getSubjects(ctx context.Context, s *Sources, q *query) (any, error) {
	wanted, err := q.rows(s.Program)
	if err != nil {
		return nil, err
	}
	if s.Nearest == nil {
		return nil, away("there is no index of what is near a limit")
	}
	rows, next, err := s.Nearest.Nearest(ctx, wanted)
	if err != nil {
		return nil, err
	}
	var items []row
	for i := range rows {
		items = append(items, newRow(&rows[i].Standing, rows[i].Pace))
	}
	return listOf(items, next), nil
}

// ErrCursor is of a cursor that is none of the list.
var ErrCursor error = &httpserver.Problem{
	Type: "about:blank", Title: http.StatusText(http.StatusBadRequest), Status: http.StatusBadRequest,
	Detail: "parameter after: it is no cursor of this list: take it from next", Parameter: "after",
}

// rows is the query of a request.
func (q *query) rows(p *engine.Program) (wanted Query, err error) {
	wanted = Query{Since: engine.NoTime, Limit: limitOf(q), After: q.given["after"]}
	if kind, given, err := q.kind("by"); err != nil {
		return wanted, err
	} else if given {
		wanted.Kind = &kind
	}
	if wanted.Rule, err = q.rule(p); err != nil {
		return wanted, err
	}
	if wanted.Min, _, err = q.progress("min_progress", true); err != nil {
		return wanted, err
	}
	most, bounded, err := q.progress("max_progress", false)
	if wanted.Max = most; bounded {
		wanted.Bounded = true
	}
	if err != nil {
		return wanted, err
	}
	since, err := q.time("since")
	if !since.IsZero() {
		wanted.Since = nanoseconds(since)
	}
	return wanted, err
}

// nanoseconds is a time in Unix nanoseconds, cut to what these reach.
func nanoseconds(t time.Time) int64 {
	switch first, last := time.Unix(0, engine.NoTime+1), time.Unix(0, engine.Never-1); {
	case t.Before(first):
		return engine.NoTime + 1
	case t.After(last):
		return engine.Never - 1
	}
	return t.UnixNano()
}

// timeOf is a time in Unix nanoseconds.
func timeOf(ns int64) time.Time { return time.Unix(0, ns) }
