package outbox

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// crossingOf is a crossing of a subject.
func crossingOf(subject string, level thresholds.Level) *thresholds.Crossing {
	clicks := &thresholds.Measure{Name: "clicks", Op: thresholds.Sum}
	return &thresholds.Crossing{
		Rule: &thresholds.Rule{
			ID: "art3-clicks", Title: "t", Cite: "c", Pack: &thresholds.Pack{Name: "p", Hash: strings.Repeat("e3b0c442", 8)}, By: thresholds.Incident, WindowText: "730d",
			Limits: []thresholds.Limit{{Measure: clicks, Value: 50_000}}, Levels: []thresholds.Level{8_000, thresholds.LevelOne},
		},
		Subject: subject, Level: level, Episode: 1, Values: []thresholds.Value{{Value: 50_000}}, From: time.Unix(0, 0), Time: 1_767_225_600_000_000_000,
		Detected: 1_767_225_600_120_000_000, Event: "e", Topic: "events", Partition: 3, Offset: 1931,
	}
}

// crossings are crossings, some with rare content.
func crossings() []*thresholds.Crossing {
	long, fraction, nowhere, far := crossingOf(strings.Repeat("x", 300), thresholds.LevelOne), crossingOf("a", 8_000), crossingOf("a", thresholds.LevelOne), crossingOf("a", thresholds.LevelOne)
	fraction.Time += 123_400_000
	nowhere.Topic = ""
	far.Partition, far.Offset, far.Time = math.MaxInt32, math.MaxInt64, math.MinInt64
	return []*thresholds.Crossing{
		crossingOf("inc-42", thresholds.LevelOne), crossingOf("inc-42", 0), crossingOf("a\n%\"\\\u202e事件", 8_000), crossingOf("\xff\xfe\xc3", thresholds.LevelOne), crossingOf("", 8_000),
		long, fraction, nowhere, far,
	}
}

// TestHeaderIsWhatTheRecordSays: an entry has the same header, record and messages in either format.
func TestHeaderIsWhatTheRecordSays(t *testing.T) {
	for _, c := range crossings() {
		old, err := ParseEntry(AppendEntry(nil, FormatRecord, -5, c))
		if err != nil {
			t.Fatalf("%q: %v", c.Subject, err)
		}
		e, err := ParseEntry(AppendEntry([]byte("before"), FormatHeader, -5, c)[len("before"):])
		if err != nil || !reflect.DeepEqual(e, old) {
			t.Errorf("%q:\ngot  %+v, %v\nwant %+v", c.Subject, e, err, old)
		}
		if string(e.Value) != string(c.AppendJSON(nil)) || e.Timestamp != -5 {
			t.Errorf("%q: record %s of %d", c.Subject, e.Value, e.Timestamp)
		}
		for _, p := range []*KafkaPublisher{{EventsFrom: "/aggregator/g"}, {EventsFrom: "/aggregator/g", Structured: true}} {
			got, want := p.Message(&e, 7), p.Message(&old, 7)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%q:\ngot  %+v\nwant %+v", c.Subject, got, want)
			}
			if c.Subject != "" { // which no event has
				apitest.CheckCrossing(t, headersOf(got), got.Value)
			}
		}
	}
}

// TestStoredEntry: the bytes of an entry, which other versions read.
func TestStoredEntry(t *testing.T) {
	const want = "AAABm3baqAABGmFydDMtY2xpY2tzL2luY2lkZW50L2EvMS8xCmluY2lkZW50L2EHY3Jvc3NlZBQyMDI2LTAxLTAxVDAwOjAwOjAwWgthcnQzLWNsaWNrcwExBpYe"
	b := AppendEntry(nil, FormatHeader, 1_767_225_600_000, crossingOf("a", thresholds.LevelOne))
	header, record, _ := strings.Cut(string(b), "{")
	if got := base64.StdEncoding.EncodeToString([]byte(header)); got != want {
		t.Errorf("before the record:\ngot  %s\nwant %s", got, want)
	}
	if sum := xxhash.Sum64(b[:len(b)-8]); !json.Valid([]byte("{"+record[:len(record)-8])) || binary.BigEndian.Uint64(b[len(b)-8:]) != sum {
		t.Errorf("record and checksum: %q", record)
	}
}

// TestEntriesBefore: entries that an earlier version left in a store are read.
func TestEntriesBefore(t *testing.T) {
	text, err := os.ReadFile("../testdata/stored/store.txt")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		key, err := strconv.Unquote(fields[1])
		if err != nil || fields[0] != "string" || !strings.Contains(key, "}o:") {
			continue
		}
		value, err := base64.StdEncoding.DecodeString(fields[2])
		if err != nil {
			t.Fatal(err)
		}
		e, err := ParseEntry(value)
		if err != nil || string(e.Value) != string(value[8:]) || e.Timestamp < 1_600_000_000_000 || !strings.HasPrefix(e.ID, e.Rule+"/"+e.Key+"/") || e.Status == "" || e.Time == "" || e.Level == "" {
			t.Errorf("%s: %+v, %v", key, e, err)
		}
		read++
	}
	if read == 0 {
		t.Error("there are none")
	}
}

