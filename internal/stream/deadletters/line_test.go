package deadletters

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

var origin = Place{"events", 3, 1931}

// TestLines: a line gives back the key, the value and the producer's headers, whatever their bytes, and nothing of the service's.
func TestLines(t *testing.T) {
	f := func(member string, key, value []byte, producer ...records.Header) {
		t.Helper()
		x := letterOf("missing", origin, key, value, producer...)
		l := parse("events.dlq", 1, &x)
		text := l.AppendLine(nil)
		if !strings.Contains(string(text), member) || bytes.Count(text, []byte("\n")) != 1 {
			t.Errorf("got %s, want %s", text, member)
		}
		for _, c := range string(text[:len(text)-1]) {
			if c < ' ' || 0x7f <= c && c < 0xa0 || c == 0x202e {
				t.Errorf("%q in %q", c, text)
			}
		}
		r, err := parseLine(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if r.Origin != origin || *r.Letter != (Place{"events.dlq", 1, 0}) || r.Reason != "missing" {
			t.Errorf("it came from %+v", r)
		}
		if !bytes.Equal(r.Key, key) || (r.Key == nil) != (key == nil) || !bytes.Equal(r.Value, value) || (r.Value == nil) != (value == nil) {
			t.Errorf("key %q, value %q, want %q, %q", r.Key, r.Value, key, value)
		}
		var got, want []string
		for _, h := range r.Headers {
			got = append(got, fmt.Sprintf("%s=%q", h.Key, h.Value))
		}
		for _, h := range producer {
			if name := strings.TrimPrefix(string(h.Key), "aggregator.original."); name != "aggregator.reason" {
				want = append(want, fmt.Sprintf("%s=%q", name, h.Value))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("headers %q, want %q", got, want)
		}
	}
	f(`"key":"inc-42","value":{"id":"e-1","id":"e-2","n":1e400}`, []byte("inc-42"), []byte(`{"id":"e-1","id":"e-2","n":1e400}`))
	f(`"value":""`, []byte{}, []byte{})
	f(`"letter":{"topic":"events.dlq","partition":1,"offset":0}}`, nil, nil)
	f(`"value":"{\"id\":"`, nil, []byte(`{"id":`))
	f(`"value":"\u001b[31m\u202e\u0000"`, []byte("\x1b\u0085"), []byte("\x1b[31m\u202e\x00"))
	f(`"key_base64":"/w==","value_base64":"AAAAAAf/"`, []byte("\xff"), []byte("\x00\x00\x00\x00\x07\xff"))
	f(`"value":"[{\"id\":1}]"`, nil, []byte(`[{"id":1}]`))
	f(`"value":{"a":"<&>"}`, nil, []byte(`{"a":"<&>"}`))
	f(`"headers":[{"name":"ce_id","value":"e-1"},{"name":"null"},{"name":"bytes","value_base64":"gA=="}]`, nil, []byte("x"),
		header("ce_id", "e-1"), records.Header{Key: []byte("null")}, header("bytes", "\x80"))
	f(`"headers":[{"name":"aggregator.mine","value":"1"}]`, nil, []byte("x"),
		header("aggregator.original.aggregator.mine", "1"), header("aggregator.original.aggregator.reason", "syntax"))
}

// TestEditedLines: what people and jq make of a line is read, or refused with a word on what to do.
func TestEditedLines(t *testing.T) {
	const place = `"topic":"events","partition":3,"offset":1931`
	f := func(want, text string) {
		t.Helper()
		got := ""
		r, err := parseLine([]byte(text))
		if err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprintf("%s %s", r.Key, r.Value)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	f(`k {"id": "a"}`, `{`+place+`,"key":"k","value":{"id": "a"}}`)
	f(` {"id": "a"}`, `{`+place+`,"value":"{\"id\": \"a\"}","value_bytes":9}`)
	f(` [1]`, `{`+place+`,"value":[1]}`)
	f(` {}`, ` {"value":{},"value_base64":null,"key":null,"headers":null,`+place+`}`)
	f("both as text and as base64", `{`+place+`,"value":{},"value_base64":"e30="}`)
	f("both as text and as base64", `{`+place+`,"key":"","key_base64":""}`)
	f("both as text and as base64", `{`+place+`,"headers":[{"name":"h","value":"","value_base64":""}]}`)
	f("the value of 1500000 bytes was left out", `{`+place+`,"value_bytes":1500000}`)
	f("say where the record was refused", `{"value":{}}`)
	f("say where the record was refused", `{"topic":"events","partition":3,"value":{}}`)
	f("say where the record was refused", `{"topic":"events","partition":-3,"offset":1,"value":{}}`)
	f(`unknown field "vlaue"`, `{`+place+`,"vlaue":{}}`)
	f("not a line as -reason prints them", `{`+place)
	f("not a line as -reason prints them", `[]`)
	f("more than one object", `{`+place+`}{}`)
	f("more than one object", `{`+place+`} ]`)
	f("more than one object", `{`+place+`}}`)
	f("more than one object", `{`+place+`} x`)
	f("half of a pair", `{`+place+`,"value":"\ud800"}`)
	f("half of a pair", `{`+place+`,"value":"\ud800\u0041"}`)
	f("half of a pair", `{`+place+`,"key":"\\\uDC00"}`)
	f("half of a pair", `{`+place+`,"headers":[{"name":"h","value":"\udbff"}]}`)
	f(`𐀀\ud800`, `{`+place+`,"value":"\ud800\udc00\\ud800"}`)
	f("leave it as it is", `{`+place+`,"time":"yesterday"}`)
	f("not UTF-8", `{`+place+`,"value":"`+"\xff"+`"}`)
	f("illegal base64", `{`+place+`,"value_base64":"?"}`)
}
