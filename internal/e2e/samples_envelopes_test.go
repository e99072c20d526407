package e2e

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

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
		switch len(k.list) % 3 { // it shows nothing
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
