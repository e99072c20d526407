package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

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
