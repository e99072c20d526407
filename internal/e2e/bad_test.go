package e2e

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// sample is a record, with what must become of it: the reason why it is refused, or "" for an event that counts.
type sample struct {
	name, reason string
	value        []byte
	headers      []kgo.RecordHeader
	untimed      bool          // its record has no Kafka timestamp
	ahead        time.Duration // of the event's time 2026-01-01 before its Kafka timestamp; 0: a day behind
}

// sampleList gathers samples.
type sampleList struct {
	list []sample
	made int
}

const sampleTime = "2026-01-01T00:00:00Z"

func (k *sampleList) put(reason, name, value string, headers ...string) {
	x := sample{name: name, reason: reason, value: []byte(value)}
	for i := 0; i < len(headers); i += 2 {
		x.headers = append(x.headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	k.list = append(k.list, x)
}

// with is a good event with a member more.
func (k *sampleList) with(reason, member string) {
	k.put(reason, short(member), strings.TrimSuffix(k.good(), "}")+","+member+"}")
}

// instead is a good event in which a member stands for one of the needed ones; "" leaves it out.
func (k *sampleList) instead(reason, needed, member string) {
	text := k.good()
	from := strings.Index(text, `"`+needed+`":`)
	to := from + strings.Index(text[from:]+",", ",")
	if member == "" {
		text = text[:from] + `"instead":0` + text[to:]
	} else {
		text = text[:from] + member + text[to:]
	}
	k.put(reason, needed+" "+short(member), text)
}

// good is an event that counts one click.
func (k *sampleList) good() string {
	k.made++
	return fmt.Sprintf(`{"id":"g%d","time":"%s","type":"click","incident":"counted"}`, k.made, sampleTime)
}

func short(s string) string {
	if len(s) > 60 {
		return s[:40] + fmt.Sprintf("... %d bytes", len(s))
	}
	return s
}

// allSamples are some 300 bad records, and good ones that are close to them.
func allSamples() []sample {
	k := &sampleList{}
	k.shapes()
	k.otherForms()
	k.needed()
	k.times()
	k.texts()
	k.numbers()
	k.twice()
	k.nesting()
	k.binaryEvents()
	k.structuredEvents()
	k.aheadOfTime()
	k.withoutTimestamp()
	return k.list
}

func (k *sampleList) shapes() {
	k.put("empty", "no bytes", "")
	k.put("empty", "no value", "")
	k.list[len(k.list)-1].value = nil
	for _, text := range []string{"null", "true", "5", `"text"`} {
		k.put("wrong-type", text, text)
	}
	k.put("syntax", "spaces", " \t\r\n")
	k.put("syntax", "another language", "<event/>")
	k.put("syntax", "single quotes", strings.ReplaceAll(k.good(), `"`, "'"))
	k.put("syntax", "bare names", strings.ReplaceAll(k.good(), `"id"`, "id"))
	k.put("syntax", "a comma at the end", strings.Replace(k.good(), "}", ",}", 1))
	k.put("syntax", "a comment", strings.Replace(k.good(), "}", "/* */}", 1))
	k.put("syntax", "semicolons", strings.ReplaceAll(k.good(), ",", ";"))
	k.put("syntax", "no colon", strings.Replace(k.good(), `"id":`, `"id"`, 1))
	whole := k.good()
	for n := 1; n < len(whole); n++ {
		k.put("syntax", fmt.Sprintf("cut off after %d bytes", n), whole[:n])
	}
	for _, tail := range []string{"{}", "x", ",", "\x00", "]", "null", "\ufeff", " 1"} {
		k.put("trailing", "followed by "+strconv.Quote(tail), k.good()+tail)
	}
	k.put("", "spaces around", " \r\n\t"+k.good()+"\n ")
	large := func(n int) string {
		text := strings.TrimSuffix(k.good(), "}") + `,"note":"`
		return text + strings.Repeat("x", n-len(text)-2) + `"}`
	}
	k.put("", "64 KiB", large(64<<10))
	k.put("too-large", "64 KiB and a byte", large(64<<10+1))
	k.put("too-large", "900 KB", large(900_000))
	k.put("too-large", "spaces behind 64 KiB", large(64<<10)+" ")
}

// otherForms are good events in forms that are not read.
func (k *sampleList) otherForms() {
	good := k.good()
	f := func(reason, text string) { k.put(reason, "in "+reason, text) }
	for reason, begin := range map[string]string{
		"zstd": "\x28\xb5\x2f\xfd", "lz4": "\x04\x22\x4d\x18", "snappy": "\x82SNAPPY\x00", "bzip2": "BZh9", "xz": "\xfd7zXZ\x00", "zip": "PK\x03\x04",
		"utf-8-bom": "\ufeff", "schema-registry": "\x00\x00\x00\x00\x2a", "avro": "Obj\x01", "messagepack": "\x84\xa2id", "cbor": "\xa4\x62id", "json-array": "[",
	} {
		f(reason, begin+good)
	}
	var zipped, deflated bytes.Buffer
	for _, w := range []io.WriteCloser{gzip.NewWriter(&zipped), zlib.NewWriter(&deflated)} {
		_, _ = io.WriteString(w, good)
		_ = w.Close()
	}
	f("gzip", zipped.String())
	f("zlib", deflated.String())
	f("avro", "\xc3\x01"+good)
	f("json-array", "["+good+"]")
	f("json-string", strconv.Quote(good))
	f("base64", base64.StdEncoding.EncodeToString([]byte(good)))
	f("base64", strconv.Quote(base64.StdEncoding.EncodeToString([]byte(good))))
	f("protobuf", "\x0a\x04e-1a\x12\x05click")
	f("ndjson", good+"\n"+good)
	var wide, wider []byte
	for _, unit := range utf16.Encode([]rune(good)) {
		wide, wider = binary.BigEndian.AppendUint16(wide, unit), binary.LittleEndian.AppendUint32(wider, uint32(unit))
	}
	f("utf-16", string(wide))
	f("utf-16", "\xfe\xff"+string(wide))
	f("utf-32", string(wider))
}

// withoutTimestamp are good events in records without a Kafka timestamp.
func (k *sampleList) withoutTimestamp() {
	for range 3 {
		k.put("no-timestamp", "no timestamp", k.good())
		k.list[len(k.list)-1].untimed = true
	}
}

func (k *sampleList) needed() {
	for _, name := range []string{"id", "time", "type"} {
		k.instead("missing", name, "")
		k.instead("missing", name, `"`+name+`":null`)
		k.instead("missing", name, `"`+strings.ToUpper(name)+`":"x"`)
		for _, value := range []string{"5", "true", "{}", "[]", `["x"]`} {
			k.instead("wrong-type", name, `"`+name+`":`+value)
		}
	}
	k.put("missing", "nothing in it", "{}")
	k.instead("out-of-range", "id", `"id":""`)
	k.instead("out-of-range", "id", `"id":"`+strings.Repeat("x", 129)+`"`)
	k.instead("out-of-range", "id", `"id":"`+strings.Repeat("\u00e9", 65)+`"`)
	k.instead("", "id", `"id":"`+strings.Repeat("x", 128)+`"`)
	k.instead("", "id", `"id":"`+strings.Repeat(`\u00e9`, 64)+`"`)
	k.instead("out-of-range", "type", `"type":""`)
	k.instead("out-of-range", "type", `"type":"`+strings.Repeat("x", 65)+`"`)
	k.instead("", "type", `"\u0074ype":"clic\u006b"`)
}

func (k *sampleList) times() {
	f := func(reason string, texts ...string) {
		for _, text := range texts {
			k.instead(reason, "time", `"time":"`+text+`"`)
		}
	}
	f("time", "", "now", "1767225600", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01t00:00:00Z", "2026-01-01T00:00:00z",
		"2026-01-01 00:00:00Z", "2026-01-01T00:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z",
		"2026-01-01T00:00:00.5", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
		"2026-01-01T00:00:00+0800", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+08:60", "2026-01-01T00:00:00+08",
		"12026-01-01T00:00:00Z", "26-01-01T00:00:00Z", "-026-01-01T00:00:00Z", "2026-1-1T00:00:00Z", " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z ",
		"2026-01-01T00:00:00Zulu", "Thu, 01 Jan 2026 00:00:00 GMT")
	f("out-of-range", "1677-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "1678-01-01T00:00:00+00:01")
	f("", "2026-01-01T00:00:00.123456789Z", "2026-01-01T08:00:00+08:00", "2025-12-31T23:59:59.9-00:00", "2024-02-29T00:00:00Z",
		"1678-01-01T00:00:00Z") // the last is late for every window, and no less an event
}

func (k *sampleList) texts() {
	for name, most := range map[string]int{
		"account": 256, "content": 256, "group": 256, "site": 256, "recipient": 256, "media": 32, "category": 64,
	} {
		k.with("out-of-range", `"`+name+`":""`)
		k.with("out-of-range", `"`+name+`":"`+strings.Repeat("x", most+1)+`"`)
		k.with("wrong-type", `"`+name+`":7`)
		k.with("wrong-type", `"`+name+`":["x"]`)
		k.with("", `"`+name+`":null`)
		k.with("", `"`+name+`":"`+strings.Repeat("x", most)+`"`)
	}
	k.instead("out-of-range", "incident", `"incident":"`+strings.Repeat("x", 257)+`"`)
	for _, text := range []string{"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "a\xfez"} {
		k.with("utf8", `"media":"`+text+`"`)
		k.with("utf8", `"note":"`+text+`"`)
		k.with("utf8", `"`+text+`":1`)
		k.with("utf8", `"note":[{"deep":"`+text+`"}]`)
	}
	for _, text := range []string{`\ud800`, `\udc00`, `\ud800x`, `\ud800\u0041`, `\udc00\ud800`, `\ud83d\ud83d\ude00`} {
		k.with("surrogate", `"media":"`+text+`"`)
		k.with("surrogate", `"note":"`+text+`"`)
		k.with("surrogate", `"`+text+`":1`)
	}
	for _, text := range []string{"\n", "\t", "\x00", "\x1f", `\x41`, `\u12`, `\u12g4`, `\`, `\'`, `\U0041`} {
		k.with("syntax", `"media":"`+text+`"`)
		k.with("syntax", `"note":"`+text+`"`)
	}
	k.with("", `"media":"\ud83d\ude00 \u0000 \" \\ \/ \b\f\n\r\t"`)
	k.with("", `"note":{"a":[1,-2.5e+3,true,false,null,"x"],"a":2},"note":3`)
}

func (k *sampleList) numbers() {
	most := map[string]int64{"count": 1e12, "members": 1e12, "followers": 1e12, "records": 1e12, "amount": 1e15}
	for _, name := range slices.Sorted(maps.Keys(most)) {
		f := func(reason string, values ...string) {
			for _, v := range values {
				k.with(reason, `"`+name+`":`+v)
			}
		}
		f("out-of-range", fmt.Sprint(most[name]+1), "9223372036854775808", strings.Repeat("9", 400))
		f("wrong-type", `"5"`, "true", "{}", "[]", "1.5", "1.0", "1e3", "1E0", "-1", "-0")
		f("syntax", "01", "1.", "1e", "--1", "1.e5", "1x10")
		f("", "null")
		if name != "count" {
			f("", "0", fmt.Sprint(most[name]))
		}
	}
	k.with("out-of-range", `"count":0`)
	k.with("syntax", `"count":+1`)
	k.with("syntax", `"count":.5`)
	k.with("syntax", `"count":NaN`)
	k.with("syntax", `"count":Infinity`)
	k.with("syntax", `"count":5d`)
	k.with("syntax", `"note":01`)
	k.with("syntax", `"note":-`)
	k.with("syntax", `"note":nul`)
	k.with("syntax", `"note":True`)
	k.with("", `"count":1`)
}

func (k *sampleList) twice() {
	k.with("duplicate-member", `"id":"again"`)
	k.with("duplicate-member", `"id":null`)
	k.with("duplicate-member", `"\u0069d":"again"`)
	k.with("duplicate-member", `"time":"`+sampleTime+`"`)
	k.with("duplicate-member", `"type":"click"`)
	k.with("duplicate-member", `"incident":"again"`)
	for _, name := range []string{"account", "content", "group", "site", "recipient", "media", "category"} {
		k.with("duplicate-member", `"`+name+`":"x","`+name+`":"x"`)
		k.with("duplicate-member", `"`+name+`":null,"`+name+`":"x"`)
	}
	for _, name := range []string{"count", "members", "followers", "records", "amount"} {
		k.with("duplicate-member", `"`+name+`":1,"`+name+`":1`)
	}
}

func (k *sampleList) nesting() {
	deep := func(open, end string, n int) string { return strings.Repeat(open, n) + "1" + strings.Repeat(end, n) }
	k.with("", `"note":`+deep("[", "]", 63))
	k.with("depth", `"note":`+deep("[", "]", 64))
	k.with("depth", `"note":`+deep(`{"a":`, "}", 64))
	k.with("depth", `"note":`+strings.Repeat("[", 60_000))
	k.with("depth", `"incident2":`+deep(`[{"a":`, "}]", 5_000))
	k.with("syntax", `"note":[1,2`)
	k.with("syntax", `"note":[1 2]`)
	k.with("syntax", `"note":{"a":1]`)
	k.with("syntax", `"note":[1,]`)
	k.with("syntax", `"note":{1:2}`)
}

// binaryEvents are CloudEvents whose attributes are headers.
func (k *sampleList) binaryEvents() {
	f := func(reason, name, value string, change ...string) {
		set := []string{"ce_specversion", "1.0", "ce_id", "c" + strconv.Itoa(len(k.list)), "ce_source", "/s", "ce_type", "click", "ce_time", sampleTime}
		for i := 0; i < len(change); i += 2 {
			if at := slices.Index(set, change[i]); at >= 0 && change[i+1] == "" {
				set = slices.Delete(set, at, at+2)
			} else if at >= 0 {
				set[at+1] = change[i+1]
			} else {
				set = append(set, change[i], change[i+1])
			}
		}
		k.put(reason, "binary: "+name, value, set...)
	}
	const bare = `{"incident":"counted"}`
	f("", "all from the envelope", bare)
	f("", "the event's own", k.good())
	f("", "the event's own, no ce_time", k.good(), "ce_time", "")
	f("", "data type", bare, "content-type", "application/json; charset=utf-8")
	f("", "data type of another's", bare, "content-type", "application/vnd.x+json")
	f("missing", "no ce_specversion", bare, "ce_specversion", "")
	f("", "no ce_specversion, an event all the same", k.good(), "ce_specversion", "")
	for _, name := range []string{"ce_id", "ce_source", "ce_type"} {
		f("cloudevents", "no "+name, k.good(), name, "")
	}
	f("utf8", "bad version", k.good(), "ce_specversion", "\xff")
	for _, name := range []string{"ce_id", "ce_source", "ce_type", "ce_time"} {
		f("utf8", "bad "+name, bare, name, "\xff")
		f("", "bad "+name+", not needed", k.good(), name, "\xff")
	}
	f("missing", "no time at all", bare, "ce_time", "")
	f("cloudevents", "version 0.3", k.good(), "ce_specversion", "0.3")
	f("cloudevents", "version 2", k.good(), "ce_specversion", "2.0")
	f("", "data type of bytes", k.good(), "content-type", "application/octet-stream")
	f("syntax", "XML inside", "<incident/>", "content-type", "text/xml")
	f("", "called protobuf", k.good(), "content-type", "application/cloudevents+protobuf")
	f("json-array", "a batch", "["+k.good()+"]", "content-type", "application/cloudevents-batch+json")
	f("out-of-range", "long id", bare, "ce_id", strings.Repeat("x", 129))
	f("out-of-range", "long type", bare, "ce_type", strings.Repeat("x", 65))
	f("out-of-range", "long source", bare, "ce_source", strings.Repeat("x", 1025))
	f("time", "bad time", bare, "ce_time", "yesterday")
	f("out-of-range", "early time", bare, "ce_time", "1066-10-14T09:00:00Z")
	f("empty", "no bytes", "")
	f("syntax", "cut off", bare[:9])
	f("json-array", "an array", "[]")
	f("trailing", "two", bare+bare)
	f("utf8", "bad text inside", `{"incident":"`+"\xff"+`"}`)
	f("", "bad extension", bare, "ce_other", "\xff\xff")
	f("", "the structured form", `{"specversion":"1.0","id":"in","source":"/s","type":"click","time":"`+sampleTime+`","data":`+bare+"}", "ce_id", "")
	f("out-of-range", "empty incident", `{"incident":""}`)
	k.put("duplicate-member", "binary: two ids", bare, "ce_specversion", "1.0", "ce_id", "a", "ce_id", "b", "ce_source", "/s", "ce_type", "click", "ce_time", sampleTime)
	k.put("", "two content types", bare, "ce_specversion", "1.0", "ce_id", "types", "ce_source", "/s", "ce_type", "click", "ce_time", sampleTime,
		"content-type", "application/json", "Content-Type", "text/plain")
	k.put("", "one header alone", k.good(), "ce_id", "1")
	k.put("", "one header twice", k.good(), "ce_time", "1", "ce_time", "\xff", "ce_type", "")
	k.put("", "a header that means nothing", k.good(), "trace", "\xff", "", "")
}

// structuredEvents are CloudEvents in one JSON object.
func (k *sampleList) structuredEvents() {
	f := func(reason, name, members string) {
		header := []string{"content-type", "application/cloudevents+json; charset=UTF-8"}
		switch len(k.list) % 3 { // it tells nothing
		case 1:
			header = nil
		case 2:
			header[1] = "application/json"
		}
		k.put(reason, "structured: "+name, "{"+members+"}", header...)
	}
	id := func() string { k.made++; return fmt.Sprintf(`"specversion":"1.0","id":"s%d","source":"/s"`, k.made) }
	const rest = `,"type":"click","time":"` + sampleTime + `"`
	const bare = `{"incident":"counted"}`
	encoded := func(s string) string { return `,"data_base64":"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"` }
	f("", "all from the envelope", id()+rest+`,"data":`+bare)
	f("", "base64", id()+rest+encoded(bare))
	f("", "members in another order", `"data":`+bare+","+id()+rest)
	f("", "nulls and extensions", id()+rest+`,"subject":null,"x":{"y":[1]},"data_base64":null,"data":`+bare)
	f("missing", "no version", `"source":"/s","data":`+bare+rest)
	f("cloudevents", "no id", `"specversion":"1.0","source":"/s","data":`+bare+rest)
	f("missing", "no source", `"specversion":"1.0","data":`+bare+rest)
	f("cloudevents", "no type", id()+`,"time":"`+sampleTime+`","data":`+bare)
	f("cloudevents", "empty source", `"specversion":"1.0","id":"1","source":"","data":`+bare+rest)
	f("cloudevents", "other version", `"specversion":"0.3","id":"1","source":"/s","data":`+bare+rest)
	f("wrong-type", "version a number", `"specversion":1.0,"id":"1","source":"/s","data":`+bare+rest)
	f("cloudevents", "no data", id()+rest)
	f("cloudevents", "data null", id()+rest+`,"data":null`)
	f("cloudevents", "data twice over", id()+rest+`,"data":`+bare+encoded(bare))
	f("wrong-type", "data a string", id()+rest+`,"data":"text"`)
	f("wrong-type", "data a string of JSON", id()+rest+`,"data":"{}"`)
	f("wrong-type", "data an array", id()+rest+`,"data":[]`)
	f("cloudevents", "no base64", id()+rest+`,"data_base64":"*"`)
	f("cloudevents", "base64 for URLs", id()+rest+`,"data_base64":"e30_-w=="`)
	f("cloudevents", "base64 without padding", id()+rest+`,"data_base64":"e30"`)
	f("cloudevents", "base64 in lines", id()+rest+`,"data_base64":"e3\n0="`)
	f("empty", "base64 of nothing", id()+rest+`,"data_base64":""`)
	f("syntax", "base64 of half an event", id()+rest+encoded(bare[:7]))
	f("trailing", "base64 of two", id()+rest+encoded(bare+bare))
	f("duplicate-member", "two ids", id()+`,"id":"x"`+rest+`,"data":`+bare)
	f("duplicate-member", "two data", id()+rest+`,"data":`+bare+`,"data":`+bare)
	f("duplicate-member", "two incidents", id()+rest+`,"data":{"incident":"a","incident":"b"}`)
	f("missing", "no time", id()+`,"type":"click","data":`+bare)
	f("time", "bad time", id()+`,"type":"click","time":"noon","data":`+bare)
	f("out-of-range", "long id", `"specversion":"1.0","id":"`+strings.Repeat("x", 129)+`","source":"/s"`+rest+`,"data":`+bare)
	f("out-of-range", "count 0", id()+rest+`,"data":{"count":0}`)
	f("depth", "deep data", id()+rest+`,"data":{"a":`+strings.Repeat("[", 64)+strings.Repeat("]", 64)+`}`)
	f("utf8", "bad text", id()+rest+`,"data":{"incident":"`+"\xff"+`"}`)
	f("", "a plain event called one", strings.Trim(k.good(), "{}"))
	f("", "a plain event with a version", strings.Trim(k.good(), "{}")+`,"specversion":"1.0"`)
	f("", "a plain event with a source", strings.Trim(k.good(), "{}")+`,"source":"app"`)
	f("cloudevents", "a plain event with both", strings.Trim(k.good(), "{}")+`,"specversion":"1.0","source":"app"`)
	k.put("trailing", "structured: two", "{"+id()+rest+`,"data":`+bare+"}{}", "Content-Type", "APPLICATION/CLOUDEVENTS+JSON")
	k.put("empty", "structured: no bytes", "", "content-type", "application/cloudevents+json")
}

func (k *sampleList) aheadOfTime() {
	for _, d := range []time.Duration{5*time.Minute + time.Millisecond, 6 * time.Minute, time.Hour, 30 * 24 * time.Hour} {
		k.put("ahead", "ahead by "+d.String(), k.good())
		k.list[len(k.list)-1].ahead = d
	}
	k.put("", "ahead by 5 min", k.good())
	k.list[len(k.list)-1].ahead = 5 * time.Minute
	for _, text := range []string{"9999-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "2261-12-31T23:59:59-00:01", "2261-12-31T23:59:59Z", "2028-01-01T00:00:00Z"} {
		k.instead("ahead", "time", `"time":"`+text+`"`)
	}
}

// record is the Kafka record of a sample; the number is in its key.
func (x *sample) record(n, partitions int) *kgo.Record {
	at, _ := time.Parse(time.RFC3339, sampleTime)
	r := &kgo.Record{Partition: int32(n % partitions), Value: x.value, Headers: x.headers, Timestamp: at.Add(24 * time.Hour)}
	switch {
	case x.untimed:
		r.Timestamp = time.UnixMilli(-1)
	case x.ahead > 0:
		r.Timestamp = at.Add(-x.ahead)
	}
	switch n % 3 {
	case 0:
		r.Key = fmt.Appendf(nil, "key-%d", n)
	case 1:
		r.Key = []byte{}
	}
	return r
}

// TestBadRecords: each of many kinds of bad record reaches the dead-letter topic as it was, with where it came from and
// why; the good ones around them count; metrics agree.
func TestBadRecords(t *testing.T) {
	const partitions = 3
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: partitions, redis: redis.Addr()})
	list := allSamples()
	var records []*kgo.Record
	sent := make([][]*sample, partitions) // by partition and offset
	good, reasons := 0, map[string]int{}
	for i := range list {
		x := &list[i]
		records = append(records, x.record(i, partitions))
		sent[i%partitions] = append(sent[i%partitions], x)
		if x.reason == "" {
			good++
		} else {
			reasons[x.reason]++
		}
	}
	agreeWithOracle(t, list)
	d := s.start("aggregator")
	s.produce(records...)
	s.awaitDone()
	for _, reason := range event.Reasons() {
		if got := d.metric("aggregator_dead_letters_total", `reason="`+reason+`"`); got != float64(reasons[reason]) {
			t.Errorf("reason %s: %v dead letters by the metric, want %d", reason, got, reasons[reason])
		}
		if reasons[reason] == 0 && reason != event.ReasonUnreadable { // of batches: TestHostileBatches has it
			t.Errorf("no record is bad for reason %q", reason)
		}
	}
	for result, want := range map[string]int{"matched": good, "malformed": len(list) - good - reasons["ahead"], "ahead": reasons["ahead"], "duplicate": 0, "unmatched": 0} {
		if got := d.metric("aggregator_events_total", `result="`+result+`"`); got != float64(want) {
			t.Errorf("%s: %v events by the metric, want %d", result, got, want)
		}
	}
	d.Stop()
	t.Logf("%d kinds of record, %d of them bad: %v", len(list), len(list)-good, reasons)
	checkLetters(t, s, sent)
	counts := strings.Join(s.counts(redis.Addr()), "\n")
	// One good event is too old for every window.
	if !strings.Contains(counts, fmt.Sprintf(`"clicks":{"value":%d,`, good-1)) {
		t.Errorf("good events in time: %d; counts:\n%s", good-1, counts)
	}
}

// agreeWithOracle has the oracle judge what has no headers.
func agreeWithOracle(t *testing.T, list []sample) {
	t.Helper()
	o, err := oracle.New([]byte(packText(t, defaultPack)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		x := &list[i]
		if len(x.headers) > 0 {
			continue
		}
		before := o.Results()
		o.Apply(x.value, x.record(i, 1).Timestamp.UnixMilli())
		after := o.Results()
		malformed, ahead := after.Malformed > before.Malformed, after.Ahead > before.Ahead
		if ahead != (x.reason == "ahead") || malformed != (x.reason != "" && x.reason != "ahead") {
			t.Errorf("%s: oracle: malformed %v, ahead %v; the test wants reason %q", x.name, malformed, ahead, x.reason)
		}
	}
}

// checkLetters holds the dead letters against what was sent.
func checkLetters(t *testing.T, s *site, sent [][]*sample) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range s.read(s.dead) {
		n := len(r.Headers) - 6
		if n < 0 {
			t.Errorf("a dead letter with %d headers: %q", len(r.Headers), r.Value)
			continue
		}
		added := map[string]string{}
		for _, h := range r.Headers[n:] {
			added[h.Key] = string(h.Value)
		}
		partition, _ := strconv.Atoi(added["__connect.errors.partition"])
		offset, err := strconv.Atoi(added["__connect.errors.offset"])
		if err != nil || added["__connect.errors.topic"] != s.events || partition >= len(sent) || offset >= len(sent[partition]) {
			t.Errorf("a dead letter from %v", added)
			continue
		}
		x := sent[partition][offset]
		want := x.record(offset*len(sent)+partition, len(sent))
		if seen[fmt.Sprint(partition, offset)] {
			t.Errorf("%s: two dead letters", x.name)
		}
		seen[fmt.Sprint(partition, offset)] = true
		if added["aggregator.reason"] != x.reason {
			t.Errorf("%s: reason %q (%s), want %q: %s", x.name, added["aggregator.reason"], added["__connect.errors.exception.message"], x.reason, short(string(x.value)))
		}
		if added["__connect.errors.exception.message"] == "" || added["__connect.errors.stage"] == "" {
			t.Errorf("%s: no message or stage: %v", x.name, added)
		}
		if !sameBytes(r.Key, want.Key) || !sameBytes(r.Value, want.Value) || !sameHeaders(r.Headers[:n], want.Headers) {
			t.Errorf("%s: key %q, value %q, headers %v; want %q, %q, %v", x.name, r.Key, short(string(r.Value)), r.Headers[:n], want.Key, short(string(want.Value)), want.Headers)
		}
	}
	for p := range sent {
		for o, x := range sent[p] {
			if x.reason != "" && !seen[fmt.Sprint(p, o)] {
				t.Errorf("%s: no dead letter", x.name)
			}
		}
	}
}

// sameBytes keeps nil apart from empty, as Kafka does.
func sameBytes(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func sameHeaders(a, b []kgo.RecordHeader) bool {
	return slices.EqualFunc(a, b, func(x, y kgo.RecordHeader) bool { return x.Key == y.Key && sameBytes(x.Value, y.Value) })
}

// TestHugeBadRecord: a record that is too large to be written again as it is, since its producer compressed it, does
// not stop the partition.
func TestHugeBadRecord(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr()})
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Addrs()...), kgo.ProducerBatchMaxBytes(16<<20), kgo.ProducerBatchCompression(kgo.GzipCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	good := (&sampleList{}).good()
	huge := &kgo.Record{Topic: s.events, Value: bytes.Repeat([]byte("x"), 4<<20)}
	if err := client.ProduceSync(t.Context(), huge, &kgo.Record{Topic: s.events, Value: []byte(good)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	d := s.start("aggregator")
	s.awaitDone()
	d.Stop()
	if n := len(s.read(s.dead)); n != 1 {
		t.Errorf("%d dead letters", n)
	}
}
