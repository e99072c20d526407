//go:build slow

package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"
)

// event is an event with members. Those that it needs are made up if they are not given.
func (g *poisoner) event(members ...string) string {
	list := []string{}
	for _, need := range [][2]string{
		{"id", fmt.Sprintf("%q", g.name("poison"))},
		{"time", fmt.Sprintf("%q", time.Now().UTC().Add(-time.Duration(g.rng.IntN(7200))*time.Second).Format(time.RFC3339))},
		{"type", `"` + pick(g, "click", "click", "order", "publish", "share", "follow", "pay", "view", "zzz") + `"`},
		{"incident", fmt.Sprintf(`"inc-%d"`, g.rng.IntN(5))},
		{"account", fmt.Sprintf(`"acc-%d"`, g.rng.IntN(5))},
		{"content", fmt.Sprintf(`"con-%d"`, g.rng.IntN(5))},
	} {
		if !strings.HasPrefix(strings.Join(members, "\n"), `"`+need[0]+`"`) && !strings.Contains(strings.Join(members, "\n"), "\n\""+need[0]+`"`) {
			list = append(list, `"`+need[0]+`":`+need[1])
		}
	}
	list = append(list, members...)
	g.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return "{" + strings.Join(list, ",") + "}"
}

// hostileTimes are borders, null dates of many libraries, and what is no time.
var hostileTimes = []string{
	"1678-01-01T00:00:00Z", "1678-01-01T00:00:00.000000001Z", "1677-12-31T23:59:59Z", "1900-01-01T00:00:00Z", "1904-01-01T00:00:00Z", "1969-12-31T16:00:00Z", "1969-12-31T23:59:59.999999999Z",
	"1970-01-01T00:00:00Z", "1970-01-01T00:00:00+08:00", "1970-01-01T00:00:00.000000001Z", "1969-06-01T00:00:00Z", "1960-02-29T00:00:00+14:00", "0001-01-01T00:00:00Z", "0000-00-00T00:00:00Z",
	"1601-01-01T00:00:00Z", "1899-12-30T00:00:00Z", "1970-01-20T10:13:20Z", "2261-12-31T23:59:59.999999999Z", "2262-04-11T23:47:16Z", "2262-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2038-01-19T03:14:08Z",
	"2024-02-29T23:59:59-12:00", "2023-02-29T00:00:00Z", "2016-12-31T23:59:60Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00-00:00", "\uff12\uff10\uff12\uff16-01-01T00:00:00Z", "", "null", "1767225600",
}

// times are events of any time, so many of few subjects that levels are reached and left.
func (g *poisoner) times() payload {
	var list []*kgo.Record
	for range 20 + g.rng.IntN(200) {
		text := pick(g, hostileTimes...)
		switch g.rng.IntN(4) {
		case 0: // from 1678 to 2261
			text = time.Unix(g.rng.Int64N(18_000_000_000)-9_214_560_000, g.rng.Int64N(1e9)).UTC().Format(time.RFC3339Nano)
		case 1: // around 1970
			text = time.Unix(g.rng.Int64N(200_000_000)-100_000_000, 0).UTC().Format(time.RFC3339)
		}
		list = append(list, g.record(g.event(`"time":"`+text+`"`, fmt.Sprintf(`"count":%d`, 1+g.rng.IntN(20)), `"amount":20000`)))
	}
	return payloadOf(list...)
}

// timesBack are a subject's events that go up and down about 1970, each enough for a level.
func (g *poisoner) timesBack() payload {
	var list []*kgo.Record
	subject := `"incident":"` + g.name("old") + `"`
	at := g.rng.Int64N(1e9) - 5e8
	for range 50 {
		at += pick[int64](g, 1, 1, 60, 3600, 86_400, 86_400*30, -60, -86_400, 86_400*731)
		text := time.Unix(at, 0).UTC().Format(time.RFC3339)
		list = append(list, g.record(g.event(`"time":"`+text+`"`, subject, `"type":"click"`, fmt.Sprintf(`"count":%d`, 1+g.rng.IntN(10)))))
	}
	return payloadOf(list...)
}

func (g *poisoner) numbers() payload {
	var list []*kgo.Record
	for range 100 {
		name := pick(g, "count", "members", "followers", "records", "amount")
		value := pick(g, "1000000000000", "1000000000001", "1000000000000000", "9007199254740991", "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551616",
			"0", "-1", "-0", "1.0", "1e3", "1E400", "0x10", "01", strings.Repeat("9", 400), strings.Repeat("9", 60_000), "NaN", "Infinity", `"5"`, "null", "true", "{}", "[1]", "0.1e", "+1")
		list = append(list, g.record(g.event(`"`+name+`":`+value, `"group":"`+g.text()[:1]+`g"`)))
	}
	for range 20 { // sums at their bound
		list = append(list, g.record(g.event(`"type":"click"`, `"incident":"sum"`, `"count":1000000000000`, `"members":1000000000000`)))
	}
	return payloadOf(list...)
}

// hostileTexts are what ids and other texts may be, as JSON has them.
var hostileTexts = []string{
	`\u0000`, `\u001b[2J`, `x\r\nSet-Cookie: a=b`, "\u009b31m", "\u202egnp.exe", "\u2066x\u2069", "\ufeff", "a\u2028b\u2029c", "{", "}", "{07}", "}{", "*?[]", "../..", "%2F", "%00", "/", "a/1/1", "a:b", "a|b",
	`\\`, `\"`, "'; DROP TABLE x; --", "${jndi:ldap://x}", "{{7*7}}", "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "e\u0301", "\u00e9", "\u200d\u200c\u200b", "\u0627\u0644\u0639", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
	strings.Repeat("x", 256), strings.Repeat("x", 257), strings.Repeat("\u00e9", 128), strings.Repeat("\u0301", 128), "x", "", " ", "\u3000", "\u00a0", `\ud800`, `\udc00\ud800`, `\ud83d\ude00`, "\x7f", "\xff\xfe", "\xc0\x80",
	"\xed\xa0\x80", "\xf4\x90\x80\x80", `\u0000\u0000`, "CON", "nul", "__proto__", "0", "-1", "true", "null", "\x00", "\n", `\x41`, `\u12`,
}

