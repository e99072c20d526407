package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// recount counts all that was in the log again from nothing, and compares it with what the service stored and announced. It counts by the
// oracle, which shares no code with the service.
//
// Each incident is counted by itself: no subject of the demo is fed by two. So an incident is recounted before its counts are forgotten,
// and the log of those that are left is bounded.
type recount struct {
	fresh  *oracle.Oracle // that has seen nothing
	reader *inspect.Reader

	mu        sync.Mutex
	journals  map[string]*journal // by incident
	crossings map[string][]string // that came, by subject, bare
	announced map[string]bool     // ids of crossings that came: a repeat counts once
	verdict   verdict
}

// verdict is what comparing gave.
type verdict struct {
	results     oracle.Results
	events      int // read from the log again
	counts      int // lines of counts, a rule and a subject each
	crossings   int
	differences []string
}

func newRecount(p *thresholds.Pack, r *inspect.Reader) (*recount, error) {
	o, err := oracle.Options{DedupeWindow: dedupeWindow}.New(p.Text)
	if err != nil {
		return nil, fmt.Errorf("recount: %w", err)
	}
	return &recount{fresh: o, reader: r, journals: map[string]*journal{}, crossings: map[string][]string{}, announced: map[string]bool{}}, nil
}

// counted keeps a record of the log.
func (r *recount) counted(incident string, partition int, ms int64, value []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.journals[incident] == nil {
		r.journals[incident] = &journal{}
	}
	r.journals[incident].add(partition, ms, value)
}

// crossed keeps a crossing that was announced.
func (r *recount) crossed(record []byte) {
	var c struct{ ID, By, Subject string }
	text, err := bare(record)
	if err == nil {
		err = json.Unmarshal(record, &c)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		c.ID, text = string(record), fmt.Sprintf("a record that is no crossing (%v)", err)
	}
	if name := c.By + "/" + c.Subject; !r.announced[c.ID] {
		r.announced[c.ID] = true
		r.crossings[name] = append(r.crossings[name], text)
	}
}

// bytes is how much memory the kept log takes.
func (r *recount) bytes() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range r.journals {
		n += j.bytes()
	}
	return n
}

// errLeftOut is of a recount that somebody did not want to wait for.
var errLeftOut = errors.New("demo: not all was recounted")

// expected is what the oracle wants of some incidents.
type expected struct {
	counts    []string
	crossings map[string][]string // by subject
}

// again counts the log of an incident again, and forgets it. Results go into the verdict.
func (r *recount) again(ctx context.Context, incident string, want *expected) error {
	r.mu.Lock()
	j := r.journals[incident]
	delete(r.journals, incident)
	r.mu.Unlock()
	if j == nil {
		return nil
	}
	o := r.fresh.Fresh()
	err := j.each(func(partition int, ms int64, value []byte) {
		if ctx.Err() != nil {
			return
		}
		r.verdict.events++
		for _, c := range o.ApplyTo(partition, value, ms) {
			text, err := bare(c.JSON())
			if err != nil {
				panic("BUG: a crossing of the oracle is no JSON: " + err.Error())
			}
			name := c.By + "/" + c.Subject
			want.crossings[name] = append(want.crossings[name], text)
		}
	})
	for _, line := range o.Counts() {
		want.counts = append(want.counts, string(line))
	}
	addResults(&r.verdict.results, o.Results())
	if ctx.Err() != nil {
		return errLeftOut
	}
	return err
}

func addResults(to *oracle.Results, x oracle.Results) {
	to.Matched += x.Matched
	to.Duplicate += x.Duplicate
	to.Malformed += x.Malformed
	to.Ahead += x.Ahead
	to.Unmatched += x.Unmatched
	to.Late += x.Late
}

