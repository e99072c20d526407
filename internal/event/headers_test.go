package event

import (
	"strings"
	"testing"
)

// binaryHeaders are the headers of a CloudEvent of version 1.0 with the
// attributes, given as name and value in turn.
func binaryHeaders(attributes ...string) []Header {
	headers := []Header{{[]byte("ce_specversion"), []byte("1.0")}}
	for i := 0; i < len(attributes); i += 2 {
		headers = append(headers, Header{[]byte("ce_" + attributes[i]), []byte(attributes[i+1])})
	}
	return headers
}

// with appends a header.
func with(headers []Header, key, value string) []Header {
	return append(headers[:len(headers):len(headers)], Header{[]byte(key), []byte(value)})
}

// envelopeHeaders are those of a whole envelope.
var envelopeHeaders = binaryHeaders("id", "ce-1", "source", "/s", "type", "com.example.click", "time", "2026-11-22T10:00:03Z")

func decodeRecord(value string, headers []Header) (string, error) {
	d := Decoder{Types: map[string]string{"com.example.click": "click", "com.example.long": strings.Repeat("x", 65)}}
	var e Event
	err := d.DecodeRecord(&e, []byte(value), headers)
	return show(&e), err
}

func acceptedRecord(t *testing.T, value string, headers []Header, want string) {
	t.Helper()
	got, err := decodeRecord(value, headers)
	if err != nil {
		t.Errorf("%.300q\nis refused: %v", value, err)
	} else if got != want {
		t.Errorf("%.300q\n got %s\nwant %s", value, got, want)
	}
}

func refusedRecord(t *testing.T, value string, headers []Header, reason, message string) {
	t.Helper()
	_, err := decodeRecord(value, headers)
	wantMalformed(t, value, err, reason, message)
}

// filled is a click that has its id, type and time from envelopeHeaders.
const filled = `id="ce-1" source="/s" type="click" time=1795341603000000000`

func TestDecodeRecordPlain(t *testing.T) {
	f := func(headers []Header) {
		t.Helper()
		acceptedRecord(t, complete(""), headers, base(""))
	}
	f(nil)
	// headers that are not of CloudEvents mean nothing
	f([]Header{{[]byte("traceparent"), []byte("\xff")}, {[]byte("content-type"), []byte("text/plain")}, {nil, nil}})
	f([]Header{{[]byte("ce_"), []byte("x")}, {[]byte("cex"), []byte("x")}, {[]byte("CE_id"), []byte("x")}})
	f([]Header{{[]byte("content-type"), nil}, {[]byte("content-type"), []byte("application/cloudevent+json")}})
	// a content type shows nothing, also one of CloudEvents
	for _, name := range []string{"application/cloudevents+json", "application/cloudevents", "application/cloudevents-batch+json", "application/cloudevents+avro"} {
		f(with(nil, "content-type", name))
	}
	f(with(with(nil, "content-type", "text/plain"), "Content-Type", "application/json"))
	// nor do the other headers of a CloudEvent without ce_specversion
	f(with(nil, "ce_id", "x"))
	f(with(with(envelopeHeaders[1:], "ce_id", "\xff"), "ce_", "x"))
	f([]Header{{[]byte("ce_specversion"), nil}, {[]byte("CE_specversion"), []byte("1.0")}, {[]byte("ce-specversion"), []byte("1.0")}})
	// nor does one of the members of an envelope without the other
	for _, further := range []string{
		`,"specversion":"1.0"`, `,"source":"/s"`, `,"specversion":"1.0","source":null`, `,"specversion":null,"source":7`,
		`,"x":{"specversion":"1.0","source":"/s"}`, `,"specversion":"1.0","specversion":1,"data":{"source":"/s"}`,
	} {
		acceptedRecord(t, complete(further), nil, base(""))
		acceptedRecord(t, complete(further), with(nil, "content-type", "application/cloudevents+json"), base(""))
	}
	// nor are our names for an envelope's types used for the event's own type
	acceptedRecord(t, strings.Replace(complete(""), "click", "com.example.click", 1), nil, strings.Replace(base(""), "click", "com.example.click", 1))
}

