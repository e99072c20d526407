package crossing

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// FuzzParse: whatever stands in a record, it is a crossing that can be sent on, or none.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sample), "r/incident/x/1/1")
	f.Add([]byte(`{"specversion":"1.0","data":`+sample+`}`), "")
	f.Add([]byte(`{"specversion":"1.0","data":{"id":"x"}}`), "\xff")
	f.Add([]byte(strings.Replace(sample, "2026-11-22T10:00:03.5+08:00", "9999-12-31T23:00:00-02:00", 1)), "")
	f.Add([]byte(strings.Replace(sample, "2026-11-22T10:00:03.5+08:00", "0000-01-01T00:00:00+23:00", 1)), "")
	f.Add([]byte(strings.Replace(sample, `"subject":"`, `"subject":"`+strings.Repeat("x", 60_000), 1)), strings.Repeat("y", 60_000))
	f.Fuzz(func(t *testing.T, value []byte, id string) {
		c, err := Parse(0, &records.Record{Value: value, Headers: headers("ce_id", id, "ce_specversion", "1.0")})
		if err == nil && (!json.Valid(c.Structured()) || !json.Valid(c.Record) || c.ID == "" || c.Event.ID == "") {
			t.Errorf("%q: %s", value, c.Structured())
		}
		if err == nil {
			if _, err := c.Time.UTC().MarshalText(); err != nil || max(len(c.ID), len(c.Event.ID), len(c.Subject), len(c.DedupKey)) > idMost {
				t.Errorf("%q: %v", value, err)
			}
		}
	})
}
