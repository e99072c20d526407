package outbox

import (
	"bytes"
	"encoding/json"
	"net/url"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// FuzzOutbox: whatever stands in the outbox is published as it is, or passed over; of a record of the crossings' topic
// the id is the one that its writer gave it, in either form.
func FuzzOutbox(f *testing.F) {
	crossing := []byte(`{"id":"r/incident/a/1/1","status":"crossed","by":"incident","subject":"a","time":"2026-01-01T00:00:00Z","rule":"r","level":1}`)
	f.Add(storedEntry(1_767_225_600_000, crossing))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00null"))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00{\"level\":1e400,\"id\":\"\\ud800\"}"))
	f.Add([]byte("short"))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00{\"id\":\"r/incident/%0A\\n\u007f\\u009b\\ufffe%/1/1\"}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ParseEntry(data)
		if err != nil {
			return
		}
		if !bytes.Contains(data, e.Value) || !json.Valid(e.Value) && Format(data[8]) == FormatRecord {
			t.Errorf("%q became %q", data, e.Value)
		}
		for _, structured := range []bool{false, true} {
			p := KafkaPublisher{Structured: structured}
			m := p.Message(&e, 0)
			r := records.Record{Value: m.Value}
			for _, h := range m.Headers {
				r.Headers = append(r.Headers, records.Header{Key: []byte(h.Key), Value: h.Value})
			}
			got := crossingID(&r)
			if back, err := url.PathUnescape(got); err != nil || back != e.ID || forbidden.MatchString(got) {
				t.Errorf("structured %v: id %q, want %q", structured, got, e.ID)
			}
		}
	})
}

// FuzzCrossingID: the end of the crossings' topic may hold anything.
func FuzzCrossingID(f *testing.F) {
	f.Add([]byte("ce_id"), []byte("r/incident/a/1/1"), []byte("{}"))
	f.Add([]byte("content-type"), []byte("application/cloudevents+json"), []byte(`{"id":"r/incident/a/1/1"}`))
	f.Add([]byte(nil), []byte(nil), []byte(`{"id":7}`))
	f.Fuzz(func(t *testing.T, key, header, value []byte) {
		id := crossingID(&records.Record{Headers: []records.Header{{Key: key, Value: header}}, Value: value})
		if string(key) == "ce_id" && id != string(header) {
			t.Errorf("id %q, want %q", id, header)
		}
	})
}
