package e2e

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kgo"
)

// sample is a record, with what must become of it: the reason why it is refused, or "" for an event that counts.
type sample struct {
	name, reason string
	value        []byte
	headers      []kgo.RecordHeader
	untimed      bool          // its record has no Kafka timestamp
	ahead        time.Duration // of the event's time 2026-01-01 before its Kafka timestamp; 0: the timestamp is a day later
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
	f("cloudevents-batch", `[{"specversion":"1.0","id":"in","source":"/s","type":"click","data":`+good+"}]")
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
