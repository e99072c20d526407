package board

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// nearest is the index of what is near a limit: a listing.Reader.
type nearest interface {
	Nearest(ctx context.Context, f listing.Filter, limit int, cursor string) (listing.Page, error)
	Counts(ctx context.Context, levels ...thresholds.Level) (map[string][]int, error)
	Rows(ctx context.Context, standings []inspect.Standing) ([]listing.Row, error)
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

func newRow(r *listing.Row) row {
	out := row{
		Rule: r.Rule.ID, By: r.Rule.By.String(), Subject: r.Subject, Progress: thresholds.AppendProgress(nil, r.Progress),
		Level: json.Number(r.State.Level.String()), Episode: r.State.Episode, Measures: thresholds.AppendValues(nil, r.Rule, r.Values),
		Time: nanoText(r.Time), Rate: r.Rate,
	}
	if r.LimitAt != nil {
		out.LimitAt = timeText(*r.LimitAt)
	}
	if r.Pending > 0 {
		n := json.Number(r.Pending.String())
		out.Pending = &n
	}
	return out
}

func (b *Board) getSubjects(ctx context.Context, s *Sources, q *query) (any, error) {
	wanted, err := q.rowFilter(s.Program)
	if err != nil {
		return nil, err
	}
	if s.Nearest == nil {
		return nil, away("there is no index of what is near a limit")
	}
	page, err := s.Nearest.Nearest(ctx, wanted, limitOf(q), q.given["after"])
	if errors.Is(err, listing.ErrCursor) {
		return nil, badCursor()
	}
	if err != nil {
		return nil, err
	}
	var items []row
	for i := range page.Rows {
		items = append(items, newRow(&page.Rows[i]))
	}
	return listOf(items, page.Next), nil
}

// rowFilter is which rows a request asks for.
func (q *query) rowFilter(p *engine.Program) (f listing.Filter, err error) {
	kind, byKind, err := q.kind("by")
	if err != nil {
		return f, err
	}
	rule, err := q.rule(p)
	if err != nil {
		return f, err
	}
	if byKind || rule != nil {
		f.Rules = func(r *thresholds.Rule) bool { return (!byKind || r.By == kind) && (rule == nil || r.ID == rule.ID) }
	}
	if f.Least, _, err = q.progress("min_progress", true); err != nil {
		return f, err
	}
	most, bounded, err := q.progress("max_progress", false)
	if err != nil {
		return f, err
	}
	if bounded {
		f.Most = &most
	}
	f.Since, err = q.time("since")
	return f, err
}
