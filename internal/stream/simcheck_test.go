package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect/inspecttest"
)

// simTruth is a log and what the oracle says of it.
type simTruth struct {
	kind       *simKind
	events     [][]sentEvent     // by partition
	partitions int               // that there are when the group begins
	begins     []int             // by partition: the event at which it is to begin
	live       simCrossings      // of the topic of crossings
	tried      simCrossings      // of that of shadow rules
	counts     map[string]string // lines by rule and subject
	letters    map[simLetter]bool
	last       map[string]time.Time // of each subject's events
	canaries   map[string]bool      // those of the service that count, by id
	counted    []uint64             // how many of them there are, by partition
	end        time.Time
}

// newSimTruth draws a log and asks the oracle: one for each partition, or one for all where subjects are shared.
func newSimTruth(k *simKind, rnd *rand.Rand) *simTruth {
	t := &simTruth{kind: k, events: k.events(rnd)}
	t.begin(rnd)
	return t.told(func(int, *int) *oracle.Oracle { return k.oracle.Fresh() })
}

// told is the same log with what oracles say of it. One is made for each partition, or one for all: of which, and of the event
// under way, it is told.
func (t *simTruth) told(newOracle func(partition int, event *int) *oracle.Oracle) *simTruth {
	k := t.kind
	t = &simTruth{
		kind: k, events: t.events, partitions: t.partitions, begins: t.begins, live: newSimCrossings(), tried: newSimCrossings(), counts: map[string]string{},
		letters: map[simLetter]bool{}, last: map[string]time.Time{}, canaries: map[string]bool{}, counted: make([]uint64, len(t.events)),
	}
	var i int
	o := newOracle(0, &i)
	for p, events := range t.events {
		if !k.shared {
			o = newOracle(p, &i)
		}
		var e sentEvent
		for i, e = range events {
			if i < t.begins[p] {
				o.ApplyTo(p, onlyID(e), e.millis)
				continue
			}
			before := o.Results()
			t.cross(o.ApplyTo(p, e.value, e.millis))
			switch after := o.Results(); {
			case after.Canary > before.Canary:
				t.canary(p, &e)
			case after.Malformed > before.Malformed:
				t.letters[simLetter{p, i, false}] = true
			case after.Ahead > before.Ahead:
				t.letters[simLetter{p, i, true}] = true
			default:
				t.note(e.value)
			}
		}
		if !k.shared || p == len(t.events)-1 {
			t.count(o)
		}
	}
	return t
}

// begin draws where the group begins: partitions that are there then are begun at their ends, later ones at their starts.
func (t *simTruth) begin(rnd *rand.Rand) {
	t.partitions, t.begins = len(t.events), make([]int, len(t.events))
	if !t.kind.begins {
		return
	}
	t.partitions = 1 + rnd.IntN(len(t.events))
	for p, events := range t.events[:t.partitions] {
		t.begins[p] = rnd.IntN(len(events) + 1)
	}
}

// onlyID is an event from before the group began: its id is known, and nothing of it is counted.
func onlyID(e sentEvent) []byte {
	var x struct {
		ID   string
		Time time.Time
	}
	if json.Unmarshal(e.value, &x) != nil || x.Time.After(time.UnixMilli(e.millis).Add(engine.DefaultMaxAhead)) {
		return e.value
	}
	return fmt.Appendf(nil, `{"id":%q,"time":%q,"type":"other"}`, x.ID, x.Time.UTC().Format(time.RFC3339))
}

// note notes the time of an event for its subjects.
func (t *simTruth) note(value []byte) {
	var x struct {
		Time              time.Time
		Incident, Account string
	}
	if err := json.Unmarshal(value, &x); err != nil {
		panic(err)
	}
	for _, subject := range []string{x.Incident, x.Account} {
		if x.Time.After(t.last[subject]) {
			t.last[subject] = x.Time
		}
	}
	t.end = x.Time
}

func (t *simTruth) cross(crossings []oracle.Crossing) {
	for _, c := range crossings {
		record, to := string(c.JSON()), &t.live
		if strings.Contains(record, `"shadow":true`) {
			to = &t.tried
		}
		id, key := c.ID(), c.By+"/"+c.Subject
		to.records[id] = record
		to.order[key] = append(to.order[key], id)
	}
}

func (t *simTruth) count(o *oracle.Oracle) {
	for _, line := range o.Counts() {
		t.counts[countKey(line)] = string(line)
	}
}

// countKey is a line of counts up to the subject, by which it is known.
func countKey(line []byte) string {
	key, _, _ := strings.Cut(string(line), `,"level"`)
	return key
}

