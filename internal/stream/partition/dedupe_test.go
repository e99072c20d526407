package partition

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// seeking notes the offsets that a reader is sent to.
type seeking struct {
	fetch.Reader
	to []int64
}

func (r *seeking) SeekTo(offset int64) {
	r.to = append(r.to, offset)
	r.Reader.SeekTo(offset)
}

// TestMemoryIsKept: in the next generation a partition reads no more of the log than what another owner has counted since.
func TestMemoryIsKept(t *testing.T) {
	const start = 1767225600000
	var clicks []records.Record
	for i := range 10 { // an event a minute, of which the memory holds three; the last repeats the one before
		clicks = append(clicks, fetchtest.Click(fmt.Sprint(i-i/9), start+int64(i)*60_000))
	}
	log := fetchtest.Log{clicks}
	shared := sharing(t, log, func(o *Options) { o.Intake.DedupeWindow = 150 * time.Second })
	at := func(offset int64) position.Position {
		return position.Position{Offset: offset, Clock: start + (offset-1)*60_000, Newest: engine.NoTime}
	}
	generation := func(name string, offset int64, ids int, seeks ...int64) *Partition {
		t.Helper()
		x := shared.New(shard.NewAssignment("events", 0, 0, 1))
		r := &seeking{Reader: log.Open("events", 0, 0)}
		x.log.stream = r
		if err := x.log.rebuildDedupe(t.Context(), at(offset)); err != nil {
			t.Fatal(err)
		}
		if x.decide.in.IDs.Size() != ids || !slices.Equal(r.to, seeks) {
			t.Errorf("%s: %d ids known, want %d; read from %v, want %v", name, x.decide.in.IDs.Size(), ids, r.to, seeks)
		}
		shared.dedupe.keep(x.Assignment.At(), &x.decide)
		return x
	}
	generation("the first", 4, 3, 1)
	generation("nobody went on", 4, 3)
	generation("another owner went on", 6, 3, 4)
	generation("the store went back", 5, 3, 2)
	x := generation("another owner went far", 9, 3, 6)
	if err := x.decide.in.Decoder.Decode(&x.decide.in.Event, clicks[9].Value); err != nil || !x.decide.in.Repeated(clicks[9].Timestamp) {
		t.Errorf("what another owner counted comes again and is not known, %v", err)
	}
	shared.Given()
	generation("another process had it", 10, 3, 7)
}
