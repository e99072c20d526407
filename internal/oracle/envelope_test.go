package oracle

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestUnwrap: an object with a specversion and a source is an envelope; id, type and time fill in what its event lacks.
func TestUnwrap(t *testing.T) {
	const head = `"specversion":"1.0","id":"c","source":"/s","type":"click","time":"2026-01-01T00:00:00Z"`
	encoded := base64.StdEncoding.EncodeToString([]byte(`{"incident":"A"}`))
	f := func(value, id, identity string) {
		t.Helper()
		e, err := decode([]byte(value))
		if err != nil || e.id() != id || e.identity != identity || e.kind() != "click" || e.time.IsZero() {
			t.Errorf("%s: %v, %+v", value, err, e)
		}
	}
	f(`{`+head+`,"data":{"incident":"A"}}`, "c", "of /s c")
	f(`{"data":{"incident":"A"},`+head+`,"x":1,"x":2}`, "c", "of /s c")
	f(`{`+head+`,"data":null,"data_base64":"`+encoded+`"}`, "c", "of /s c")
	f(`{`+head+`,"data":{"id":"own"}}`, "own", "own own")
	const plain = `{"id":"own","time":"2026-01-01T00:00:00Z","type":"click"}`
	f(plain, "own", "own own")
	for _, more := range []string{`,"specversion":"1.0"`, `,"source":"/s"`, `,"source":"/s","specversion":null`} {
		f(strings.TrimSuffix(plain, "}")+more+"}", "own", "own own")
	}
	bad := func(value string) {
		t.Helper()
		if e, err := decode([]byte(value)); err == nil {
			t.Errorf("%s: %+v", value, e)
		}
	}
	bad(strings.TrimSuffix(plain, "}") + `,"source":"/s","specversion":"1.0"}`)
	bad(`{` + head + `}`)
	bad(`{` + head + `,"data":[]}`)
	bad(`{` + head + `,"data":"{}"}`)
	bad(`{` + head + `,"data":{},"data_base64":"e30="}`)
	bad(`{` + head + `,"data_base64":"e30"}`)
	bad(`{` + head + `,"data":{},"id":null}`)
	bad(`{` + strings.Replace(head, "1.0", "0.3", 1) + `,"data":{}}`)
	bad(`{` + strings.Replace(head, `"c"`, "7", 1) + `,"data":{}}`)
	bad(`{` + head + `,"data":{"count":0}}`)
	bad(`{` + head + `,"data":{},"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`)
	f(`{`+head+`,"data":{"x":`+strings.Repeat("[", 63)+strings.Repeat("]", 63)+`}}`, "c", "of /s c")
}

// TestNoTimestamp: a record without a Kafka timestamp is malformed; one before 1970 is not.
func TestNoTimestamp(t *testing.T) {
	o, err := New([]byte(`{pack: p, measures: {c: {sum: count, types: [click]}}, rules: [{id: r, title: t, cite: c, by: incident, window: 1d, step: 1h, limits: {c: 9}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	value := []byte(`{"id":"1","time":"1969-01-01T00:00:00Z","type":"click","incident":"A"}`)
	o.Apply(value, -1)
	if got := o.Results(); got != (Results{Malformed: 1}) {
		t.Errorf("got %+v", got)
	}
	o.Apply(value, -2)
	if got := o.Results(); got != (Results{Malformed: 1, Matched: 1}) {
		t.Errorf("got %+v", got)
	}
}
