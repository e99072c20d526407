package thresholds

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
)

// contractExample is the record in section 4 of the contract, as it stands there.
const contractExample = `{"schema":1,"id":"art3-clicks/incident/inc-42/1/1","dedup_key":"art3-clicks/incident/inc-42/1","status":"crossed","severity":"critical",
 "summary":"incident inc-42: clicks 50,000 of 50,000 in 730d","pack":"cn-2019-15","rule":"art3-clicks","title":"Actual clicks","cite":"Fa Shi [2019] 15, art. 3(6)",
 "by":"incident","subject":"inc-42","level":1,"episode":1,"progress":1.0,"reached":["clicks"],
 "measures":{"clicks":{"value":50000,"limit":50000,"at_least":false}},
 "window":{"from":"2024-11-22T00:00:00Z","to":"2026-11-22T10:00:03Z"},
 "time":"2026-11-22T10:00:03Z","detected":"2026-11-22T10:00:03.120Z",
 "evidence":{"event":"id of the event that crossed","topic":"dissemination-events","partition":3,"offset":1931,"pack_hash":"..."},
 "notice":"A prompt for human review, not a finding."}`

func exampleCrossing(t testing.TB) *Crossing {
	clicks := &Measure{Name: "clicks", Op: Sum}
	return &Crossing{
		Rule: &Rule{
			ID: "art3-clicks", Title: "Actual clicks", Cite: "Fa Shi [2019] 15, art. 3(6)",
			Pack: &Pack{Name: "cn-2019-15", Hash: "..."},
			By:   Incident, Window: 730 * 86400, WindowText: "730d", Step: 86400,
			Limits: []Limit{{Measure: clicks, Value: 50_000}},
		},
		Subject: "inc-42", Level: LevelOne, Episode: 1, Values: []Value{{Value: 50_000}},
		From: time.Unix(0, scriptTime(t, "2024-11-22T00:00:00Z")), Time: scriptTime(t, "2026-11-22T10:00:03Z"),
		Detected: scriptTime(t, "2026-11-22T10:00:03.12Z"), Event: "id of the event that crossed",
		Topic: "dissemination-events", Partition: 3, Offset: 1931,
	}
}

func TestContractExample(t *testing.T) {
	want := strings.ReplaceAll(contractExample, "\n ", "")
	if got := string(exampleCrossing(t).AppendJSON(nil)); got != want {
		t.Errorf("record\n%s, want\n%s", got, want)
	}
	apitest.Crossing.Check(t, []byte(strings.Replace(want, `"..."`, `"`+strings.Repeat("e3b0c442", 8)+`"`, 1)))
}

func TestCrossingNames(t *testing.T) {
	f := func(l Level, status, severity, id string) {
		t.Helper()
		c := exampleCrossing(t)
		c.Level, c.Episode = l, 12
		if got := string(c.AppendID(nil)); got != id {
			t.Errorf("id %s, want %s", got, id)
		}
		if c.Status() != status || c.Severity() != severity || TypeOf(c.Status()) != "aggregator.threshold."+status {
			t.Errorf("%v: %s, %s, %s, want %s, %s", l, c.Status(), c.Severity(), TypeOf(c.Status()), status, severity)
		}
	}
	f(0, "cleared", "info", "art3-clicks/incident/inc-42/12/0")
	f(1, "crossed", "warning", "art3-clicks/incident/inc-42/12/0.0001")
	f(8_000, "crossed", "warning", "art3-clicks/incident/inc-42/12/0.8")
	f(9_999, "crossed", "warning", "art3-clicks/incident/inc-42/12/0.9999")
	f(10_000, "crossed", "critical", "art3-clicks/incident/inc-42/12/1")
	f(50_000, "crossed", "critical", "art3-clicks/incident/inc-42/12/5")
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	c := exampleCrossing(t)
	f := func(name string, add func(dst []byte) []byte) {
		t.Helper()
		if got, want := string(add([]byte("x"))), "x"+string(add(nil)); got != want || got == "x" {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	f("AppendJSON", c.AppendJSON)
	f("AppendID", c.AppendID)
	f("AppendDedupKey", c.AppendDedupKey)
	f("AppendKey", c.AppendKey)
	f("AppendSummary", c.AppendSummary)
	f("AppendValues", func(dst []byte) []byte { return AppendValues(dst, c.Rule, c.Values) })
	f("AppendCounts", func(dst []byte) []byte { return AppendCounts(dst, c.Rule, "s", State{}, c.Values) })
}

func BenchmarkAppendJSON(b *testing.B) {
	c := exampleCrossing(b)
	var record []byte
	b.ReportAllocs()
	for b.Loop() {
		record = c.AppendJSON(record[:0])
	}
}