// TestDamagedEntries: whatever befalls an entry, it is found to be damaged, and is not taken for one of another format.
func TestDamagedEntries(t *testing.T) {
	whole := AppendEntry(nil, FormatHeader, 1, crossingOf("a", thresholds.LevelOne))
	f := func(what string, b []byte) {
		t.Helper()
		if e, err := ParseEntry(b); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %+v, %v", what, e, err)
		}
	}
	for n := range whole {
		f("cut at "+strconv.Itoa(n), whole[:n])
		for bit := range 8 {
			b := []byte(string(whole))
			b[n] ^= 1 << bit
			f("changed at "+strconv.Itoa(n), b)
		}
		b := []byte(string(whole))
		b[n] = '{'
		if b[n] != whole[n] {
			f("changed to { at "+strconv.Itoa(n), b)
		}
	}
	f("missing", nil)
	f("longer", append([]byte(string(whole)), 0))
	old := AppendEntry(nil, FormatRecord, 1, crossingOf("a", thresholds.LevelOne))
	for n := range old {
		f("old, cut at "+strconv.Itoa(n), old[:n])
	}
	f("no format at all", []byte("\x00\x00\x00\x00\x00\x00\x00\x00null"))
}

// withChecksum is an entry of any format but the first.
func withChecksum(f Format, rest string) []byte {
	b := append(make([]byte, 8, 100), byte(f))
	b = append(b, rest...)
	return binary.BigEndian.AppendUint64(b, xxhash.Sum64(b))
}

// TestUnreadableEntries: an entry that is whole and cannot be read is no damaged one.
func TestUnreadableEntries(t *testing.T) {
	for what, b := range map[string][]byte{
		"of a later version":       withChecksum(2, "\x01\x02\x03"),
		"later, with nothing":      withChecksum(255, ""),
		"header is missing":        withChecksum(FormatHeader, ""),
		"header is cut short":      withChecksum(FormatHeader, "\x01a\x01b\x01c\x01d\x01e\x01f\x06"),
		"length is beyond the end": withChecksum(FormatHeader, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		"length does not end":      withChecksum(FormatHeader, "\xff\xff"),
		"old, no crossing":         []byte("\x00\x00\x00\x00\x00\x00\x00\x00{\"id\":7}"),
	} {
		if e, err := ParseEntry(b); !errors.Is(err, ErrUnreadable) || errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %+v, %v", what, e, err)
		}
	}
	if e, err := ParseEntry(withChecksum(FormatHeader, "\x01a\x01b\x01c\x01d\x01e\x01f\x06\x08{}")); err != nil || e.ID != "a" || e.Level != "f" || e.Partition != 3 || e.Offset != 4 || string(e.Value) != "{}" {
		t.Errorf("%+v, %v", e, err)
	}
}

func BenchmarkAppendEntry(b *testing.B) {
	c := crossingOf("inc-42", thresholds.LevelOne)
	for name, f := range map[string]Format{"record": FormatRecord, "header": FormatHeader} {
		b.Run(name, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendEntry(dst[:0], f, 1, c)
			}
		})
	}
}

// BenchmarkMessage reads an entry and makes its message.
func BenchmarkMessage(b *testing.B) {
	c, p := crossingOf("inc-42", thresholds.LevelOne), &KafkaPublisher{EventsFrom: "/aggregator/a"}
	for name, f := range map[string]Format{"record": FormatRecord, "header": FormatHeader} {
		b.Run(name, func(b *testing.B) {
			stored := AppendEntry(nil, f, 1, c)
			b.ReportAllocs()
			for b.Loop() {
				e, err := ParseEntry(stored)
				if err != nil {
					b.Fatal(err)
				}
				_ = p.Message(&e, 0)
			}
		})
	}
}

// TestCrossingExemplar: a crossing's delay leads to the event that crossed, however long the rule's name is, and never to the
// subject.
func TestCrossingExemplar(t *testing.T) {
	r := prometheus.NewRegistry()
	m := metrics.New(r, enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15")))
	rule := strings.Repeat("r", 64)
	record := `{"rule":"` + rule + `","level":1,"status":"crossed","subject":"inc-42","evidence":{"event":"e","topic":"t","partition":2147483647,"offset":9223372036854775807}}`
	e, err := ParseEntry(storedEntry(0, []byte(record)))
	if err != nil {
		t.Fatal(err)
	}
	m.Outbox.Crossing(e.Told(20))
	m.Outbox.Crossing(metrics.Crossing{Rule: rule, Level: "0", Status: "cleared", Delay: math.MaxInt64})
	got := ""
	h := metricstest.Series(t, r, "aggregator_crossing_delay_seconds", "").GetHistogram()
	for _, b := range h.GetBucket() {
		for _, l := range b.GetExemplar().GetLabel() {
			got += l.GetName() + "=" + l.GetValue() + " "
		}
	}
	if h.GetSampleCount() != 1 || !strings.Contains(got, "offset=9223372036854775807 ") || !strings.Contains(got, "partition=2147483647 ") ||
		!strings.Contains(got, "rule="+rule) || strings.Contains(got, "inc-42") {
		t.Errorf("of %d crossings: %s", h.GetSampleCount(), got)
	}
}
