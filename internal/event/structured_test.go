package event

import (
	"encoding/base64"
	"strings"
	"testing"
)

// attributes are those of a whole envelope, as envelopeHeaders.
const attributes = `"specversion":"1.0","id":"ce-1","source":"/s","type":"com.example.click","time":"2026-11-22T10:00:03Z"`

// inEnvelope is a structured CloudEvent with further members, which begin with
// a comma.
func inEnvelope(further string) string { return "{" + attributes + further + "}" }

// inBase64 is a member data_base64.
func inBase64(data string) string {
	return `,"data_base64":"` + base64.StdEncoding.EncodeToString([]byte(data)) + `"`
}

var structuredHeaders = with(nil, "content-type", "application/cloudevents+json")

func TestDecodeStructured(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		acceptedRecord(t, value, structuredHeaders, want)
	}
	f(inEnvelope(`,"data":{"group":"g"}`), filled+` group="g" count=1`)
	f(inEnvelope(inBase64(`{"group":"g"}`)), filled+` group="g" count=1`)
	f(inEnvelope(`,"data":`+complete("")), base(""))
	f(inEnvelope(inBase64(complete(""))), base(""))
	f(inEnvelope(`,"data":{"id":null,"type":"view"}`), strings.Replace(filled, "click", "view", 1)+" count=1")
	// data may stand before the attributes
	f(`{"data":{"group":"\u0067"},`+attributes+"}", filled+` group="g" count=1`)
	f("\n{ \"data\" : { } , "+strings.ReplaceAll(attributes, ":\"", " :\t\"")+" }\n", filled+" count=1")
	// extensions are ignored, also twice; a null is absent
	f(inEnvelope(`,"subject":{"x":[1]},"subject":2,"ID":"x","datacontenttype":null,"data_base64":null,"data":{}`), filled+" count=1")
	f(inEnvelope(`,"data":null`+inBase64("{}")), filled+" count=1")
	f(`{"specversion":"1.0","id":"1","source":"s","type":"t","time":null,"data":`+complete("")+`}`, base(""))
	// names and values with escapes
	f(strings.NewReplacer("/s", `\/s`, `"id"`, `"\u0069d"`, "1.0", `1\u002e0`).Replace(inEnvelope(`,"dat\u0061":{}`)), filled+" count=1")
	f(inEnvelope(strings.ReplaceAll(inBase64(`{"group":"g"}`), "=", `\u003d`)), filled+` group="g" count=1`)
	f(inEnvelope(`,"datacontenttype":"application/x+json","data":{}`), filled+" count=1")
	f(inEnvelope(`,"datacontenttype":"application/octet-stream"`+inBase64("{}")), filled+" count=1")
	// the event is level 1, wherever it stands
	deep := strings.Repeat("[", 63) + strings.Repeat("]", 63)
	f(inEnvelope(`,"x":`+deep+`,"data":{"x":`+deep+`}`), filled+" count=1")
}

// TestDecodeStructuredByContent: an envelope is recognised by its members, wherever they stand and
// whatever headers say.
func TestDecodeStructuredByContent(t *testing.T) {
	f := func(value string, headers []Header) {
		t.Helper()
		acceptedRecord(t, value, headers, filled+" count=1")
	}
	for _, headers := range [][]Header{
		nil, structuredHeaders, with(nil, "Content-Type", " Application/CloudEvents+JSON ; charset=UTF-8"),
		with(nil, "content-type", "application/json"), with(nil, "content-type", "application/cloudevents-batch+json"),
		with(with(nil, "content-type", "text/plain"), "Content-Type", "\xff"),
		// the value comes before what headers say of it, which is not looked at then
		envelopeHeaders, binaryHeaders(), binaryHeaders("id", "other", "id", "\xff", "type", "view"), with(nil, "ce_id", "\xff"),
	} {
		f(inEnvelope(`,"data":{}`), headers)
		f(`{"data":{},`+attributes+"}", headers)
		f(`{"data":{"id":null,"specversion":"2","source":[]},`+strings.NewReplacer("specversion", `sp\u0065cversion`, "source", `\u0073ource`).Replace(attributes)+"}", headers)
		f(inEnvelope(inBase64("{}")), headers)
	}
	// what would be wrong with an event is not with an envelope
	f(`{"account":7,"count":0,"data":{},"data_base64":null,`+attributes+"}", nil)
	long := strings.Repeat("i", 200)
	acceptedRecord(t, `{"id":"`+long+`","type":"`+long+`","time":"noon","data":`+complete("")+`,"source":"`+long+`","specversion":"1.0"}`, nil, base(""))
	deep := strings.Repeat("[", 63) + strings.Repeat("]", 63)
	f(`{"data":{"x":`+deep+`},`+attributes+"}", nil)
}

