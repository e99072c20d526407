package partition

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// wiredLog is a log of batches as they are on Kafka's wire.
type wiredLog struct {
	fetchtest.Log
	raw []byte
	end int64
}

func (l *wiredLog) Open(string, int, int64) fetch.Reader { return &wiredReader{log: l} }

type wiredReader struct {
	log *wiredLog
	at  int64
}

func (r *wiredReader) Next(context.Context) (fetch.RecordSet, error) {
	set := records.NewSet("events", 0, records.NewDecoder())
	set.Raw.Bytes = r.log.raw
	set.Open(r.at)
	set.HighWatermark = r.log.end
	r.at = set.Next
	return set, nil
}

func (r *wiredReader) SeekTo(offset int64) { r.at = offset }
func (r *wiredReader) Close()              {}

// heldLetters keeps dead letters.
type heldLetters struct{ all []deadLetter }

func (h *heldLetters) Write(_ context.Context, letters []deadLetter) error {
	h.all = append(h.all, letters...)
	return nil
}

// TestFaultyRecords: the partition makes dead letters of records that are too large, and of a batch
// that cannot be read. It goes on after them. However often it reads the records again, each is
// counted once.
func TestFaultyRecords(t *testing.T) {
	click := func(n int32) kmsg.Record {
		return kmsg.Record{OffsetDelta: n, Value: fmt.Appendf(nil, `{"id":"%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"A"}`, n)}
	}
	wide := click(1)
	wide.Key, wide.Value = []byte("wide"), make([]byte, 3<<20)
	long := click(2)
	long.Headers = slices.Repeat([]kmsg.Header{{Key: "h"}}, 5_000)
	log := &wiredLog{Log: fetchtest.Clicks(0), end: 9}
	batch := func(first, end int32, records ...kmsg.Record) []byte {
		for i := range records {
			records[i].OffsetDelta -= first
		}
		return servers.RecordBatch(int64(first), 1767225600000, end-first, records...)
	}
	log.raw = batch(0, 4, click(0), wide, long, click(3))
	log.raw = append(log.raw, batch(4, 7, click(4), click(4), click(6))...)
	log.raw = append(log.raw, batch(7, 9, click(7), kmsg.Record{OffsetDelta: 8, Value: []byte("{}")})...)

	x := lone(t, log)
	dead := &heldLetters{}
	x.Dead, x.decide.decidedTo = dead, 0
	x.log.open(0)
	for range 3 {
		x.next = 0
		x.log.stream.SeekTo(0)
		if err := x.step(t.Context()); err != nil || x.next != 9 {
			t.Fatalf("at %d, error %v", x.next, err)
		}
		x.Assignment.Pool.Refill()
	}
	for v, want := range map[engine.Verdict]float64{engine.Matched: 5, engine.Malformed: 3, engine.Duplicate: 0, engine.Ahead: 0} {
		if got := valueOf(x.Metrics.Events[v]); got != want {
			t.Errorf("%s: %v, want %v", engine.VerdictNames[v], got, want)
		}
	}
	if got := valueOf(x.Metrics.Surplus); got != 1 {
		t.Errorf("%v records passed over, want 1", got)
	}
	var got []string
	for i := range dead.all {
		m := dead.all[i].record(cutNothing)
		got = append(got, fmt.Sprintf("%s/%s/%q/%d/%d", header(m.Headers, "__connect.errors.offset"), header(m.Headers, "aggregator.reason"), m.Key, len(m.Value), len(m.Headers)))
		if n := header(m.Headers, HeaderCut); (n == "3145728") != (dead.all[i].offset == 1) {
			t.Errorf("offset %d: a value of %q bytes", dead.all[i].offset, n)
		}
	}
	if text, want := strings.Join(got, " "), fmt.Sprintf("1/%s/\"wide\"/0/7 2/%[1]s/\"\"/%d/6 8/%s/\"\"/2/6", event.ReasonTooLarge, len(long.Value), event.ReasonMissing); text != want {
		t.Errorf("dead letters %s, want %s", text, want)
	}
}
