package partition

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// deafOnce is a log that does not find an offset the first time it is asked.
type deafOnce struct {
	fetchtest.Log
	asked int
}

func (l *deafOnce) OffsetAt(ctx context.Context, topic string, partition int, ms int64) (int64, error) {
	if l.asked++; l.asked == 1 {
		return 0, fetchtest.ErrDown
	}
	return l.Log.OffsetAt(ctx, topic, partition, ms)
}

// emptyFrom is a log that holds nothing, wherever it is read from.
type emptyFrom struct{ fetchtest.Log }

func (l emptyFrom) Open(string, int, int64) fetch.Reader { return emptyReader{} }

// emptyReader is its own record set.
type emptyReader struct{ fetch.Reader }

func (r emptyReader) Next(context.Context) (fetch.RecordSet, error)       { return r, nil }
func (r emptyReader) SeekTo(int64)                                        {}
func (r emptyReader) Read(context.Context, *records.Record) (bool, error) { return false, nil }
func (r emptyReader) Span() (next, end int64)                             { return 0, 0 }

// TestHoleToldOnce: a hole that a process meets again, whole or grown, is reported once; another
// partition's is another.
func TestHoleToldOnce(t *testing.T) {
	log := emptyFrom{fetchtest.Log{nil, nil}}
	shared := sharing(t, log, nil)
	for _, met := range []struct {
		partition            int
		from, start, counted int64
	}{
		{0, 100, 150, 50}, {0, 100, 150, 50}, {0, 100, 170, 70}, {1, 100, 150, 120}, {0, 300, 310, 130},
	} {
		x := shared.New(shard.NewAssignment("events", met.partition, met.partition, 1)) // of another generation
		x.log.stream = log.Open("events", met.partition, 0)
		if err := x.skip(t.Context(), &fetch.OutOfRange{Offset: met.from, Start: met.start, End: 1_000}); err != nil || x.next != met.start {
			t.Fatalf("%+v: at %d, %v", met, x.next, err)
		}
		if got := valueOf(shared.Metrics.Holes); got != float64(met.counted) {
			t.Errorf("%+v: %v records are counted", met, got)
		}
	}
}

// TestIDsReadBack: a partition that could not read its ids back does not take
// its empty memory for complete when it tries again.
func TestIDsReadBack(t *testing.T) {
	var clicks []records.Record
	for i := range 5 {
		clicks = append(clicks, fetchtest.Click(fmt.Sprint(i), fetchtest.ClicksAt))
	}
	log := &deafOnce{Log: fetchtest.Log{clicks}}
	x := lone(t, log)
	x.log.stream = log.Open("events", 0, 0)
	at := position.Position{Offset: 4, Clock: 1767225600000, Newest: engine.NoTime}
	if err := x.log.rebuildDedupe(t.Context(), at); err == nil {
		t.Fatal("the log answered")
	}
	if err := x.log.rebuildDedupe(t.Context(), at); err != nil || x.decide.in.IDs.Size() != 4 {
		t.Fatalf("%d ids known, want 4, %v", x.decide.in.IDs.Size(), err)
	}
}

// TestLogEndsBeforeFence: a log that ends before the place up to which it was counted was cut. Who reads ids
// back from it does not wait for it to grow.
func TestLogEndsBeforeFence(t *testing.T) {
	log := fetchtest.Clicks(2)
	x := lone(t, log)
	x.log.stream = log.Open("events", 0, 0)
	done := make(chan error, 1)
	go func() {
		done <- x.log.rebuildDedupe(t.Context(), position.Position{Offset: 4, Clock: 1767225600000, Newest: engine.NoTime})
	}()
	select {
	case err := <-done:
		if !errors.Is(err, errShortLog) {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("waits")
	}
}

// cutReader does not answer the first time.
type cutReader struct {
	fetch.Reader
	cut bool
}

func (r *cutReader) Next(ctx context.Context) (fetch.RecordSet, error) {
	if !r.cut {
		r.cut = true
		return nil, fetchtest.ErrDown
	}
	return r.Reader.Next(ctx)
}

// TestHoleCountedOnce: a hole is counted when it is passed, not at each try.
func TestHoleCountedOnce(t *testing.T) {
	log := fetchtest.Clicks(9)
	x := lone(t, log)
	x.log.stream = &cutReader{Reader: log.Open("events", 0, 0)}
	gone := &fetch.OutOfRange{Topic: "events", Offset: 2, Start: 5, End: 9}
	if err := x.skip(t.Context(), gone); !errors.Is(err, fetchtest.ErrDown) {
		t.Fatal(err)
	}
	if err := x.skip(t.Context(), gone); err != nil || x.next != 5 {
		t.Fatalf("at %d, %v", x.next, err)
	}
	if n := valueOf(x.Metrics.Holes); n != 3 {
		t.Fatalf("%v records in the hole, want 3", n)
	}
}

// TestWholeFromTheClock: since when counts are whole is told by the first event that counts for the clock: neither by what is no event, nor
// by a timestamp of -1, of 0 or in seconds, which would say that nothing is missing.
func TestWholeFromTheClock(t *testing.T) {
	const start = fetchtest.ClicksAt
	var clicks []records.Record
	for i, millis := range []int64{start, -1, start / 1000, 0, 5, start + 60_000, start + 120_000} {
		r := fetchtest.Click(fmt.Sprint(i), millis)
		if i == 4 {
			r.Value = []byte("no event")
		}
		clicks = append(clicks, r)
	}
	x := lone(t, fetchtest.Log{clicks})
	x.log.open(0)
	since, err := x.log.wholeFrom(t.Context(), 1, engine.NoTime)
	if want := engine.Nanoseconds(start+60_000) + int64(x.decide.in.MaxAhead); err != nil || since != want {
		t.Errorf("whole from %v, want %v, error %v", time.Unix(0, since).UTC(), time.Unix(0, want).UTC(), err)
	}
	for _, least := range []int64{start + 90_000, start + 60_001, start + 3_600_000} { // what came before the hole was newer than what is after it
		if since, err := x.log.wholeFrom(t.Context(), 1, least); err != nil || since != engine.Nanoseconds(least)+int64(x.decide.in.MaxAhead) {
			t.Errorf("whole from %v, at least %d, error %v", time.Unix(0, since).UTC(), least, err)
		}
	}
	if since, err := x.log.wholeFrom(t.Context(), 7, start); err != nil || since != engine.Nanoseconds(start)+int64(x.decide.in.MaxAhead) {
		t.Errorf("without a record: whole from %v, error %v", time.Unix(0, since).UTC(), err)
	}
}