func TestDecodeBinary(t *testing.T) {
	f := func(value string, headers []Header, want string) {
		t.Helper()
		acceptedRecord(t, value, headers, want)
	}
	f(`{"group":"g"}`, envelopeHeaders, filled+` group="g" count=1`)
	// what the event has is not filled in
	f(complete(""), envelopeHeaders, base(""))
	f(`{"id":"e-1"}`, envelopeHeaders, `id="e-1" source="" type="click" time=1795341603000000000 count=1`)
	f(`{"time":"2026-11-22T10:00:04Z"}`, envelopeHeaders, strings.Replace(filled, "603", "604", 1)+" count=1")
	f(`{"type":"com.example.click"}`, envelopeHeaders, strings.Replace(filled, "click", "com.example.click", 1)+" count=1")
	// a null is filled in
	f(`{"id":null,"time":null,"type":null}`, envelopeHeaders, filled+" count=1")
	// a type without a name of ours stays as it is
	f(`{"id":"e-1"}`, binaryHeaders("id", "1", "source", "s", "type", "view", "time", "2026-11-22T10:00:03Z"),
		`id="e-1" source="" type="view" time=1795341603000000000 count=1`)
	// time is not required of the envelope, nor are attributes that fill nothing judged
	f(complete(""), binaryHeaders("id", strings.Repeat("i", 129), "source", strings.Repeat("s", 1025), "type", strings.Repeat("t", 65)), base(""))
	f(complete(""), with(binaryHeaders("id", "1", "source", "s", "type", "t"), "ce_time", "yesterday"), base(""))
	// extensions, and names that carry no attribute in this form, are ignored
	f("{}", with(with(with(envelopeHeaders, "ce_subject", "x"), "ce_data", "x"), "ce_datacontenttype", "text/plain"), filled+" count=1")
	// limits of what fills
	f("{}", binaryHeaders("id", strings.Repeat("i", 128), "source", strings.Repeat("s", 1024), "type", strings.Repeat("t", 64),
		"time", "2026-11-22T10:00:03Z"), `id="`+strings.Repeat("i", 128)+`" source="`+strings.Repeat("s", 1024)+`" type="`+
		strings.Repeat("t", 64)+`" time=1795341603000000000 count=1`)
}

func TestDecodeBinaryContentType(t *testing.T) {
	f := func(contentType string) {
		t.Helper()
		acceptedRecord(t, "{}", with(envelopeHeaders, "content-type", contentType), filled+" count=1")
	}
	f("application/json")
	f("APPLICATION/Json ; charset=utf-8")
	f("application/vnd.example.click+json")
	f("application/x+JSON;v=1")
	acceptedRecord(t, "{}", with(envelopeHeaders, "Content-Type", "application/json"), filled+" count=1")
	acceptedRecord(t, "{}", with(with(envelopeHeaders, "Content-Type", "application/json"), "content-type", "\xff"), filled+" count=1")
	f("application/cloudevents-batch+json")
	f("application/cloudevents+protobuf")
	// the value itself shows whether it is JSON
	f("")
	f("text/plain")
	f("application/octet-stream")
	refusedRecord(t, "<a/>", with(envelopeHeaders, "content-type", "text/xml"), ReasonSyntax, "no JSON value begins here (byte 0)")
}