func (g *poisoner) text() string {
	text := pick(g, hostileTexts...)
	if g.rng.IntN(3) == 0 {
		text += pick(g, hostileTexts...)
	}
	if len(text) == 0 {
		return "t"
	}
	return text
}

func (g *poisoner) texts() payload {
	var list []*kgo.Record
	for range 150 {
		name := pick(g, "id", "type", "incident", "incident", "account", "content", "group", "site", "recipient", "media", "category", "note", "labels")
		list = append(list, g.record(g.event(`"`+name+`":"`+g.text()+`"`, `"count":10`), kgo.RecordHeader{Key: g.text(), Value: []byte(g.text())}))
	}
	return payloadOf(list...)
}

// shapes are values that are no JSON, or no object, or deep, or have much in them.
func (g *poisoner) shapes() payload {
	var list []*kgo.Record
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for range 60 {
		noise := make([]byte, g.rng.IntN(300))
		for i := range noise {
			noise[i] = byte(g.rng.Uint32())
		}
		list = append(list, g.record(pick(g, string(noise), "", " ", "{}", "[]", "null", "{", "}", `{"id"`, `"x"`, "5", g.event()+g.event(), g.event()+"\n"+g.event(), "["+g.event()+"]", g.event(`"n":`+deep(63)), g.event(`"n":`+deep(30_000)),
			strings.Repeat(`{"a":`, 10_000), g.event(`"id":"a"`, `"id":"b"`), strings.Repeat(`{"id":"x"},`, 2_000), "{"+strings.Repeat(`"k":1,`, 9_000)+`"l":2}`)))
	}
	list = append(list, &kgo.Record{Timestamp: time.Now()}, &kgo.Record{Key: []byte("k"), Timestamp: time.Now()})
	return payloadOf(list...)
}

// mutations are good events with some bytes changed.
func (g *poisoner) mutations() payload {
	var list []*kgo.Record
	for range 200 {
		text := []byte(g.event(`"count":3`, `"labels":["a","b"]`, `"group":"g"`, `"members":7`))
		for range 1 + g.rng.IntN(3) {
			at := g.rng.IntN(len(text))
			switch g.rng.IntN(3) {
			case 0:
				text[at] = byte(g.rng.Uint32())
			case 1:
				text = append(text[:at:at], text[min(len(text)-1, at+1+g.rng.IntN(5)):]...)
			default:
				text = append(text[:at:at], append([]byte(g.text()), text[at:]...)...)
			}
			if len(text) == 0 {
				text = []byte{0}
			}
		}
		list = append(list, g.record(string(text)))
	}
	return payloadOf(list...)
}

// formats are good events in what is not JSON of UTF-8.
func (g *poisoner) formats() payload {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(g.event())) // to memory
	_ = z.Close()
	w, _ := zstd.NewWriter(nil)
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(g.event())) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	return payloadOf(
		g.record(zipped.String()), g.record(string(w.EncodeAll([]byte(g.event()), nil))), g.record(string(wide)), g.record(string(wide[2:])), g.record("\ufeff"+g.event()),
		g.record("\x00\x00\x00\x00\x07"+g.event()), g.record("\x00\x00\x00\x00\x07\x00\x02a"), g.record("\x00\x00"), g.record("Obj\x01"+strings.Repeat("\x02", 60)), g.record("\x83\xa2id\xa1x\xa4time\xc0"),
		g.record("\xde\xff\xff"), g.record("\x1f\x8b"), g.record("\x28\xb5\x2f\xfd"), g.record("PK\x03\x04"), g.record("\xff\x06\x00\x00sNaPpY"), g.record("\x0a\x03abc\x12\x01x"), g.record("<event/>"), g.record("id: x\ntime: y"),
	)
}

// envelopes are CloudEvents, and what looks like one.
func (g *poisoner) envelopes() payload {
	var list []*kgo.Record
	for range 80 {
		headers := []kgo.RecordHeader{}
		for _, name := range []string{"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type", "Content-Type", "ce_subject", "ce_", "CE_ID", "ce_datacontenttype"} {
			value := pick(g, "1.0", "click", g.name("ce"), "/s", "2026-01-01T00:00:00Z", g.text(), strings.Repeat("x", 2000), "\xff\xff", "", "application/cloudevents+json", "application/cloudevents-batch+json", "0.3")
			for range g.rng.IntN(3) {
				headers = append(headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
			}
		}
		g.rng.Shuffle(len(headers), func(i, j int) { headers[i], headers[j] = headers[j], headers[i] })
		structured := fmt.Sprintf(`{"specversion":%s,"id":%q,"source":%s,"type":"click","time":%q,%s}`, pick(g, `"1.0"`, "1.0", `"0.3"`, "null"), g.name("ce"), pick(g, `"/s"`, `""`, "5", `"`+strings.Repeat("x", 2000)+`"`),
			pick(g, hostileTimes...), pick(g, `"data":{"incident":"inc-1"}`, `"data":null`, `"data_base64":"e30="`, `"data_base64":"`+strings.Repeat("A", 60_000)+`"`, `"data":"x","data_base64":"e30="`, `"data":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)))
		list = append(list, g.record(pick(g, structured, g.event(), `{"incident":"inc-1"}`, "", "x"), headers...))
	}
	return payloadOf(list...)
}
