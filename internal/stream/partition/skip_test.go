package partition

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// damagedLog is a log that cannot be read at some offsets.
type damagedLog struct {
	fetchtest.Log
	from, to int64 // cannot be read
	silent   bool  // the broker does not give what is there; otherwise it gives what is none
	header   int64 // the end of the batch, as its header has it; 0: it has none
	also     stretch
	read     []int64
}

func (l *damagedLog) Open(_ string, partition int, offset int64) fetch.Reader {
	return &damagedReader{log: l, Reader: l.Reader(partition, offset)}
}

type damagedReader struct {
	*fetchtest.Reader
	log *damagedLog
}

func (r *damagedReader) bad() bool {
	l := r.log
	return r.At >= l.from && r.At < l.to || r.At >= l.also.from && r.At < l.also.to
}

func (r *damagedReader) Next(ctx context.Context) (fetch.RecordSet, error) {
	if r.log.silent && r.bad() {
		return nil, &records.Corrupt{Topic: "events", Offset: r.At, Cause: fetchtest.ErrDown}
	}
	_, err := r.Reader.Next(ctx)
	return r, err
}

func (r *damagedReader) Read(ctx context.Context, rec *records.Record) (bool, error) {
	if r.bad() {
		return false, &records.Corrupt{Topic: "events", Offset: r.At, End: r.log.header, Cause: fetchtest.ErrDown}
	}
	r.log.read = append(r.log.read, r.At)
	return r.Reader.Read(ctx, rec)
}

// TestSkip: what cannot be read at an offset is noted as passed over to its end, in every shard; what can be read is not.
func TestSkip(t *testing.T) {
	store := windowstore.NewMem(3)
	f := func(offset int64, log *damagedLog, want string) {
		t.Helper()
		log.Log = fetchtest.Clicks(200)
		k := &Skipper{Source: log, Store: store, Shards: 3, Log: slog.New(slog.DiscardHandler)}
		if err := k.Skip(t.Context(), Skip{Topic: "events", Partition: 0, Offset: offset}); err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			values, err := store.Load(t.Context(), n, [][]byte{store.Keys().AppendSkippedKey(nil, n, "events", 0)}, nil)
			if err != nil || string(values[0]) != want {
				t.Errorf("%d of [%d,%d), shard %d: %q, error %v; want %q", offset, log.from, log.to, n, values[0], err, want)
			}
		}
	}
	f(50, &damagedLog{}, "")
	f(50, &damagedLog{from: 51, to: 60}, "")
	f(200, &damagedLog{}, "")
	f(300, &damagedLog{}, "")
	f(50, &damagedLog{from: 50, to: 51}, "50-51")
	f(50, &damagedLog{from: 50, to: 60}, "50-51") // was noted before: what is after it is another place
	f(51, &damagedLog{from: 50, to: 60, silent: true}, "50-60")
	f(70, &damagedLog{from: 65, to: 77}, "50-60 70-77")
	f(20, &damagedLog{from: 20, to: 83, silent: true}, "20-83")
	f(190, &damagedLog{from: 190, to: 200}, "20-83 190-200")
	near := stretch{from: 104, to: 106} // another damaged one, with readable records between
	f(90, &damagedLog{from: 90, to: 98, also: near}, "20-83 90-98 190-200")
	f(100, &damagedLog{from: 100, to: 102, header: 102, also: near}, "20-83 90-98 100-102 190-200")
	f(110, &damagedLog{from: 110, to: 113, header: 150}, "20-83 90-98 100-102 110-113 190-200") // a header that lies
	f(120, &damagedLog{from: 120, to: 123, header: 1 << 60}, "20-83 90-98 100-102 110-113 120-123 190-200")
	f(130, &damagedLog{from: 130, to: 133, header: 131}, "20-83 90-98 100-102 110-113 120-123 130-133 190-200")
}

func TestParseSkip(t *testing.T) {
	if x, err := ParseSkip("a.b-c_d/12/345"); err != nil || x != (Skip{Topic: "a.b-c_d", Partition: 12, Offset: 345}) || x.String() != "a.b-c_d/12/345" {
		t.Errorf("%+v, error %v", x, err)
	}
	for _, bad := range []string{"", "a", "a/1", "a/1/2/3", "/1/2", "a/x/2", "a/-1/2", "a/1/-2", "a/1/x", "a/1/99999999999999999999"} {
		if x, err := ParseSkip(bad); err == nil {
			t.Errorf("%q: %+v", bad, x)
		}
	}
}