func TestDecodeBinaryRefused(t *testing.T) {
	f := func(headers []Header, reason, message string) {
		t.Helper()
		refusedRecord(t, "{}", headers, reason, message)
	}
	const absent = ": absent or empty; CloudEvents 1.0 requires it"
	f(envelopeHeaders[1:], ReasonMissing, "id: absent or null; send a string of 1 to 128 bytes") // no CloudEvent
	f(with(envelopeHeaders[1:], "ce_specversion", ""), ReasonCloudEvents, "ce_specversion"+absent)
	f(binaryHeaders("source", "s", "type", "t"), ReasonCloudEvents, "ce_id"+absent)
	f(binaryHeaders("id", "", "source", "s", "type", "t"), ReasonCloudEvents, "ce_id"+absent)
	f(binaryHeaders("id", "1", "type", "t"), ReasonCloudEvents, "ce_source"+absent)
	f(binaryHeaders("id", "1", "source", "s"), ReasonCloudEvents, "ce_type"+absent)
	f(append(binaryHeaders("id", "1", "type", "t"), Header{[]byte("ce_source"), nil}), ReasonCloudEvents, "ce_source"+absent)
	f(with(envelopeHeaders[1:], "ce_specversion", "0.3"), ReasonCloudEvents, "ce_specversion: not 1.0; send CloudEvents of version 1.0")
	f(with(envelopeHeaders, "ce_id", "ce-1"), ReasonDuplicate, "ce_id: given twice; send it once")
	f(with(envelopeHeaders, "ce_specversion", "1.0"), ReasonDuplicate, "ce_specversion: given twice; send it once")
	const notUTF8 = ": not valid UTF-8; encode texts as UTF-8"
	f(with(envelopeHeaders[:4], "ce_time", "\xff"), ReasonUTF8, "ce_time"+notUTF8)
	f(with(envelopeHeaders[1:], "ce_specversion", "\xff"), ReasonUTF8, "ce_specversion"+notUTF8)
	// what fills has the limits of the field
	f(envelopeHeaders[:4], ReasonMissing, "time: absent or null; send an RFC 3339 time such as 2026-11-22T10:00:03Z")
	f(with(envelopeHeaders[:4], "ce_time", ""), ReasonTime, "ce_time: not an RFC 3339 time such as 2026-11-22T10:00:03Z")
	f(with(envelopeHeaders[:4], "ce_time", "2026-11-22t10:00:03z"), ReasonTime,
		"ce_time: T and Z in a time must be upper case, as in 2026-11-22T10:00:03Z")
	long := func(id, source, kind int) []Header {
		return binaryHeaders("id", strings.Repeat("i", id), "source", strings.Repeat("s", source), "type", strings.Repeat("t", kind))
	}
	f(long(129, 1, 1), ReasonOutOfRange, "ce_id: a string of 129 bytes is not a string of 1 to 128 bytes")
	f(long(1, 1025, 1), ReasonOutOfRange,
		"ce_source: a source of 1,025 bytes is not one of 1 to 1,024; shorten it, or give the event an id of its own")
	f(long(1, 1, 65), ReasonOutOfRange, "ce_type: a string of 65 bytes is not a string of 1 to 64 bytes")
	f(binaryHeaders("id", "1", "source", "s", "type", "com.example.long"), ReasonOutOfRange,
		"ce_type: a string of 65 bytes is not a string of 1 to 64 bytes")
	// the value is still an event
	refusedRecord(t, "", envelopeHeaders, ReasonEmpty, "the value is empty; send one event, a JSON object")
	refusedRecord(t, `{"count":0}`, envelopeHeaders, ReasonOutOfRange, "count: 0 is not an integer from 1 to 1,000,000,000,000 (byte 9)")
}

// TestDecodeBinaryNotJudged: what nothing depends on is not judged.
func TestDecodeBinaryNotJudged(t *testing.T) {
	f := func(value string, headers []Header, want string) {
		t.Helper()
		acceptedRecord(t, value, headers, want)
	}
	f("{}", with(with(with(envelopeHeaders, "ce_subject", "\xff"), "ce_subject", "x"), "ce_", "\xff"), filled+" count=1")
	whole := binaryHeaders("id", "\xff", "source", "\xff", "type", "\xff", "time", "\xff")
	f(complete(""), whole, base(""))
	f(complete(""), append(whole, whole[1:]...), base(""))
	f(`{"id":"e-1","type":"click"}`, with(with(envelopeHeaders, "ce_id", "again"), "ce_source", "again"), `id="e-1" source="" type="click" time=1795341603000000000 count=1`)
	f(`{"time":"2026-11-22T10:00:03Z"}`, with(envelopeHeaders, "ce_time", "again"), filled+" count=1")
	// what does depend on it is
	refusedRecord(t, `{"id":"e-1"}`, with(envelopeHeaders, "ce_time", "again"), ReasonDuplicate, "ce_time: given twice; send it once")
	refusedRecord(t, `{"type":"click"}`, with(envelopeHeaders, "ce_source", "/s"), ReasonDuplicate, "ce_source: given twice; send it once")
	refusedRecord(t, complete(""), envelopeHeaders[:3], ReasonCloudEvents, "ce_type: absent or empty; CloudEvents 1.0 requires it")
}
