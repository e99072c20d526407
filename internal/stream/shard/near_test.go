package shard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

const nearPack = `
pack: p
measures: {clicks: {sum: count, types: [click]}, views: {sum: count, types: [view]}}
rules:
  - {id: clicks, by: incident, window: 1h, step: 1m, limits: {clicks: 1000}, clear: 0.4}
  - {id: views, by: incident, window: 2m, step: 1m, limits: {views: 1000}, levels: [0.05, 1]}
`

// nearRig counts incidents, and shows what is listed of them.
type nearRig struct {
	*testing.T
	*shardtest.Rig
	n int
}

func newNearRig(t *testing.T) *nearRig {
	t.Helper()
	return &nearRig{T: t, Rig: shardtest.NewRig(t, enginetest.Compile(t, nearPack))}
}

func (r *nearRig) event(kind, incident string, at time.Duration, count int) string {
	r.n++
	when := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(at).Format(time.RFC3339)
	return fmt.Sprintf(`{"id":"%d","time":%q,"type":%q,"incident":%q,"count":%d}`, r.n, when, kind, incident, count)
}

// wants checks what is listed after the next turn of the lister, or after all waits is written.
func (r *nearRig) wants(flush bool, want string) {
	r.Helper()
	if flush {
		r.Shard.Listing.Flush(r.Context())
	} else {
		r.Shard.Listing.Turn(r.Context())
	}
	reader := &listing.Reader{Program: r.Shard.Program, Store: r.Store, Shards: 1}
	page, err := reader.Nearest(r.Context(), listing.Filter{}, 100, "")
	if err != nil {
		r.Fatal(err)
	}
	var got []string
	for _, row := range page.Rows {
		got = append(got, fmt.Sprintf("%s/%s:%d", row.Rule.ID, row.Subject, row.Progress))
	}
	if text := strings.Join(got, " "); text != want {
		r.Errorf("listed %s, want %s", text, want)
	}
}

// TestNear: rows come, change and go with the commits that make them so.
func TestNear(t *testing.T) {
	r := newNearRig(t)
	r.Count(r.event("click", "A", 0, 99), r.event("click", "B", 0, 500))
	r.wants(false, "clicks/B:5000")
	r.Count(r.event("click", "A", time.Minute, 1))
	r.wants(false, "clicks/B:5000 clicks/A:1000")
	r.Count(r.event("view", "A", time.Minute, 50)) // its level is below where lists begin
	r.wants(false, "clicks/B:5000 clicks/A:1000 views/A:500")
	r.Count(r.event("click", "A", 5*time.Minute, 1)) // the views have left their window; their level stays
	r.wants(true, "clicks/B:5000 clicks/A:1010 views/A:0")
	r.Count(r.event("click", "B", 2*time.Hour, 1)) // its window slid
	r.wants(false, "clicks/A:1010 views/A:0")
	r.Count(r.event("click", "C", 2*time.Hour, 900))
	r.wants(false, "clicks/C:9000 clicks/A:1010 views/A:0")
	r.Count(r.event("click", "C", 4*time.Hour, 1)) // cleared
	r.wants(false, "clicks/A:1010 views/A:0")
}

// TestNearReadAgain: a subject that was dropped from memory is compared with what its record says.
func TestNearReadAgain(t *testing.T) {
	r := newNearRig(t)
	r.Shard.CacheBytes = -1 // nothing is kept
	count := func(line string) {
		r.Count(line)
		if err := r.Shard.Turn(t.Context(), shard.WakeAge, shard.Message{}); err != nil {
			t.Fatal(err)
		}
	}
	count(r.event("click", "A", 0, 300))
	r.wants(true, "clicks/A:3000")
	count(r.event("view", "A", 0, 300))
	r.wants(true, "clicks/A:3000 views/A:3000")
	count(r.event("view", "A", 90*time.Minute, 1))
	r.wants(true, "views/A:10")
}

// TestNearRate: sights are taken as events are applied, not as they are committed.
func TestNearRate(t *testing.T) {
	r := newNearRig(t)
	var lines []string
	for i := range 60 {
		lines = append(lines, r.event("click", "A", time.Duration(i)*30*time.Second, 10))
	}
	r.Count(lines...)
	r.Shard.Listing.Flush(t.Context())
	reader := &listing.Reader{Program: r.Shard.Program, Store: r.Store, Shards: 1}
	page, err := reader.Nearest(t.Context(), listing.Filter{Rules: func(r *thresholds.Rule) bool { return r.By == thresholds.Incident }}, 1, "")
	if err != nil || len(page.Rows) == 0 || page.Rows[0].Subject != "A" {
		t.Fatalf("%+v, error %v", page, err)
	}
	rows := page.Rows
	if rows[0].Rate == nil || *rows[0].Rate < 1.14 || *rows[0].Rate > 1.26 {
		t.Fatalf("%+v", rows)
	}
	if left := rows[0].LimitAt.Sub(time.Unix(0, rows[0].Time)); left < 19*time.Minute || left > 21*time.Minute {
		t.Errorf("the limit is reached in %v", left)
	}
}
