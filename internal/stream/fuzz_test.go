package stream

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// FuzzParseFence: a stored fence is read or refused, and what was read says the same when it is written again.
func FuzzParseFence(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(mark{offset: 1931, clock: 1_767_225_600_000, newest: 1_767_225_600_000_000_000, pack: 7, idle: true, ended: true}.appendFence(nil, 42))
	f.Add(mark{clock: noTime, newest: noTime}.appendFence(nil, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseFence(data)
		if err != nil {
			return
		}
		again, err := parseFence(m.appendFence([]byte("behind"), 9)[len("behind"):])
		if err != nil || again != m {
			t.Errorf("%+v became %+v, %v", m, again, err)
		}
	})
}

// FuzzOutbox: whatever stands in the outbox is published as it is, or passed over; of a record of the crossings' topic
// the id is the one that its writer gave it, in either form.
func FuzzOutbox(f *testing.F) {
	crossing := []byte(`{"id":"r/incident/a/1/1","status":"crossed","by":"incident","subject":"a","time":"2026-01-01T00:00:00Z","rule":"r","level":1}`)
	f.Add(outboxEntry{1_767_225_600_000, crossing}.append(nil))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00null"))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00{\"level\":1e400,\"id\":\"\\ud800\"}"))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseOutboxEntry(data)
		if err != nil {
			return
		}
		if again := e.append([]byte("behind"))[len("behind"):]; !bytes.Equal(again, data) {
			t.Errorf("%q became %q", data, again)
		}
		var c envelope
		if json.Unmarshal(e.value, &c) != nil {
			return // the relay says so and stands still
		}
		for _, structured := range []bool{false, true} {
			p := topicPublisher{structured: structured}
			m := p.message(&c, e.value, 0)
			r := fetch.Record{Value: m.Value}
			for _, h := range m.Headers {
				r.Headers = append(r.Headers, fetch.Header{Key: []byte(h.Key), Value: h.Value})
			}
			if got := crossingID(&r); got != c.ID {
				t.Errorf("structured %v: id %q, want %q", structured, got, c.ID)
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
		id := crossingID(&fetch.Record{Headers: []fetch.Header{{Key: key, Value: header}}, Value: value})
		if string(key) == "ce_id" && id != string(header) {
			t.Errorf("id %q, want %q", id, header)
		}
	})
}
