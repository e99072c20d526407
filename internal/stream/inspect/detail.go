package inspect

import (
	"context"
	"iter"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// Detail is all that is counted of a subject, as of one moment.
type Detail struct {
	Time      int64 // of its newest event, ns; NoTime: it has none
	First     int64 // of its earliest event, ns; NoTime: not known
	Standings []Standing
	Series    []Series
}

// Series is what a counter holds, bucket by bucket.
type Series struct {
	Measure string
	Rules   []*thresholds.Rule // that read it under this name
	Buckets []Bucket           // the oldest first, without those in which nothing is
}

// Bucket is what a counter holds of one bucket.
type Bucket struct {
	From  int64  // its first nanosecond; NoTime: not known
	Value uint64 // what was added; of a distinct counter the keys last seen there, or their weight
}

// Detail reads all of a subject: where it is with every rule of its kind, and what its counters hold. It is nil if nothing is
// counted of the subject.
func (r *Reader) Detail(ctx context.Context, kind thresholds.Kind, id string) (*Detail, error) {
	where, record, err := r.Record(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	s, _, err := r.Whole(ctx, where, kind, id, record)
	if err != nil || s == nil {
		return nil, err
	}
	d := &Detail{Time: engine.NoTime, First: engine.NoTime}
	if t, ok := s.Time(); ok {
		d.Time = t
	}
	if t := s.First(); t != 0 {
		d.First = t
	}
	since, err := r.Since(ctx, where.Shard)
	if err != nil {
		return nil, err
	}
	table := &r.Program.Kinds[kind]
	for i := range table.Rules {
		d.Standings = append(d.Standings, NewStanding(&table.Rules[i], i, s, since.Of(where.Shard, kind)))
		d.addSeries(table, &table.Rules[i], s)
	}
	return d, nil
}

// addSeries adds what the rule's counters hold. A counter has one series for each name that rules give it.
func (d *Detail) addSeries(table *engine.KindTable, rule *engine.BoundRule, s *engine.Subject) {
	for i, c := range rule.Counters {
		name := rule.Limits[i].Measure.Name
		same := func(x Series) bool {
			first := x.Rules[0]
			return x.Measure == name && first.Window == rule.Window && first.Step == rule.Step && definitionOf(first, name) == rule.Limits[i].Measure.Definition()
		}
		if at := slices.IndexFunc(d.Series, same); at >= 0 {
			if !slices.Contains(d.Series[at].Rules, rule.Rule) {
				d.Series[at].Rules = append(d.Series[at].Rules, rule.Rule)
			}
			continue
		}
		d.Series = append(d.Series, Series{Measure: name, Rules: []*thresholds.Rule{rule.Rule}, Buckets: d.buckets(rule.Limits[i].Measure, &table.Layout.Counters[c], s.Buckets(c))})
	}
}

// definitionOf is what a measure of a rule counts.
func definitionOf(r *thresholds.Rule, measure string) string {
	i := slices.IndexFunc(r.Limits, func(l thresholds.Limit) bool { return l.Measure.Name == measure })
	return r.Limits[i].Measure.Definition()
}

// buckets are those of a counter. The only one of all time begins with the subject's first event.
func (d *Detail) buckets(m *thresholds.Measure, spec *windows.Spec, all iter.Seq[windows.Held]) (list []Bucket) {
	for held := range all {
		b := Bucket{From: spec.Start(held.Bucket), Value: min(held.Sum, windows.MaxValue)}
		if spec.Step == 0 {
			b.From = d.First
		}
		if held.High > 0 {
			b.Value = windows.MaxValue
		}
		if m.Op == thresholds.Distinct && m.Number == "" {
			b.Value = uint64(held.Keys)
		}
		list = append(list, b)
	}
	return list
}