// one recounts an incident for which nothing comes any more, and compares it. The accounts that acted in it are its other subjects.
func (r *recount) one(ctx context.Context, incident string, accounts []string) error {
	want := expected{crossings: map[string][]string{}}
	if err := r.again(ctx, incident, &want); err != nil {
		return err
	}
	names := []string{"incident/" + incident}
	stored, err := r.appendSubject(ctx, nil, thresholds.Incident, incident)
	for _, a := range accounts {
		if err == nil {
			names = append(names, "account/"+a)
			stored, err = r.appendSubject(ctx, stored, thresholds.Account, a)
		}
	}
	if err != nil {
		return err
	}
	r.compareCounts(want.counts, r.lines(stored))
	for name := range want.crossings {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	r.compareCrossings(want.crossings, names)
	return nil
}

// rest recounts everything that is left, and compares it with all that is stored and all that was announced.
func (r *recount) rest(ctx context.Context) error {
	want := expected{crossings: map[string][]string{}}
	r.mu.Lock()
	var incidents []string
	for name := range r.journals {
		incidents = append(incidents, name)
	}
	r.mu.Unlock()
	for _, name := range incidents {
		if err := r.again(ctx, name, &want); err != nil {
			return err
		}
	}
	stored, err := r.all(ctx)
	if err != nil {
		return err
	}
	r.compareCounts(want.counts, r.lines(stored))
	names := map[string]bool{}
	for name := range want.crossings {
		names[name] = true
	}
	r.mu.Lock()
	for name := range r.crossings {
		names[name] = true
	}
	r.mu.Unlock()
	r.compareCrossings(want.crossings, slices.Sorted(maps.Keys(names)))
	return nil
}

// all is every subject that is stored.
func (r *recount) all(ctx context.Context) (list []*engine.Subject, err error) {
	type name struct {
		kind thresholds.Kind
		id   string
	}
	seen := map[name]bool{}
	err = r.reader.Store.ScanRecords(ctx, func(_ int, key []byte) bool {
		if _, by, id, ok := r.reader.Store.Keys().ParseRecordKey(key); ok {
			if kind, ok := thresholds.ParseKind(by); ok {
				seen[name{kind, string(id)}] = true
			}
		}
		return true
	}, nil)
	for n := range seen {
		if err != nil {
			return nil, err
		}
		list, err = r.appendSubject(ctx, list, n.kind, n.id)
	}
	return list, err
}

// appendSubject appends what is stored of a subject, if anything is.
func (r *recount) appendSubject(ctx context.Context, list []*engine.Subject, kind thresholds.Kind, id string) ([]*engine.Subject, error) {
	where, record, err := r.reader.Record(ctx, kind, id)
	if err != nil || record == nil {
		return list, err
	}
	s, err := r.reader.Subject(ctx, where.Shard, kind, []byte(id), record)
	if err != nil {
		return list, err
	}
	return append(list, s), nil
}

// lines are the counts of subjects, as replay prints them.
func (r *recount) lines(subjects []*engine.Subject) (lines []string) {
	r.reader.Program.Counts(subjects, func(line []byte) bool {
		lines = append(lines, string(line))
		return true
	})
	return lines
}

// compareCounts compares lines of counts, in whatever order.
func (r *recount) compareCounts(want, got []string) {
	r.verdict.counts += len(want)
	stored := map[string]bool{}
	for _, line := range got {
		stored[line] = true
	}
	for _, line := range want {
		if !stored[line] {
			r.differ("by the log it is %s, and that is not stored", line)
		}
		delete(stored, line)
	}
	for _, line := range slices.Sorted(maps.Keys(stored)) {
		r.differ("stored is %s, and by the log it is not", line)
	}
}

// compareCrossings compares the crossings of subjects, in their order, and forgets those that came.
func (r *recount) compareCrossings(want map[string][]string, subjects []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range subjects {
		came := r.crossings[name]
		delete(r.crossings, name)
		r.verdict.crossings += len(want[name])
		for i := range max(len(came), len(want[name])) {
			switch {
			case i >= len(came):
				r.differ("by the log there is a crossing %s, and it was not announced", want[name][i])
			case i >= len(want[name]):
				r.differ("announced was %s, and by the log there is no such crossing", came[i])
			case came[i] != want[name][i]:
				r.differ("announced was %s, and by the log it is %s", came[i], want[name][i])
			}
		}
	}
}

// compareResults compares what became of all events with what the service counted of that.
func (r *recount) compareResults(f figures) {
	want := r.verdict.results
	for _, x := range []struct {
		name string
		want int64
		got  int
	}{
		{"matched", want.Matched, f.events("matched")},
		{"duplicate", want.Duplicate, f.events("duplicate")},
		{"malformed", want.Malformed, f.events("malformed")},
		{"ahead", want.Ahead, f.events("ahead")},
		{"unmatched", want.Unmatched, f.events("unmatched")},
		{"late", want.Late, f.of("late_total")},
	} {
		if x.want != int64(x.got) {
			r.differ("%s: by the log %d events, and the service counted %d", x.name, x.want, x.got)
		}
	}
}

func (r *recount) differ(format string, args ...any) {
	r.verdict.differences = append(r.verdict.differences, fmt.Sprintf(format, args...))
}

// text is the verdict for readers. Of many differences it has the first ones.
func (v *verdict) text() string {
	var b strings.Builder
	const most = 10
	for i, d := range v.differences {
		if i == most {
			fmt.Fprintf(&b, "demo: and %s more\n", humanize.Number(len(v.differences)-most))
			break
		}
		fmt.Fprintf(&b, "demo: difference: %s\n", d)
	}
	fmt.Fprintf(&b, "demo: recounted from the log, by code of its own: %s, %s, %s; differences %s",
		humanize.Count(v.events, "event"), humanize.Count(v.counts, "count"), humanize.Count(v.crossings, "crossing"), humanize.Number(len(v.differences)))
	return b.String()
}

// bare is a crossing's record without what only the service knows: when it was detected, and where its event stands in the log.
func bare(record []byte) (string, error) {
	var m map[string]any
	if err := json.Unmarshal(record, &m); err != nil {
		return "", err
	}
	delete(m, "detected")
	if e, ok := m["evidence"].(map[string]any); ok {
		delete(e, "topic")
		delete(e, "partition")
		delete(e, "offset")
	}
	b, err := json.Marshal(m)
	return string(b), err
}