// check compares what was stored and published with the truth.
func (w *simWorld) check(ctx context.Context) error {
	for n, at := range w.group {
		if end := int64(len(w.truth.events[n])); at.offset != end {
			return fmt.Errorf("the group committed %d of partition %d, which ends at %d", at.offset, n, end)
		}
		if begin, ok := parseNote(at.metadata, fetch.TopicID{}); !ok || begin != int64(w.truth.begins[n]) {
			return fmt.Errorf("the group noted %q of partition %d, which began at %d", at.metadata, n, w.truth.begins[n])
		}
	}
	return errors.Join(w.output.checkDead(w.truth.letters), w.checkCounts(ctx), w.checkCanaries(ctx), w.checkCrossings(&w.truth.live, w.output.published), w.checkCrossings(&w.truth.tried, w.output.tried), w.checkLists())
}

func (w *simWorld) checkCounts(ctx context.Context) error {
	var wrong error
	counted := map[string]bool{}
	err := inspecttest.Counts(ctx, &inspect.Reader{Program: w.truth.kind.program, Store: w.store, Shards: simShards}, func(line []byte) bool {
		key := countKey(line)
		if want := w.truth.counts[key]; want != string(line) {
			wrong = fmt.Errorf("counts:\nwant %s\ngot  %s", want, line)
			return false
		}
		counted[key] = true
		return true
	})
	if err := errors.Join(err, wrong); err != nil {
		return err
	}
	for key, line := range w.truth.counts {
		if !counted[key] && !w.truth.forgotten(key) {
			return fmt.Errorf("not counted: %s", line)
		}
	}
	return nil
}

// forgotten reports whether the last event of a subject is so old that its windows,
// of five minutes at most, had been empty for long when the log ended.
func (t *simTruth) forgotten(key string) bool {
	var line struct{ Subject string }
	if err := json.Unmarshal([]byte(key+"}"), &line); err != nil {
		panic(err)
	}
	return t.kind.forgets && t.end.Sub(t.last[line.Subject]) > engine.ForgetAfter+5*time.Minute
}

// checkCrossings compares what was published: every crossing, none else, each
// record the same however often it came, and in order for every key.
func (w *simWorld) checkCrossings(t *simCrossings, published [][]simRecord) error {
	first := map[string]bool{}
	next := map[string]int{}
	for _, records := range published {
		for _, r := range records {
			want, ok := t.records[r.id]
			if !ok {
				return fmt.Errorf("wrong: %s", r.value)
			}
			if err := w.checkRecord(&r, want); err != nil {
				return err
			}
			if first[r.id] {
				continue
			}
			first[r.id] = true
			if !w.truth.kind.shared && t.order[r.key][next[r.key]] != r.id {
				return fmt.Errorf("out of order: %s before %s", r.id, t.order[r.key][next[r.key]])
			}
			next[r.key]++
		}
	}
	for id := range t.records {
		if !first[id] {
			return fmt.Errorf("missed: %s", t.records[id])
		}
	}
	return nil
}

func (w *simWorld) checkRecord(r *simRecord, want string) error {
	if w.truth.kind.shared {
		var x struct{ Level, Progress float64 }
		if err := json.Unmarshal(r.value, &x); err != nil || x.Progress < x.Level {
			return fmt.Errorf("below its level, or damaged: %s, %w", r.value, err)
		}
		return nil
	}
	if got := simBare(string(r.value)); got != want && !w.sameClear(r.id, got, want) {
		return fmt.Errorf("crossing:\nwant %s\ngot  %s", want, got)
	}
	return nil
}

// simBare is a record without `detected` and the evidence's place.
func simBare(s string) string {
	if before, after, ok := strings.Cut(s, `,"detected":"`); ok {
		_, after, _ = strings.Cut(after, `"`)
		s = before + after
	}
	if before, after, ok := strings.Cut(s, `,"topic":"`); ok {
		_, after, _ = strings.Cut(after, `,"pack_hash"`)
		s = before + `,"pack_hash"` + after
	}
	return s
}

// told sums up what was published.
func (w *simWorld) told() simTold {
	t := simTold{canaries: w.output.canaries}
	seen := map[string]bool{}
	for _, records := range w.output.published {
		for _, r := range records {
			switch {
			case seen[r.id]:
				t.repeats++
			case r.id[len(r.id)-2:] == "/0":
				t.clears++
			default:
				t.crossings++
			}
			seen[r.id] = true
		}
	}
	return t
}

// digest is a hash of all that was published and stored.
func (w *simWorld) digest() uint64 {
	h := fnv.New64a()
	for _, records := range w.output.published {
		for _, r := range records {
			_, _ = h.Write([]byte(simBare(string(r.value))))
		}
	}
	w.store.digest(h)
	return h.Sum64()
}
