package stream

import (
	"context"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect/inspecttest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// widePack has windows so long that nothing in a story is late or cleared:
// counts then do not depend on the order between partitions.
const widePack = `
pack: wide
measures:
  clicks:  {sum: count, types: [click]}
  readers: {distinct: account, types: [click, view]}
  members: {distinct: group, weight: members, types: [share]}
rules:
  - {id: clicks, by: incident, window: 730d, step: 1d, limits: {clicks: 500}, levels: [0.1, 0.5, 0.8, 1, 2], clear: 0.05}
  - {id: readers, by: incident, window: 730d, step: 1d, limits: {readers: 300}, levels: [0.1, 0.5, 1]}
  - {id: mixed, by: incident, window: 730d, step: 1d, limits: {clicks: 1000, members: 5000}, combine: ratio}
  - {id: busy, by: account, window: 730d, step: 1d, limits: {clicks: 40}, levels: [0.25, 0.5, 1, 2, 5]}
`

// spread puts events into partitions by their incident, so that accounts are
// fed by all partitions and incidents by one.
func spread(events []sentEvent, partitions int) [][]sentEvent {
	out := make([][]sentEvent, partitions)
	for _, e := range events {
		h := fnv.New32a()
		h.Write(incidentOf(e.value))
		p := int(h.Sum32()) % partitions
		out[p] = append(out[p], e)
	}
	return out
}

func incidentOf(value []byte) []byte {
	const name = `"incident":"`
	for i := 0; i+len(name) < len(value); i++ {
		if string(value[i:i+len(name)]) == name {
			end := i + len(name)
			for value[end] != '"' {
				end++
			}
			return value[i+len(name) : end]
		}
	}
	return nil
}

// wantedCounts are the counts lines of a replay of all partitions, one after the
// other, duplicates removed in each.
func (r *rig) wantedCounts() []string {
	var lines []string
	rp := engine.NewReplay(r.program, engine.IntakeOptions{}, math.MaxInt64, func(*thresholds.Crossing) {})
	for p := range r.sent {
		rp.In.IDs.Reset()
		for _, e := range r.sent[p] {
			_ = rp.Line(e.value)
		}
	}
	rp.Counts(func(line []byte) bool { lines = append(lines, string(line)); return true })
	return lines
}

func (r *rig) storedCounts(store windowstore.Store) []string {
	r.tb.Helper()
	var lines []string
	err := inspecttest.Counts(context.Background(), r.reader(store), func(line []byte) bool {
		lines = append(lines, string(line))
		return true
	})
	if err != nil {
		r.tb.Fatal(err)
	}
	return lines
}

// checkAll compares the stored counts with a replay, and the crossings of
// incidents, each fed by one partition, with a replay of that partition. Accounts are
// fed by several: each of their crossings must be there, once.
func (r *rig) checkAll(t *testing.T, store windowstore.Store, repeats bool) {
	t.Helper()
	want, got := r.wantedCounts(), r.storedCounts(store)
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("counts differ, %d wanted, %d stored; first at %d:\nwant %s\ngot  %s", len(want), len(got), i, at(want, i), at(got, i))
		}
	}
	wanted := map[string][]string{}
	var accounts []string
	for p := range r.sent {
		for _, line := range r.replayed(p) {
			if k := keyOf(t, line); k[0] == 'i' {
				wanted[k] = append(wanted[k], line)
			}
		}
	}
	published := map[string][]string{}
	ids := map[string]bool{}
	for _, messages := range r.read("crossings") {
		for _, m := range messages {
			line, id := bare(t, m.Value), header(m.Headers, "ce_id")
			if ids[id] {
				if !repeats {
					t.Errorf("published twice: %s", id)
				}
				continue
			}
			ids[id] = true
			if m.Key[0] == 'i' {
				published[string(m.Key)] = append(published[string(m.Key)], line)
			} else {
				accounts = append(accounts, id)
			}
		}
	}
	compareByKey(t, published, wanted)
	sort.Strings(accounts)
	if all := r.accountCrossings(); !slices.Equal(all, accounts) {
		t.Fatalf("crossings of accounts: want %d, got %d: %v", len(all), len(accounts), difference(all, accounts))
	}
	t.Logf("%d counts, %d crossings", len(got), len(ids))
}

// accountCrossings are the ids that the accounts' final counts call for.
func (r *rig) accountCrossings() []string {
	var ids []string
	rp := engine.NewReplay(r.program, engine.IntakeOptions{}, math.MaxInt64, func(c *thresholds.Crossing) {
		if c.Rule.By == thresholds.Account {
			ids = append(ids, string(c.AppendID(nil)))
		}
	})
	for p := range r.sent {
		rp.In.IDs.Reset()
		for _, e := range r.sent[p] {
			_ = rp.Line(e.value)
		}
	}
	sort.Strings(ids)
	return ids
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "nothing"
}

func difference(a, b []string) []string {
	var out []string
	for _, x := range a {
		if !slices.Contains(b, x) {
			out = append(out, "-"+x)
		}
	}
	for _, x := range b {
		if !slices.Contains(a, x) {
			out = append(out, "+"+x)
		}
	}
	return out
}

// TestProcessesShareSubjects: two processes, a third that joins and one that
// leaves while events come, all with accounts that every partition feeds.
func TestProcessesShareSubjects(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const partitions = 6
	r := newRig(t, partitions, compile(t, widePack))
	store := windowstore.NewMem(DefaultShards)
	a := r.start(store, nil)
	b := r.start(store, nil)
	events := spread(story(rand.New(rand.NewPCG(seed, 2)), 60_000, 40, 300), partitions)
	var c *process
	for round := range 6 {
		for p := range events {
			n := len(events[p]) / 6
			r.send(p, events[p][round*n:(round+1)*n]...)
		}
		switch round {
		case 2:
			c = r.start(store, nil)
		case 4:
			a.end(t)
		}
	}
	r.counted()
	b.end(t)
	c.end(t)
	r.checkAll(t, store, false)
}
