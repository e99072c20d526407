package crossing

import (
	"encoding/json"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// FuzzParse: whatever stands in a record, it is a crossing that can be sent on, or none.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sample), "r/incident/x/1/1")
	f.Add([]byte(`{"specversion":"1.0","data":`+sample+`}`), "")
	f.Add([]byte(`{"specversion":"1.0","data":{"id":"x"}}`), "\xff")
	f.Fuzz(func(t *testing.T, value []byte, id string) {
		c, err := Parse(0, &records.Record{Value: value, Headers: headers("ce_id", id, "ce_specversion", "1.0")})
		if err == nil && (!json.Valid(c.Structured()) || !json.Valid(c.Record) || c.ID == "" || c.Event.ID == "") {
			t.Errorf("%q: %s", value, c.Structured())
		}
	})
}
