package event

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

var fuzzTypes = map[string]string{"com.example.click": "click", "com.example.long": strings.Repeat("x", 65), "com.example.none": ""}

// used is a decoder with a history: what it has learned must not show.
var used = Decoder{Types: fuzzTypes}

// agree compares a decoding with the oracle's, by a new decoder and by a used
// one. It returns false if the input is no event.
func agree(t *testing.T, input []byte, decode func(*Decoder, *Event) error, want Event, ok bool) bool {
	t.Helper()
	fresh := Decoder{Types: fuzzTypes}
	for _, d := range []*Decoder{&fresh, &used} {
		var e Event
		err := decode(d, &e)
		if bad, is := err.(*Malformed); err != nil && (!is || faultless(bad)) {
			t.Fatalf("%q: not a proper error: %#v", input, err)
		}
		if (err == nil) != ok {
			t.Fatalf("%q: got %v, but the oracle says %v", input, err, ok)
		}
		if ok && show(&e) != show(&want) {
			t.Fatalf("%q\n got %s\nwant %s", input, show(&e), show(&want))
		}
		if ok && (e.ID == nil || e.Type == nil || (e.Source == nil) != (want.Source == nil)) {
			t.Fatalf("%q: got %#v", input, e)
		}
	}
	return ok
}

// faultless reports whether an error lacks something.
func faultless(m *Malformed) bool {
	return m.Reason == "" || m.Detail == "" || m.Offset < -1 || m.Offset > MaxSize || !utf8.ValidString(m.Error())
}

// roundTrip decodes what AppendJSON makes of an event.
func roundTrip(t *testing.T, e *Event) {
	t.Helper()
	var d Decoder
	var again Event
	text := e.AppendJSON(nil)
	if err := d.Decode(&again, text); err != nil {
		t.Fatalf("%s is refused: %v", text, err)
	}
	own := *e
	own.Source = nil
	if show(&again) != show(&own) {
		t.Fatalf("%s\n got %s\nwant %s", text, show(&again), show(&own))
	}
	if second := again.AppendJSON(nil); !bytes.Equal(text, second) {
		t.Fatalf("%s\nbecomes %s", text, second)
	}
}

// checkLine compares a value without headers, with those of a binary CloudEvent, and with some that must not matter.
func checkLine(t *testing.T, line []byte) (accepted bool) {
	t.Helper()
	before := bytes.Clone(line)
	for _, headers := range [][]Header{nil, envelopeHeaders, structuredHeaders, foreignHeaders} {
		want, ok := oracleRecord(line, headers, fuzzTypes)
		if agree(t, line, func(d *Decoder, e *Event) error { return d.DecodeRecord(e, line, headers) }, want, ok) {
			roundTrip(t, &want)
			accepted = true
		}
	}
	if !bytes.Equal(line, before) {
		t.Fatalf("%q has become %q", before, line)
	}
	return accepted
}

// foreignHeaders mean nothing, whatever they say.
var foreignHeaders = with(with(with(nil, "content-type", "application/cloudevents-batch+json"), "Content-Type", "\xff"), "ce_id", "\xff")

func FuzzDecode(f *testing.F) {
	f.Add([]byte(line))
	f.Add([]byte(complete(`,"a":[{"b":true,"c":-1.5e3},null,"\ud83d\ude00"],"count":12,"group":"事","\u0061mount":0`)))
	f.Add([]byte(complete(`,"site":null,"media":"video","category":"\n","records":1000000000000,"x":{}`)))
	f.Add([]byte(inEnvelope(`,"data":` + complete(`,"incident":"\"i\""`))))
	f.Add([]byte(inEnvelope(`,"datacontenttype":"application/json","data_base64":null,"data":{"group":"g"}`)))
	f.Add([]byte(inEnvelope(inBase64(`{"group":"g"}`))))
	f.Fuzz(func(t *testing.T, line []byte) { checkLine(t, line) })
}

// FuzzDecodeBinary decodes records with headers, some of them twice: bit n of twice is for the n-th.
func FuzzDecodeBinary(f *testing.F) {
	f.Add("1.0", "1", "/s", "com.example.click", "2026-11-22T10:00:03Z", "application/json", "x", byte(0), []byte("{}"))
	f.Add("1.0", "1", "/s", "view", "", "text/x+json;a", "", byte(0x60), []byte(complete("")))
	f.Add("1.0", "1", "/s", "view", "2026-11-22T10:00:03Z", " +json", "", byte(2), []byte("{}"))
	f.Add("1.0", "\xff", "/s", "view", "-", "application/cloudevents+json", "", byte(0x1e), []byte(complete("")))
	f.Add("-", "1", "-", "-", "-", "-", "", byte(2), []byte(complete(`,"specversion":"1.0"`)))
	f.Add("1.0", "1", "/s", "view", "-", "-", "", byte(0), []byte(inEnvelope(`,"data":{}`)))
	f.Fuzz(func(t *testing.T, version, id, source, kind, clock, content, extension string, twice byte, value []byte) {
		checkBinary(t, []string{version, id, source, kind, clock, content, extension}, twice, value)
	})
}

// checkBinary compares a record with headers. One of "-" is left out.
func checkBinary(t *testing.T, texts []string, twice byte, value []byte) bool {
	t.Helper()
	names := []string{"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type", "ce_extension"}
	headers := []Header{{[]byte("ce_x"), []byte("")}, {[]byte("ce_id"), nil}}
	for i, text := range texts {
		if text == "-" {
			continue
		}
		headers = append(headers, Header{[]byte(names[i]), []byte(text)})
		if twice&(1<<i) != 0 {
			headers = append(headers, Header{[]byte(names[i]), []byte("again")})
		}
	}
	want, ok := oracleRecord(value, headers, fuzzTypes)
	return agree(t, value, func(d *Decoder, e *Event) error { return d.DecodeRecord(e, value, headers) }, want, ok)
}
