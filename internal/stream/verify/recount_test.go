package verify

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

const clicksPack = `{pack: p, measures: {c: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1d, step: 1h, limits: {c: 9}}]}`

// recountOf is a recount of the partitions of a log, each from the given offset on.
func recountOf(t *testing.T, log fetchtest.Log, from int64, program *engine.Program) *recount {
	t.Helper()
	o := &recountOptions{
		source: log, program: program, secret: testSecret, shards: 1, out: make([]partition.Stretches, len(log)), log: slog.New(slog.DiscardHandler),
	}
	for p := range log {
		o.topics, o.from = append(o.topics, position.TopicPartition{Topic: "events", Partition: p}), append(o.from, from)
	}
	return newRecount(o)
}

// TestVerifyBeginsAtTheClock: the first record that counts for the clock shows where the log as it
// is read begins. A record without a timestamp, or with one in seconds, does not: it would say that
// all of the log is there.
func TestVerifyBeginsAtTheClock(t *testing.T) {
	const start = fetchtest.ClicksAt
	var clicks []records.Record
	for i, millis := range []int64{start, -1, start / 1000, 0, start + 60_000, start + 120_000} {
		clicks = append(clicks, fetchtest.Click(fmt.Sprint(i), millis))
	}
	r := recountOf(t, fetchtest.Log{clicks}, 1, enginetest.Compile(t, clicksPack))
	if err := r.read(t.Context(), []int64{int64(len(clicks))}, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	want := engine.Nanoseconds(start+60_000) + int64(engine.DefaultMaxAhead)
	if p := r.partitions[0]; p.CompleteFrom(start+120_000) != want || p.Next() != int64(len(clicks)) {
		t.Errorf("the log is complete from %d, want %d; read up to %d", p.CompleteFrom(start+120_000), want, p.Next())
	}
}

// TestTimestampsNearTheEnd: Kafka timestamps may be anything.
func TestTimestampsNearTheEnd(t *testing.T) {
	log := fetchtest.Log{{fetchtest.Click("1", engine.Never-900)}, {fetchtest.Click("2", engine.Never-500)}}
	r := recountOf(t, log, 0, enginetest.Compile(t, clicksPack))
	p, until, err := r.oldest(t.Context(), []int64{1, 1})
	if err != nil || p == nil || p.Assignment().Partition != 0 || until < engine.Never-900 {
		t.Fatalf("nothing is read up to %d, %v", until, err)
	}
}
