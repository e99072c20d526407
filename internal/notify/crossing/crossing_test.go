package crossing

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

const sample = `{"schema":1,"id":"r/incident/a%b\u0001/1/0.8","dedup_key":"r/incident/a%b\u0001/1","status":"crossed","severity":"warning","summary":"S","pack":"p","rule":"r","title":"T","cite":"C","by":"incident","subject":"a%b\u0001","level":0.8,"episode":18446744073709551615,"progress":0.8123,"measures":{"z":{"value":9007199254740991,"limit":5,"at_least":false},"a":{"value":1,"limit":2}},"time":"2026-11-22T10:00:03.5+08:00","notice":"N","later":{"x":[1]}}`

func headers(pairs ...string) (list []records.Header) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, records.Header{Key: []byte(pairs[i]), Value: []byte(pairs[i+1])})
	}
	return list
}

// TestParse: a record of either form is read, and becomes one structured CloudEvent.
func TestParse(t *testing.T) {
	const structured = `{"specversion":"1.0","id":"r/incident/a%25b%01/1/0.8","source":"/aggregator/g","type":"aggregator.threshold.crossed","subject":"incident/a%25b%01","time":"2026-11-22T02:00:03.5Z","dataschema":"urn:x","datacontenttype":"application/json","data":` + sample + `,"more":1}`
	for _, r := range []records.Record{
		{Offset: 7, Timestamp: 9, Value: []byte(structured)},
		{Offset: 7, Timestamp: 9, Value: []byte(sample), Headers: headers("ce_specversion", "1.0", "ce_id", "r/incident/a%25b%01/1/0.8", "ce_source", "/aggregator/g",
			"ce_type", "aggregator.threshold.crossed", "ce_subject", "incident/a%25b%01", "ce_time", "2026-11-22T02:00:03.5Z", "ce_dataschema", "urn:x", "content-type", "application/json", "other", "x")},
	} {
		c, err := Parse(3, &r)
		if err != nil {
			t.Fatal(err)
		}
		clear(r.Value) // nothing points into it
		if c.Partition != 3 || c.Offset != 7 || c.Timestamp != 9 || c.ID != "r/incident/a%b\x01/1/0.8" || c.DedupKey != "r/incident/a%b\x01/1" || c.Cleared() || c.Shadow() ||
			c.Severity != "warning" || c.Summary != "S" || c.Pack != "p" || c.Rule != "r" || c.Title != "T" || c.Cite != "C" || c.Key() != "incident/a%b\x01" ||
			c.Level != 8_000 || c.Episode != 1<<64-1 || c.Notice != "N" || !c.Time.Equal(time.Date(2026, 11, 22, 2, 0, 3, 5e8, time.UTC)) || string(c.Record) != sample {
			t.Errorf("%+v", c)
		}
		if want := "[{z 9007199254740991 5} {a 1 2}]"; fmt.Sprint(c.Measures) != want {
			t.Errorf("%v", c.Measures)
		}
		var e Event
		if err := json.Unmarshal(c.Structured(), &e); err != nil || e.ID != "r/incident/a%25b%01/1/0.8" || e.SpecVersion != "1.0" || e.Source != "/aggregator/g" ||
			e.Type != "aggregator.threshold.crossed" || e.Subject != "incident/a%25b%01" || e.Time != "2026-11-22T02:00:03.5Z" || e.DataSchema != "urn:x" ||
			e.DataContentType != "application/json" || string(e.Data) != sample {
			t.Errorf("%v: %s", err, c.Structured())
		}
	}
}

// TestForeign: what is no crossing is no panic either.
func TestForeign(t *testing.T) {
	f := func(r records.Record) {
		t.Helper()
		if c, err := Parse(0, &r); c != nil || !errors.Is(err, errForeign) {
			t.Errorf("%s: %+v, %v", r.Value, c, err)
		}
	}
	long := strings.Repeat("x", idMost+1)
	for _, text := range []string{
		"", "null", "7", "[]", "{}", `{"id":"x"}`, "\xff", strings.Replace(sample, "crossed", "corrected", 1), strings.Replace(sample, `"level":0.8`, `"level":-1`, 1),
		strings.Replace(sample, `"level":0.8`, `"level":0.80001`, 1), strings.Replace(sample, `"level":0.8`, `"level":"high"`, 1), strings.Replace(sample, `"rule":"r",`, "", 1),
		strings.Replace(sample, `"measures":{`, `"measures":[],"x":{`, 1), `{"specversion":"1.0","id":"x"}`, `{"specversion":"1.0","data":7}`,
		strings.Replace(sample, "2026-11-22T10:00:03.5+08:00", "9999-12-31T23:00:00-02:00", 1), strings.Replace(sample, "2026-11-22T10:00:03.5+08:00", "0001-01-01T00:00:00+08:00", 1),
		strings.Replace(sample, "2026-11-22T10:00:03.5+08:00", "0000-06-01T00:00:00Z", 1), strings.Replace(sample, `"subject":"`, `"subject":"`+long, 1),
		strings.Replace(sample, `"id":"`, `"id":"`+long, 1), strings.Replace(sample, `"dedup_key":"`, `"dedup_key":"`+long, 1), strings.Replace(sample, `"rule":"`, `"rule":"`+long, 1),
		`{"specversion":"1.0","id":"` + long + `","data":` + sample + `}`,
	} {
		f(records.Record{Value: []byte(text)})
	}
	f(records.Record{Value: []byte(sample), Headers: headers("ce_specversion", "1.0", "ce_id", long)})
	f(records.Record{Value: []byte(sample), Fault: &records.Fault{Cause: errors.New("x")}})
}

// TestOf: what came without headers has the attributes that it must have.
func TestOf(t *testing.T) {
	c, err := Of([]byte(strings.Replace(strings.Replace(sample, "crossed", "cleared", 1), `"level":0.8`, `"level":0`, 1)))
	if err != nil || !c.Cleared() || c.Event.Type != thresholds.TypeOf("cleared") || c.Event.ID != c.ID || c.Event.Time != "2026-11-22T02:00:03.5Z" || c.Event.Source == "" {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestExample: it is a crossing, and each has an id of its own.
func TestExample(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	a, b := Example(now), Example(now.Add(time.Second))
	if a.ID == b.ID || a.Level != thresholds.LevelOne || a.Cleared() || a.Timestamp != now.UnixMilli() || !a.Time.Equal(now) || !json.Valid(a.Structured()) {
		t.Errorf("%+v", a)
	}
}
