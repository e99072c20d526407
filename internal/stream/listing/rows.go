package listing

import (
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Row is where a subject is with a rule, as of the subject's time, and how fast it comes nearer to the limit.
type Row struct {
	inspect.Standing
	Rate    *float64   // progress an hour, 1 is the limit; nil: not known
	LimitAt *time.Time // when the limit is reached at that rate; nil: not within the window, or it is reached
}

// Rows are the rows of standings.
func (r *Reader) Rows(ctx context.Context, standings []inspect.Standing) ([]Row, error) {
	rows := make([]Row, len(standings))
	for i := range standings {
		rows[i].Standing = standings[i]
	}
	return rows, r.see(ctx, rows)
}

// rows are the rows of candidates that a filter wants, as yet without a rate; without a rule: it does not, or it is not listed any more.
// What counters lack is added to since for the shards that are new to it.
func (r *Reader) rows(ctx context.Context, f *Filter, some []candidate, since map[int]inspect.Since) ([]Row, error) {
	made := make([]Row, len(some))
	byShard := map[int][]int{}
	for i := range some {
		byShard[some[i].shard] = append(byShard[some[i].shard], i)
	}
	if err := r.addSince(ctx, byShard, since); err != nil {
		return nil, err
	}
	for shard, list := range byShard {
		if err := r.rowsOf(ctx, f, shard, some, list, since[shard], made); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// addSince reads what the counters of those shards lack that since does not have yet.
func (r *Reader) addSince(ctx context.Context, shards map[int][]int, since map[int]inspect.Since) error {
	if r.Since == nil {
		return nil
	}
	var missing []int
	for shard := range shards {
		if _, ok := since[shard]; !ok {
			missing = append(missing, shard)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	read, err := r.Since(ctx, missing...)
	for _, shard := range missing {
		since[shard] = read
	}
	return err
}

// rowsOf makes the rows of those candidates that list names, which are of one shard.
func (r *Reader) rowsOf(ctx context.Context, f *Filter, shard int, some []candidate, list []int, since inspect.Since, made []Row) error {
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
		row := Row{Standing: inspect.NewStanding(&r.Program.Kinds[s.Kind].Rules[c.number], c.number, s, since.Of(shard, s.Kind))}
		if engine.Listed(s.Subject, c.number, row.Progress) && f.wants(&row) {
			made[i] = row
		}
	}
	return nil
}

// see works out the rates of rows.
func (r *Reader) see(ctx context.Context, rows []Row) error {
	digests := map[*thresholds.Rule]uint32{}
	names, byShard := map[int][]windowstore.RowName{}, map[int][]*Row{}
	for i := range rows {
		row := &rows[i]
		if _, ok := digests[row.Rule]; !ok {
			digests[row.Rule] = digestOf(row.Rule)
		}
		id := []byte(row.Subject)
		shard := windowstore.ShardOf(row.Rule.By.String(), id, r.Shards)
		names[shard] = append(names[shard], windowstore.RowName{Rule: row.Rule.ID, ID: id})
		byShard[shard] = append(byShard[shard], row)
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
func (x *Row) setRate(sights []Sight) {
	now := Sight{Time: x.Time, Fraction: x.Rule.Fraction(x.Values)}
	perHour, ok := rate(sights, now)
	if !ok {
		return
	}
	x.Rate = &perHour
	if limit, ok := limitAt(perHour, now, windowOf(x.Rule)); ok {
		t := time.Unix(0, limit).UTC()
		x.LimitAt = &t
	}
}

// windowOf is how far a rule looks ahead: as far as back, or a year.
func windowOf(r *thresholds.Rule) time.Duration {
	if r.Window == 0 {
		return 365 * 24 * time.Hour
	}
	return time.Duration(r.Window) * time.Second
}
