package stream

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

const listsPack = `
pack: p
measures: {clicks: {sum: count, types: [click]}, readers: {distinct: account, types: [click]}}
rules:
  - {id: clicks, by: incident, window: 30d, step: 1d, limits: {clicks: 1000}}
  - {id: reads, by: account, window: 30d, step: 1d, limits: {clicks: 1000}}
`

// TestLists: two processes of a group say the same of what is near a limit, which is what the records say; so does one that was
// stopped and started with other limits.
func TestLists(t *testing.T) {
	r := newRig(t, 2, compile(t, listsPack))
	store := windowstore.NewMem(DefaultShards)
	listed := func(o *Options) { o.ListMost = 1_000 }
	a, b := r.start(store, listed), r.start(store, listed)
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 40 {
		at := base.Add(time.Duration(i) * time.Minute)
		event := fmt.Sprintf(`{"id":"e%d","time":%q,"type":"click","incident":"i%d","account":"a%d","count":%d}`, i, at.Format(time.RFC3339), i%7, i%3, 10*i)
		r.send(i%2, sentEvent{value: []byte(event), millis: at.UnixMilli()})
	}
	r.counted()
	a.awaits(t, want(t, r, store, 1000))
	b.awaits(t, want(t, r, store, 1000))
	a.end(t)
	b.end(t)

	other := compile(t, strings.ReplaceAll(strings.ReplaceAll(listsPack, "limits: {clicks: 1000}", "limits: {clicks: 9000}"), "id: reads", "id: others"))
	r.program = other
	r.start(store, listed).awaits(t, want(t, r, store, 9000))
	eventually(t, time.Minute, func() bool {
		for shard := range DefaultShards {
			if rules, err := store.Lists(t.Context(), shard); err != nil || slices.Contains(rules, "reads") {
				return false
			}
		}
		return true
	})
}

// want is what is to be listed, by the counts.
func want(t *testing.T, r *rig, store windowstore.Store, limit int) (rows []string) {
	for _, line := range r.storedCounts(store) {
		var rule, subject string
		var value int
		_, err := fmt.Sscanf(strings.NewReplacer(`"`, " ", ",", " ", ":", " ", "{", " ", "}", " ").Replace(line), " rule %s by", &rule)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(line, `"subject":"`)
		subject, rest, _ = strings.Cut(rest, `"`)
		_, rest, _ = strings.Cut(rest, `"value":`)
		if _, err := fmt.Sscanf(rest, "%d", &value); err != nil {
			t.Fatal(err)
		}
		if progress := 10_000 * value / limit; progress >= 1_000 || !strings.Contains(line, `"level":0,`) {
			rows = append(rows, fmt.Sprintf("%s/%s:%d", rule, subject, progress))
		}
	}
	slices.Sort(rows)
	return rows
}

// awaits waits until a process lists these rows.
func (p *process) awaits(t *testing.T, want []string) {
	t.Helper()
	reader := listing.Reader{Program: p.s.options.Program, Store: p.s.options.Store, Shards: p.s.options.Shards}
	eventually(t, time.Minute, func() bool {
		var got []string
		for cursor := ""; ; {
			page, err := reader.Nearest(t.Context(), listing.Filter{}, 3, cursor)
			if err != nil {
				return false
			}
			for _, row := range page.Rows {
				got = append(got, fmt.Sprintf("%s/%s:%d", row.Rule.ID, row.Subject, row.Progress))
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		slices.Sort(got)
		return slices.Equal(got, want)
	})
}
