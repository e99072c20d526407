package inspect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// pack has a rule of incidents whose history is a key of its own once it is long, one of members, and one of accounts.
const pack = `
pack: p
measures:
  clicks:  {sum: count, types: [click]}
  readers: {distinct: account, types: [click]}
rules:
  - {id: clicks, by: incident, window: 1000m, step: 1m, limits: {clicks: 1000}, levels: [0.1, 1], clear: 0.05}
  - {id: readers, by: incident, window: 1d, step: 1d, limits: {readers: 400}}
  - {id: own, by: account, window: 1d, step: 1d, limits: {clicks: 10}}
`

// counted is a rig that has counted 200 clicks of incident A by 200 accounts, a minute apart, and what reads its store.
func counted(t *testing.T) (*shardtest.Rig, *inspect.Reader) {
	t.Helper()
	r := shardtest.NewRig(t, enginetest.Compile(t, pack))
	var lines []string
	for n := range 200 {
		lines = append(lines, fmt.Sprintf(`{"id":"%d","time":"2026-01-01T%02d:%02d:00Z","type":"click","incident":"A","account":"u%d"}`, n, n/60, n%60, n))
	}
	r.Count(lines...)
	return r, &inspect.Reader{Program: r.Shard.Program, Store: r.Store, Shards: 1}
}

func TestStandings(t *testing.T) {
	_, r := counted(t)
	f := func(kind thresholds.Kind, id string, want ...string) {
		t.Helper()
		all, err := r.Standings(t.Context(), nil, kind, id)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range all {
			got = append(got, fmt.Sprintf("%s %s %d at %s, level %s, episode %d", s.Subject, s.Rule.ID, s.Values[0].Value, share(s.Progress), s.State.Level, s.State.Episode))
		}
		if strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("%v/%s: got %q, want %q", kind, id, got, want)
		}
	}
	f(thresholds.Incident, "A", "A clicks 200 at 0.2000, level 0.1, episode 1", "A readers 200 at 0.5000, level 0, episode 1")
	f(thresholds.Account, "u7", "u7 own 1 at 0.1000, level 0, episode 1")
	f(thresholds.Incident, "B")
	f(thresholds.Content, "A")
}

func share(progress uint64) string { return fmt.Sprintf("%d.%04d", progress/10_000, progress%10_000) }

// TestForget: nothing of the subject is left, everything of the others is.
func TestForget(t *testing.T) {
	rig, r := counted(t)
	if n := len(rig.Armed()); n != 1 {
		t.Fatalf("%d subjects are armed, not one", n)
	}
	before := rig.Store.Len()
	for range 2 { // there is nothing the second time
		if err := r.Forget(t.Context(), thresholds.Incident, "A"); err != nil {
			t.Fatal(err)
		}
	}
	if _, record, err := r.Record(t.Context(), thresholds.Incident, "A"); record != nil || err != nil {
		t.Errorf("a record of %d bytes is left, %v", len(record), err)
	}
	if all := shardtest.Counts(t, r.Program, r.Store); len(all) != 200 || strings.Contains(strings.Join(all, ""), `"by":"incident"`) {
		t.Errorf("%d subjects are left, not the 200 accounts", len(all))
	}
	if n := len(rig.Armed()); n != 0 {
		t.Errorf("%d subjects are armed", n)
	}
	if gone := before - rig.Store.Len(); gone < 3 {
		t.Errorf("%d keys are gone: the record, a history and members were to go", gone)
	}
}
