package board

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// subject is all that is shown of one.
type subject struct {
	By        string            `json:"by"`
	Subject   string            `json:"subject"`
	Time      *string           `json:"time"`
	First     *string           `json:"first"`
	Rules     []row             `json:"rules"`
	Series    []series          `json:"series"`
	Crossings []json.RawMessage `json:"crossings"`
}

// series is a measure over its window.
type series struct {
	Measure string   `json:"measure"`
	Window  string   `json:"window"`
	Step    *string  `json:"step"`
	Rules   []string `json:"rules"` // that read it
	Buckets []bucket `json:"buckets"`
}

type bucket struct {
	From  *string `json:"from"`
	Value uint64  `json:"value"`
}

// getSubjectAt is the subject that a path names.
func (b *Board) getSubjectAt(ctx context.Context, s *Sources, q *query) (any, error) {
	kind, ok := parseKind(q.path("by"))
	if !ok {
		return nil, notFound("there is no such kind of subject: there are incident, account, content and group")
	}
	return subjectOf(ctx, s, kind, q.path("id"))
}

// getSubject is the subject that parameters name: an id may be one that no path can hold, as "..".
func (b *Board) getSubject(ctx context.Context, s *Sources, q *query) (any, error) {
	kind, given, err := q.kind("by")
	switch {
	case err != nil:
		return nil, err
	case !given:
		return nil, bad("by", "it is missing")
	case q.given["id"] == "":
		return nil, bad("id", "it is missing")
	}
	return subjectOf(ctx, s, kind, q.given["id"])
}

func subjectOf(ctx context.Context, s *Sources, kind thresholds.Kind, id string) (any, error) {
	d, err := s.Subjects.Detail(ctx, kind, id)
	switch {
	case err != nil:
		return nil, err
	case d == nil:
		return nil, notFound(fmt.Sprintf("nothing is counted of this %v", kind))
	}
	if err := s.Crossings.Current(); err != nil {
		return nil, err
	}
	rows, err := s.rowsOf(ctx, d.Standings)
	if err != nil {
		return nil, err
	}
	out := subject{By: kind.String(), Subject: id, Time: nanoText(d.Time), First: nanoText(d.First), Rules: []row{}, Series: []series{}, Crossings: []json.RawMessage{}}
	for i := range rows {
		out.Rules = append(out.Rules, newRow(&rows[i]))
	}
	for i := range d.Series {
		out.Series = append(out.Series, newSeries(&d.Series[i]))
	}
	page := s.Crossings.Page(tail.Filter{By: kind.String(), Subject: id}, nil, subjectCrossings)
	for _, c := range page.Crossings {
		out.Crossings = append(out.Crossings, s.shown(c))
	}
	return out, nil
}

// rowsOf are the rows of a subject's standings; without an index they have no rates.
func (s *Sources) rowsOf(ctx context.Context, standings []inspect.Standing) (rows []listing.Row, err error) {
	if s.Nearest != nil {
		return s.Nearest.Rows(ctx, standings)
	}
	for i := range standings {
		rows = append(rows, listing.Row{Standing: standings[i]})
	}
	return rows, nil
}

func newSeries(s *inspect.Series) series {
	out := series{Measure: s.Measure, Window: s.Rules[0].WindowText, Step: stepText(s.Rules[0]), Buckets: []bucket{}}
	for _, r := range s.Rules {
		out.Rules = append(out.Rules, r.ID)
	}
	for _, x := range s.Buckets {
		out.Buckets = append(out.Buckets, bucket{nanoText(x.From), x.Value})
	}
	return out
}