func TestStretches(t *testing.T) {
	s, err := Stretches(nil).With([]byte("30-33 10-12 33-35 11-20"))
	if text := string(s.appendTo(nil)); err != nil || text != "10-20 30-35" {
		t.Errorf("%q, error %v", text, err)
	}
	for _, bad := range []string{"1", "1-", "x-2", "5-5", "6-5", "-1-5"} {
		if s, err := s.With([]byte(bad)); err == nil {
			t.Errorf("%q: %v", bad, s)
		}
	}
}

// TestPassing: a reader leaves out what was passed over, be it readable or not, and goes on after it, as after a hole.
func TestPassing(t *testing.T) {
	f := func(what string, log *damagedLog, out, want string) {
		t.Helper()
		log.Log = fetchtest.Clicks(12)
		x := lone(t, log)
		var err error
		if x.log.passedOver, err = x.log.passedOver.With([]byte(out)); err != nil {
			t.Fatal(err)
		}
		x.log.open(0)
		var got []string
		var r records.Record
		for at := int64(0); at < 12; {
			set, err := x.log.stream.Next(t.Context())
			if over, ok := errors.AsType[*passedOver](err); ok {
				got = append(got, fmt.Sprintf("(%d-%d)", over.gone.Offset, over.gone.Start))
				at = over.gone.Start
				x.log.stream.SeekTo(at)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			more := true
			for more {
				if more, err = set.Read(t.Context(), &r); err != nil {
					t.Fatal(err)
				}
				if more {
					got = append(got, fmt.Sprint(r.Offset))
				}
			}
			at, _ = set.Span()
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: %s, want %s", what, text, want)
		}
	}
	f("nothing", &damagedLog{}, "", "0 1 2 3 4 5 6 7 8 9 10 11")
	f("damaged", &damagedLog{from: 3, to: 5}, "3-5", "0 1 2 (3-5) 5 6 7 8 9 10 11")
	f("not given", &damagedLog{from: 3, to: 5, silent: true}, "3-5", "0 1 2 (3-5) 5 6 7 8 9 10 11")
	f("whole by now", &damagedLog{}, "3-5 7-9", "0 1 2 (3-5) 5 6 (7-9) 9 10 11")
	f("at both ends", &damagedLog{from: 11, to: 12}, "0-2 11-12", "(0-2) 2 3 4 5 6 7 8 9 10 (11-12)")
}

// TestReadsPastSkipped: whoever reads a partition goes on after what was passed over. That holds for the reading itself, which notes a
// hole, for the rebuilding of ids, and for the search for the time since when counts are whole.
func TestReadsPastSkipped(t *testing.T) {
	log := &damagedLog{Log: fetchtest.Clicks(12), from: 3, to: 5}
	x := lone(t, log)
	x.log.open(0)
	if err := x.log.readIDs(t.Context(), 0, 12); err == nil || !strings.Contains(explainStandstill(err).Error(), "aggregator run -skip events/0/3`") {
		t.Errorf("a damaged log was read: %v", err)
	}
	x.log.passedOver = Stretches{{from: 3, to: 5}}
	if err := x.log.readIDs(t.Context(), 0, 12); err != nil {
		t.Error(err)
	}
	since, err := x.log.wholeFrom(t.Context(), 3, engine.NoTime)
	if want := engine.Nanoseconds(1767225600000) + int64(x.decide.in.MaxAhead); err != nil || since != want {
		t.Errorf("whole from %d, want %d, error %v", since, want, err)
	}
	x.log.stream.SeekTo(3)
	if err := x.step(t.Context()); err != nil || x.next != 5 || x.out.gap.To != 5 || x.out.gap.Since != since {
		t.Errorf("at %d, gap %+v, error %v", x.next, x.out.gap, err)
	}
	if n := valueOf(x.Metrics.Holes); n != 2 {
		t.Errorf("%v records in holes, want 2", n)
	}
}
