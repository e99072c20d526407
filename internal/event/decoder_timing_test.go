package event

import (
	"bytes"
	"encoding/base64"
	"testing"
)

// line is an event of 204 bytes with nine members, as a busy producer sends it.
const line = `{"id":"01JD8Q4Z7N5K3W9X2V6B1M0RTC","time":"2026-11-22T10:00:03.120Z","type":"share","incident":"inc-2026-004217",` +
	`"account":"u-48151623","content":"c-99017742","group":"g-31","members":1520,"followers":88}`

func BenchmarkDecode(b *testing.B) {
	run := func(name, value string) {
		b.Run(name, func(b *testing.B) {
			var d Decoder
			var e Event
			text := []byte(value)
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if err := d.Decode(&e, text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("plain", line)
	run("spaced", string(bytes.ReplaceAll(bytes.ReplaceAll([]byte(line), []byte(`":`), []byte(`": `)), []byte(`,"`), []byte(`, "`))))
	run("unicode", `{"id":"01JD8Q4Z7N5K3W9X2V6B1M0RTC","time":"2026-11-22T10:00:03.120Z","type":"leak","incident":"事件二〇二六","category":"行踪轨迹"}`)
	run("escapes", `{"id":"01JD8Q4Z7N5K3W9X2V6B1M0RTC","time":"2026-11-22T10:00:03.120Z","type":"leak","incident":"\u4e8b\u4ef6 \"x\"","category":"a\/b"}`)
	run("unknown", `{"id":"01JD8Q4Z7N5K3W9X2V6B1M0RTC","time":"2026-11-22T10:00:03.120Z","type":"view","trace":{"a":[1,2.5,true,null],"b":"text"},"region":"eu"}`)
}

// BenchmarkDecodeMixed decodes events of three kinds in turn, whose members
// follow each other differently.
func BenchmarkDecodeMixed(b *testing.B) {
	lines := [][]byte{
		[]byte(line),
		[]byte(`{"id":"01JD8Q4Z7N5K3W9X2V6B1M0RTD","time":"2026-11-22T10:00:03.121Z","type":"click","incident":"inc-2026-004217","account":"u-48151624"}`),
		[]byte(`{"type":"pay","account":"u-48151624","amount":129900,"recipient":"u-99","time":"2026-11-22T10:00:03.121Z","id":"01JD8Q4Z7N5K3W9X2V6B1M0RTD"}`),
	}
	var d Decoder
	var e Event
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := d.Decode(&e, lines[i%len(lines)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeCloudEvents(b *testing.B) {
	run := func(name string, value []byte, headers []Header) {
		b.Run(name, func(b *testing.B) {
			var d Decoder
			var e Event
			b.ReportAllocs()
			for b.Loop() {
				if err := d.DecodeRecord(&e, value, headers); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	attrs := `"specversion":"1.0","id":"e-1","source":"/a","type":"share","time":"2026-11-22T10:00:03Z",`
	structured := []Header{{[]byte("content-type"), []byte("application/cloudevents+json; charset=UTF-8")}}
	run("binary", []byte(line), []Header{
		{[]byte("ce_specversion"), []byte("1.0")},
		{[]byte("ce_id"), []byte("e-1")},
		{[]byte("ce_source"), []byte("/a")},
		{[]byte("ce_type"), []byte("share")},
		{[]byte("content-type"), []byte("application/json")},
	})
	run("structured", []byte(`{`+attrs+`"data":`+line+`}`), structured)
	run("base64", []byte(`{`+attrs+`"data_base64":"`+base64.StdEncoding.EncodeToString([]byte(line))+`"}`), structured)
}

// BenchmarkDecodeHeaders decodes plain events with headers that mean nothing.
func BenchmarkDecodeHeaders(b *testing.B) {
	var d Decoder
	var e Event
	text := []byte(line)
	headers := []Header{
		{[]byte("traceparent"), []byte("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")},
		{[]byte("content-type"), []byte("application/json")},
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := d.DecodeRecord(&e, text, headers); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	var d Decoder
	var e Event
	if err := d.Decode(&e, []byte(line)); err != nil {
		b.Fatal(err)
	}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = e.AppendJSON(dst[:0])
	}
}

func BenchmarkParseTime(b *testing.B) {
	text := []byte("2026-11-22T10:00:03.120Z")
	b.ReportAllocs()
	for b.Loop() {
		if _, f := parseTime(text); f != fine {
			b.Fatal(f)
		}
	}
}