func TestDecodeStructuredRefused(t *testing.T) {
	f := func(value, reason, message string) {
		t.Helper()
		refusedRecord(t, value, structuredHeaders, reason, message)
	}
	without := func(attribute string) string {
		return strings.Replace(inEnvelope(`,"data":{}`), `"`+attribute+`":`, `"`+attribute+`x":`, 1)
	}
	for _, name := range []string{"id", "type"} {
		f(without(name), ReasonCloudEvents, name+": absent or empty; CloudEvents 1.0 requires it")
	}
	f(without("time"), ReasonMissing, "time: absent or null; send an RFC 3339 time such as 2026-11-22T10:00:03Z")
	f(strings.Replace(inEnvelope(`,"data":{}`), "1.0", "1.1", 1), ReasonCloudEvents, "specversion: not 1.0; send CloudEvents of version 1.0")
	f(strings.Replace(inEnvelope(`,"data":{}`), `"/s"`, `""`, 1), ReasonCloudEvents, "source: absent or empty; CloudEvents 1.0 requires it")
	const envelope = `{"specversion":"","source":"",`
	f(envelope+`"id":5}`, ReasonWrongType, "id: a number is not a string (byte 35)")
	f(`{"id":5,`+envelope[1:]+`"x":1}`, ReasonWrongType, "id: a number is not a string (byte 6)")
	f(`{"specversion":1,"source":{}}`, ReasonWrongType, "specversion: a number is not a string (byte 15)")
	f(envelope+`"datacontenttype":{}}`, ReasonWrongType, "datacontenttype: an object is not a string (byte 48)")
	f(envelope+`"source":null}`, ReasonDuplicate, "source: given twice; send it once (byte 30)")
	f(envelope+`"data":{},"data":{}}`, ReasonDuplicate, "data: given twice; send it once (byte 40)")
	f(`{"id":"a","\u0069d":"a"}`, ReasonDuplicate, "id: given twice; send it once (byte 10)")
	f(``, ReasonEmpty, "the value is empty; send one event, a JSON object")
	f(inEnvelope(`,"data":{}`)+"x", ReasonTrailing, "something follows the object; send one event in a record (byte 114)")
	f(`{"id":`, ReasonSyntax, "id: the JSON ends too early; send the whole object (byte 6)")
	f(`{"id":"\ud800"}`, ReasonSurrogate, `id: half of a surrogate pair; write both halves, as in \ud83d\ude00, or the character itself (byte 7)`)
	f(`{"x":`+strings.Repeat("[", 64), ReasonDepth, "nested deeper than 64 levels; send a flatter object (byte 68)")
	f(`{"id":"1" "source"`, ReasonSyntax, "a comma or the closing bracket is expected here (byte 10)")
	f(`{"id":"1","source"}`, ReasonSyntax, "a colon is expected here, after the member's name (byte 18)")
	f(strings.Replace(inEnvelope(`,"data":{}`), "ce-1", strings.Repeat("i", 129), 1), ReasonOutOfRange,
		"id: a string of 129 bytes is not a string of 1 to 128 bytes")
}

func TestDecodeStructuredData(t *testing.T) {
	f := func(further, reason, message string) {
		t.Helper()
		refusedRecord(t, inEnvelope(further), structuredHeaders, reason, message)
	}
	f("", ReasonCloudEvents, "data: absent or null, and so is data_base64; send the event in one of the two")
	f(`,"data":null`, ReasonCloudEvents, "data: absent or null, and so is data_base64; send the event in one of the two")
	f(`,"data":{}`+inBase64("{}"), ReasonCloudEvents, "data_base64: given beside data; send the event in one of the two")
	f(`,"data":[]`, ReasonWrongType, "data: an array is not an event; send a JSON object (byte 111)")
	f(`,"data":"text"`, ReasonWrongType, "data: a string is not an event; send a JSON object (byte 111)")
	f(`,"data":"{}"`, ReasonWrongType, "data: a string that holds JSON is not an event; send the object itself, not its text in quotes (byte 111)")
	f(inBase64("\x1f\x8b\x08\x00"), ReasonGzip, "data_base64: the value is compressed by gzip; send the JSON itself, "+
		"and have the producer compress with its setting compression.type, which Kafka's clients undo")
	f(`,"data":x`, ReasonSyntax, "data: no JSON value begins here (byte 111)")
	f(`,"data":{"count":0}`, ReasonOutOfRange, "data.count: 0 is not an integer from 1 to 1,000,000,000,000 (byte 120)")
	f(`,"data":{"id":null,"id":null}`, ReasonDuplicate, "data.id: given twice; send it once (byte 122)")
	f(`,"data":{1}`, ReasonSyntax, "data: a member's name in double quotes is expected here (byte 112)")
	f(`,"data":{"x":`+strings.Repeat("[", 64), ReasonDepth, "data: nested deeper than 64 levels; send a flatter object (byte 179)")
	f(inBase64(`{"count":0}`), ReasonOutOfRange, "data_base64.count: 0 is not an integer from 1 to 1,000,000,000,000 (byte 9)")
	f(inBase64(`{}{}`), ReasonTrailing, "data_base64: something follows the object; send one event in a record (byte 2)")
	f(inBase64(``), ReasonEmpty, "data_base64: the value is empty; send one event, a JSON object")
	f(`,"data_base64":{}`, ReasonWrongType, "data_base64: an object is not a string (byte 118)")
	const notBase64 = "data_base64: not base64; write it in the alphabet with + and /, padded with =, without line breaks"
	f(`,"data_base64":"e30"`, ReasonCloudEvents, notBase64)
	f(`,"data_base64":"e31="`, ReasonCloudEvents, notBase64)
	f(`,"data_base64":"e3\n0="`, ReasonCloudEvents, notBase64)
	f(`,"data_base64":"e3 0="`, ReasonCloudEvents, notBase64)
	f(`,"data_base64":"eyJpZCI6Ij8_In0="`, ReasonCloudEvents, notBase64)
}
