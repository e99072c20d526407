package partition

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// verdictOf is a record's verdict, and the error that its dead letter gives.
func verdictOf(d *decider, r *records.Record) (engine.Verdict, error) {
	v, err := d.verdict(r)
	if v == engine.Accepted {
		_, v = d.in.Operations()
	}
	return v, err
}

// verdictOfLine is the same of a line.
func verdictOfLine(r *engine.Replay, line []byte) (engine.Verdict, error) {
	before := r.Stats
	err := r.Line(line)
	for v, grew := range [engine.NumVerdicts]int{
		r.Stats.Matched - before.Matched, r.Stats.Unmatched - before.Unmatched, r.Stats.Duplicate - before.Duplicate,
		r.Stats.Malformed - before.Malformed, r.Stats.Ahead - before.Ahead, r.Stats.Canary - before.Canary,
	} {
		if grew == 1 {
			return engine.Verdict(v), err
		}
	}
	return engine.Accepted, err
}

// manyValues makes values of every kind: events in all forms, with ids that repeat and times within a few windows of the
// duplicates' memory, broken in one place or not, and what is no JSON.
func manyValues(rnd *rand.Rand, n int) (values [][]byte) {
	of := func(choices ...string) string { return choices[rnd.IntN(len(choices))] }
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range n {
		at := start.Add(time.Duration(rnd.Int64N(int64(3 * time.Minute)))).Format(time.RFC3339Nano)
		at = of(at, at, at, at, at, at, at, "2262-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z", "1677-01-01T00:00:00Z")
		plain := fmt.Sprintf(`{"id":"%d","time":%q,"type":%q,"incident":"A"%s}`, rnd.IntN(n/4), at, of("click", "click", "view", "canary"),
			of("", "", `,"specversion":"1.0"`, `,"source":"/s"`, `,"x":[1,{"y":null}]`, `,"count":0`, `,"account":""`))
		head := fmt.Sprintf(`"specversion":%s,"source":"/s","id":"%d","type":%q,"time":%q`, of(`"1.0"`, `"1.0"`, `"1.0"`, `"2"`, "null"),
			rnd.IntN(n/4), of("click", "com.example.click", "view"), at)
		value := []byte(of(plain, plain,
			`{`+head+`,"data":`+of(plain, `{"incident":"A"}`, "null", `"{}"`)+`}`,
			`{"data_base64":"`+base64.StdEncoding.EncodeToString([]byte(of(plain, `{"incident":"A"}`)))+`",`+head+`}`))
		switch rnd.IntN(12) {
		case 0:
			value[rnd.IntN(len(value))] = byte(11 + rnd.IntN(245))
		case 1:
			value = value[:1+rnd.IntN(len(value)-1)]
		case 2:
			value = append(value, of(" ", "\t", "\r", "}", "{}", " \r {}", ",")...)
		case 3:
			value = append([]byte(of("\uFEFF", " \t", "\x00\x00\x00\x00\x07", "\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "[", `"`, "Obj\x01", "\x00", "\xff\xfe")), value...)
		case 4:
			value = append(value, bytes.Repeat([]byte(" "), event.MaxSize-len(value)+rnd.IntN(3)-1)...)
		}
		values = append(values, value)
	}
	return values
}

// thirdVerdict is the oracle's verdict by what it counted.
func thirdVerdict(before, after oracle.Results) engine.Verdict {
	return engine.Verdict(slices.IndexFunc([]int64{
		after.Matched - before.Matched, after.Unmatched - before.Unmatched, after.Duplicate - before.Duplicate,
		after.Malformed - before.Malformed, after.Ahead - before.Ahead, after.Canary - before.Canary,
	}, func(n int64) bool { return n == 1 })) // #nosec G115 -- one has grown
}

// TestSameDecision: a partition and a replay make the same of the same bytes, if the record's Kafka
// timestamp is its event's time. So does the oracle, which knows no types of CloudEvents except
// ours.
func TestSameDecision(t *testing.T) {
	t.Run("with types", func(t *testing.T) { sameDecisions(t, map[string]string{"com.example.click": "click"}) })
	t.Run("with the oracle", func(t *testing.T) { sameDecisions(t, nil) })
}

func sameDecisions(t *testing.T, types map[string]string) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	o := engine.IntakeOptions{DedupeWindow: 30 * time.Second, Types: types}
	program := enginetest.Compile(t, clicksPack)
	p := deciding(t, o)
	r := engine.NewReplay(program, o, math.MaxInt64, func(*thresholds.Crossing) {})
	d := event.Decoder{Types: types}
	third, err := oracle.Options{DedupeWindow: o.DedupeWindow}.New([]byte(clicksPack))
	if err != nil {
		t.Fatal(err)
	}
	var counts [engine.NumVerdicts]int
	reasons := map[string]int{}
	for i, value := range manyValues(rand.New(rand.NewPCG(seed, 0)), 8_000) {
		record := records.Record{Offset: int64(i), Timestamp: 1_767_225_600_000, Value: value}
		var e event.Event
		if d.Decode(&e, value) == nil {
			record.Timestamp = engine.Milliseconds(e.Time)
		}
		if record.Timestamp == engine.NoTimestamp {
			continue // a replay has no such thing
		}
		v, err := verdictOf(p, &record)
		again, other := verdictOfLine(r, value)
		if v != again || fmt.Sprint(err) != fmt.Sprint(other) || err != nil && engine.ReasonOf(err) != engine.ReasonOf(other) {
			t.Fatalf("%.300q: %s, %v; replayed: %s, %v", value, engine.VerdictNames[v], err, engine.VerdictNames[again], other)
		}
		if types == nil {
			before := third.Results()
			third.Apply(value, record.Timestamp)
			got := thirdVerdict(before, third.Results())
			// Of what is both malformed and after 2261 either may be told.
			if got != v && (v != engine.Ahead || got != engine.Malformed) {
				t.Fatalf("%.300q: %s, %v; the oracle: %s", value, engine.VerdictNames[v], err, engine.VerdictNames[got])
			}
		}
		counts[v]++
		if err != nil {
			reasons[engine.ReasonOf(err)]++
		}
	}
	for v, n := range counts {
		if n < 100 {
			t.Errorf("%d %s: too few to test much", n, engine.VerdictNames[v])
		}
	}
	if len(reasons) < 15 {
		t.Errorf("reasons: %v: too few to test much", reasons)
	}
	t.Logf("%v, %v", counts, reasons)
}

// TestSameAhead: what is ahead of a record's Kafka timestamp is ahead of a replay's -now at that time, to the nanosecond.
func TestSameAhead(t *testing.T) {
	program := enginetest.Compile(t, clicksPack)
	for _, now := range []string{"2026-01-01T00:00:00Z", "1969-12-31T23:59:59.998Z", "1678-01-01T00:00:00Z", "2261-12-31T23:59:00Z"} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		p, r := deciding(t, engine.IntakeOptions{}), engine.NewReplay(program, engine.IntakeOptions{}, at.UnixNano(), func(*thresholds.Crossing) {})
		for i, d := range []time.Duration{-time.Hour, 0, time.Minute, 5 * time.Minute, 5*time.Minute + 1, 5*time.Minute - 1, time.Hour} {
			value := fmt.Appendf(nil, `{"id":"%d","time":%q,"type":"click","incident":"A"}`, i, at.Add(d).Format(time.RFC3339Nano))
			v, _ := verdictOf(p, &records.Record{Offset: int64(i), Timestamp: at.UnixMilli(), Value: value})
			again, _ := verdictOfLine(r, value)
			if v != again {
				t.Errorf("%s and %s: %s; replayed: %s", now, d, engine.VerdictNames[v], engine.VerdictNames[again])
			}
		}
	}
}

// TestDecidedBefore: what was decided before a rewind stays so, though the ids that are remembered now are later ones. It is
// reported once, and kept as long as a rewind can come back to it.
func TestDecidedBefore(t *testing.T) {
	low := int64(0)
	d := deciding(t, engine.IntakeOptions{DedupeWindow: time.Minute})
	d.committed = func() (int64, bool) { return low, true }
	var clicks []records.Record
	for i, id := range []string{"1", "1", "2", "1", "1", "2"} { // from the fourth on an hour later
		clicks = append(clicks, fetchtest.Click(id, fetchtest.ClicksAt+int64(i/3)*3_600_000))
		clicks[i].Offset = int64(i)
	}
	read := func() (got []string) {
		for i := range clicks {
			v, err := verdictOf(d, &clicks[i])
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, engine.VerdictNames[v])
		}
		return got
	}
	want := []string{"matched", "duplicate", "matched", "matched", "duplicate", "matched"}
	if got := read(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := read(); !slices.Equal(got, want) {
		t.Errorf("after a rewind %v, want %v", got, want)
	}
	for _, again := range []bool{false, true} {
		if d.first(&clicks[5]) == again {
			t.Errorf("reported before: %v", !again)
		}
	}
	if d.decided(-1) || !d.decided(0) || !d.decided(6) || d.decided(7) {
		t.Errorf("decided up to %d, from %d", d.decidedTo, d.knownFrom)
	}
	for range 2 * forgetEvery {
		clicks[5].Offset++
		low = clicks[5].Offset - 10
		_, _ = d.verdict(&clicks[5]) // a repeat each time
	}
	if len(d.repeats) > forgetEvery || d.decided(5) || !d.decided(d.decidedTo-10) {
		t.Errorf("%d duplicates kept, from %d", len(d.repeats), d.knownFrom)
	}
}

// TestNoTimestamp: a record without a Kafka timestamp moves no clock, and its id is not remembered.
func TestNoTimestamp(t *testing.T) {
	p := deciding(t, engine.IntakeOptions{})
	p.clock = engine.NoTime
	good := []byte(`{"id":"1","time":"2261-01-01T00:00:00Z","type":"click","incident":"A"}`)
	v, err := verdictOf(p, &records.Record{Timestamp: -1, Value: good})
	if v != engine.Malformed || engine.ReasonOf(err) != "no-timestamp" || !strings.Contains(err.Error(), "message.timestamp.type=LogAppendTime") {
		t.Errorf("got %s, %v", engine.VerdictNames[v], err)
	}
	p.note(&records.Record{Timestamp: -1, Value: good}) // as after a rebalance
	if p.clock != engine.NoTime || p.in.IDs.Size() != 0 {
		t.Errorf("clock %d, %d ids", p.clock, p.in.IDs.Size())
	}
	if v, err := verdictOf(p, &records.Record{Offset: 1, Timestamp: 9_183_110_400_000, Value: good}); v != engine.Matched {
		t.Errorf("got %s, %v", engine.VerdictNames[v], err)
	}
	if v, err := verdictOf(p, &records.Record{Offset: 2, Timestamp: -1, Value: []byte("x")}); engine.ReasonOf(err) != "no-timestamp" {
		t.Errorf("got %s, %v", engine.VerdictNames[v], err)
	}
}

// TestAheadSaysWhichTime: the message names both times, and the one that is wrong where that can be known.
func TestAheadSaysWhichTime(t *testing.T) {
	p := deciding(t, engine.IntakeOptions{})
	f := func(timestamp int64, at, want string) {
		t.Helper()
		value := fmt.Appendf(nil, `{"id":"1","time":%q,"type":"click","incident":"A"}`, at)
		v, err := verdictOf(p, &records.Record{Timestamp: timestamp, Value: value})
		if v != engine.Ahead || err.Error() != want {
			t.Errorf("%d: got %s, %v\nwant %s", timestamp, engine.VerdictNames[v], err, want)
		}
	}
	const (
		past    = "time: 2026-01-01T00:00:00Z is more than max_ahead (5m0s) past the record's Kafka timestamp, "
		seconds = "; the timestamp is in seconds for milliseconds: have its producer multiply it by 1,000"
		old     = "; the timestamp is older than Kafka: have its producer set it right, in milliseconds since 1970"
		either  = "; one of the two is wrong: correct the clock that gave the event its time, or the record its timestamp"
		at      = "2026-01-01T00:00:00Z"
	)
	f(1_767_225_600, at, past+"1970-01-21T10:53:45.6Z (1767225600)"+seconds)
	f(1_767_225_300, at, past+"1970-01-21T10:53:45.3Z (1767225300)"+seconds)
	f(1_767_225_299, at, past+"1970-01-21T10:53:45.299Z (1767225299)"+old)
	f(1_767_311_999, at, past+"1970-01-21T10:55:11.999Z (1767311999)"+seconds)
	f(0, at, past+"1970-01-01T00:00:00Z (0)"+old)
	f(-2, at, past+"1969-12-31T23:59:59.998Z (-2)"+old)
	f(math.MinInt64, at, past+"-9223372036854775808"+old)
	f(-100_000_000_000_000, at, past+"-100000000000000"+old)
	f(1_767_225_299_999, at, past+"2025-12-31T23:54:59.999Z (1767225299999)"+either)
	f(1_735_689_600_000, at, past+"2025-01-01T00:00:00Z (1735689600000)"+either)
	f(1_767_225_600_000, "2261-12-31T23:59:59.999999999Z",
		"time: 2261-12-31T23:59:59.999999999Z is more than max_ahead (5m0s) past the record's Kafka timestamp, 2026-01-01T00:00:00Z (1767225600000)"+either)
	r := engine.NewReplay(enginetest.Compile(t, clicksPack), engine.IntakeOptions{}, 1_767_225_600_000_000_000, func(*thresholds.Crossing) {})
	err := r.Line([]byte(`{"id":"1","time":"2026-01-01T00:06:00Z","type":"click","incident":"A"}`))
	const want = "time: 2026-01-01T00:06:00Z is more than max_ahead (5m0s) past now, 2026-01-01T00:00:00Z; correct the clock that gave it"
	if bad, ok := errors.AsType[*event.Malformed](err); !ok || bad.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
