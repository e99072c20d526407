package event

import (
	"fmt"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		accepted(t, value, want)
	}
	f(complete(""), base(""))
	// every field
	f(`{"records":5,"amount":6,"followers":4,"members":3,"count":2,"category":"h","media":"g","recipient":"f","site":"e",`+
		`"group":"d","content":"c","account":"b","incident":"a","type":"click","time":"2026-11-22T10:00:03Z","id":"e-1"}`,
		base(` incident="a" account="b" content="c" group="d" site="e" recipient="f" media="g" category="h"`+
			` count=2 members=3 followers=4 records=5 amount=6`))
	// white space everywhere
	f("\t\r\n {\n\"id\" : \"e-1\" ,\r\"time\":\t\"2026-11-22T10:00:03Z\", \"type\":\"click\" , \"count\" : 7 }\n ", base(" count=7"))
	// a null is an absent field
	f(complete(`,"incident":null,"count":null,"members":null`), base(""))
	// unknown fields are ignored, also twice, also in any other case
	f(complete(`,"x":1,"x":{"id":[true,false,null,-1.5e+3,""]},"ID":"other","Count":9,"":0`), base(""))
	// names are compared after unescaping
	f(`{"\u0069d":"e-1","tim\u0065":"2026-11-22T10:00:03Z","type":"click"}`, base(""))
}

func TestDecodeNotAnObject(t *testing.T) {
	f := func(value, reason, message string) {
		t.Helper()
		refusedWith(t, value, reason, message)
	}
	f("", ReasonEmpty, "the value is empty; send one event, a JSON object")
	f(" \n", ReasonSyntax, "the JSON ends too early; send the whole object (byte 2)")
	f(`"text"`, ReasonWrongType, "a string is not an event; send a JSON object (byte 0)")
	f("null", ReasonWrongType, "null is not an event; send a JSON object (byte 0)")
	f("-1", ReasonWrongType, "a number is not an event; send a JSON object (byte 0)")
	f("true", ReasonWrongType, "true or false is not an event; send a JSON object (byte 0)")
	f("id=e-1", ReasonSyntax, "no JSON value begins here (byte 0)")
	f("nonsense", ReasonSyntax, "no JSON value begins here (byte 0)")
}

func TestDecodeSize(t *testing.T) {
	pad := strings.Repeat(" ", MaxSize-len(complete("")))
	accepted(t, complete("")+pad, base(""))
	refusedWith(t, complete("")+pad+" ", ReasonTooLarge, "the value is larger than 65,536 bytes; send less in one event")
}

func TestDecodeDuplicateMember(t *testing.T) {
	f := func(further, message string) {
		t.Helper()
		refusedWith(t, complete(further), ReasonDuplicate, message)
	}
	f(`,"id":"e-1"`, "id: given twice; send it once (byte 57)")
	f(`,"type":"click"`, "type: given twice; send it once (byte 57)")
	f(`,"time":"2026-11-22T10:00:03Z"`, "time: given twice; send it once (byte 57)")
	// also where one of the two is null
	f(`,"count":null,"count":1`, "count: given twice; send it once (byte 70)")
	f(`,"group":"g","group":null`, "group: given twice; send it once (byte 69)")
	// also where one of the two is written with an escape
	f(`,"amount":1,"\u0061mount":1`, "amount: given twice; send it once (byte 68)")
	for m := range unknown {
		value := `{"` + m.name() + `":null,"` + m.name() + `":null}`
		refusedWith(t, value, ReasonDuplicate, fmt.Sprintf("%s: given twice; send it once (byte %d)", m.name(), len(m.name())+9))
	}
}

func TestDecodeMissing(t *testing.T) {
	f := func(value, message string) {
		t.Helper()
		refusedWith(t, value, ReasonMissing, message)
	}
	const id = "id: absent or null; send a string of 1 to 128 bytes"
	const clock = "time: absent or null; send an RFC 3339 time such as 2026-11-22T10:00:03Z"
	const kind = "type: absent or null; send a string of 1 to 64 bytes"
	f("{}", id)
	f(" { } ", id)
	f(`{"time":"2026-11-22T10:00:03Z","type":"click"}`, id)
	f(`{"id":null,"time":"2026-11-22T10:00:03Z","type":"click"}`, id)
	f(`{"id":"e-1","type":"click"}`, clock)
	f(`{"id":"e-1","time":null,"type":"click"}`, clock)
	f(`{"id":"e-1","time":"2026-11-22T10:00:03Z"}`, kind)
	f(`{"id":"e-1","time":"2026-11-22T10:00:03Z","type":null}`, kind)
	// the time of the event before is not this one's, nor is 1970 no time
	var d Decoder
	var e Event
	if err := d.Decode(&e, []byte(complete(""))); err != nil {
		t.Fatal(err)
	}
	wantMalformed(t, "second", d.Decode(&e, []byte(`{"id":"e-1","type":"click"}`)), ReasonMissing, clock)
	accepted(t, `{"id":"e-1","time":"1970-01-01T00:00:00Z","type":"click"}`, `id="e-1" source="" type="click" time=0 count=1`)
}

func TestDecodeWrongType(t *testing.T) {
	f := func(further, message string) {
		t.Helper()
		refusedWith(t, complete(further), ReasonWrongType, message)
	}
	f(`,"account":13800138000`, "account: a number is not a string of 1 to 256 bytes (byte 67)")
	f(`,"media":{}`, "media: an object is not a string of 1 to 32 bytes (byte 65)")
	f(`,"category":["x"]`, "category: an array is not a string of 1 to 64 bytes (byte 68)")
	f(`,"site":false`, "site: true or false is not a string of 1 to 256 bytes (byte 64)")
	f(`,"count":"1"`, "count: a string is not an integer from 1 to 1,000,000,000,000 (byte 65)")
	f(`,"amount":[]`, "amount: an array is not an integer from 0 to 1,000,000,000,000,000 (byte 66)")
	refusedWith(t, `{"time":1795341603}`, ReasonWrongType, "time: a number is not an RFC 3339 time such as 2026-11-22T10:00:03Z (byte 8)")
	refusedWith(t, `{"id":7}`, ReasonWrongType, "id: a number is not a string of 1 to 128 bytes (byte 6)")
}

// TestDecodeLimits tries each text at its limits, in bytes of UTF-8 as they
// are after unescaping.
func TestDecodeLimits(t *testing.T) {
	f := func(name string, most int) {
		t.Helper()
		value := func(text string) string {
			whole := map[string]string{"id": "e-1", "type": "click"}
			whole[name] = text
			out := fmt.Sprintf(`{"time":"2026-11-22T10:00:03Z","id":"%s","type":"%s"`, whole["id"], whole["type"])
			if name != "id" && name != "type" {
				out += fmt.Sprintf(`,"%s":"%s"`, name, text)
			}
			return out + "}"
		}
		var d Decoder
		var e Event
		for _, text := range []string{
			"a", "\\u0000", strings.Repeat("a", most), strings.Repeat("a", most-3) + "事",
			strings.Repeat(`\n`, most), strings.Repeat(`\u0061`, most-4) + `\ud83d\ude00`,
		} {
			if err := d.Decode(&e, []byte(value(text))); err != nil {
				t.Errorf("%s of %d bytes as written: %v", name, len(text), err)
			}
		}
		for _, text := range []string{
			"", strings.Repeat("a", most+1), strings.Repeat("a", most-2) + "事",
			strings.Repeat(`\n`, most+1), strings.Repeat(`\u0061`, most-3) + `\ud83d\ude00`,
		} {
			bad, ok := d.Decode(&e, []byte(value(text))).(*Malformed)
			if !ok || bad.Reason != ReasonOutOfRange || bad.Member != name {
				t.Errorf("%s of %d bytes as written: %v, want %s", name, len(text), bad, ReasonOutOfRange)
			}
		}
	}
	f("id", 128)
	f("type", 64)
	for _, name := range []string{"incident", "content", "group", "site", "account", "recipient"} {
		f(name, 256)
	}
	f("media", 32)
	f("category", 64)
	refusedWith(t, complete(`,"group":""`), ReasonOutOfRange, "group: a string of 0 bytes is not a string of 1 to 256 bytes (byte 65)")
}

func TestDecodeTrailing(t *testing.T) {
	f := func(further string) {
		t.Helper()
		const message = "something follows the object; send one event in a record (byte %d)"
		refusedWith(t, complete("")+"\n"+further, ReasonTrailing, fmt.Sprintf(message, len(complete(""))+1))
	}
	f("}")
	f("x")
	f(",")
	f("\x00")
	f("\xff")
	f("0")
	refusedWith(t, complete("")+" {}", ReasonTrailing, "something follows the object; send one event in a record (byte 58)")
	refusedWith(t, complete("")+"\r\n{}", ReasonLines, "another object follows on a line of its own, as NDJSON has it; send one event in a record (byte 59)")
}

func TestDecodeSyntax(t *testing.T) {
	f := func(further, message string) {
		t.Helper()
		refusedWith(t, complete(further), ReasonSyntax, message)
	}
	f(`,`, "a member's name in double quotes is expected here (byte 57)")
	f(`,,"a":1`, "a member's name in double quotes is expected here (byte 57)")
	f(`,a:1`, "a member's name in double quotes is expected here (byte 57)")
	f(`,'a':1`, "a member's name in double quotes is expected here (byte 57)")
	f(` "a":1`, "a comma or the closing bracket is expected here (byte 57)")
	f(`,"a" 1`, "a colon is expected here, after the member's name (byte 61)")
	f(`,"count",1`, "a colon is expected here, after the member's name (byte 64)")
	f(`,"count":}`, "count: no JSON value begins here (byte 65)")
	f(`,"group":g`, "group: no JSON value begins here (byte 65)")
	f(`,"group":nul`, "group: no JSON value begins here (byte 65)")
	f(`,"group":nullx`, "a comma or the closing bracket is expected here (byte 69)")
	f(`,"a":tru`, "no JSON value begins here (byte 61)")
	f(`,"a":False`, "no JSON value begins here (byte 61)")
	f(`,"a":NaN`, "no JSON value begins here (byte 61)")
	f(`,"a":[1,]`, "no JSON value begins here (byte 64)")
	f(`,"a":[1 2]`, "a comma or the closing bracket is expected here (byte 64)")
	f(`,"a":[1}`, "a comma or the closing bracket is expected here (byte 63)")
	f(`,"a":{"b":1]`, "a comma or the closing bracket is expected here (byte 67)")
	f(`,"a":{"b"}`, "a colon is expected here, after the member's name (byte 65)")
	f(`,"a":{1:1}`, "a member's name in double quotes is expected here (byte 62)")
	f(`,"a":/**/1`, "no JSON value begins here (byte 61)")
}

// TestDecodeTruncated cuts an event at every byte.
func TestDecodeTruncated(t *testing.T) {
	whole := complete(`,"a":[{"b":true,"c":-1.5e3},null,"\ud83d\ude00"],"count":12,"group":"事"`)
	accepted(t, whole, base(` group="事" count=12`))
	var d Decoder
	var e Event
	for n := range len(whole) {
		err := d.Decode(&e, []byte(whole[:n]))
		if err == nil {
			t.Errorf("%s is accepted", whole[:n])
		}
	}
}

func TestDecodeDepth(t *testing.T) {
	nested := func(open, inner, closing string, times int) string {
		return complete(`,"a":` + strings.Repeat(open, times) + inner + strings.Repeat(closing, times))
	}
	accepted(t, nested("[", "1", "]", 63), base(""))
	accepted(t, nested(`{"a":`, "{}", "}", 62), base(""))
	refusedWith(t, nested("[", "1", "]", 64), ReasonDepth, "nested deeper than 64 levels; send a flatter object (byte 124)")
	refusedWith(t, nested(`{"a":`, "{}", "}", 63), ReasonDepth, "nested deeper than 64 levels; send a flatter object (byte 376)")
	refusedWith(t, nested(`[{"a":`, "1", "}]", 32), ReasonDepth, "nested deeper than 64 levels; send a flatter object (byte 248)")
	refusedWith(t, `{"a":`+strings.Repeat("[", MaxSize-6), ReasonDepth, "nested deeper than 64 levels; send a flatter object (byte 68)")
}

// TestDecodeReuse fills one event again and again: nothing stays of an earlier one.
func TestDecodeReuse(t *testing.T) {
	var d Decoder
	var e Event
	f := func(value, want string) {
		t.Helper()
		if err := d.Decode(&e, []byte(value)); err != nil {
			t.Fatal(err)
		}
		if got := show(&e); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	f(complete(`,"group":"\u0067","members":5,"count":3`), base(` group="g" count=3 members=5`))
	f(complete(`,"incident":"\u0069\/1"`), base(` incident="i/1"`))
	f(complete(""), base(""))
}

// TestDecodeScratch has texts with escapes that make the scratch memory grow
// while earlier texts lie in it.
func TestDecodeScratch(t *testing.T) {
	long := strings.Repeat(`\u0061`, 256)
	want := strings.Repeat("a", 256)
	accepted(t, complete(`,"incident":"\u0069","account":"`+long+`","content":"`+long+`","group":"`+long+`","`+long+`":1`),
		base(` incident="i" account="`+want+`" content="`+want+`" group="`+want+`"`))
}

// TestDecodeRoom: what is appended to a text of the event overwrites nothing.
func TestDecodeRoom(t *testing.T) {
	d := Decoder{Types: map[string]string{"com.example.click": "click"}}
	var e Event
	for _, value := range []string{`{"account":"a\u0062","incident":"\/","group":"g"}`, `{"group":"g"}`} {
		if err := d.DecodeRecord(&e, []byte(value), envelopeHeaders); err != nil {
			t.Fatal(err)
		}
		for _, text := range append(e.Str[:], e.Type) {
			if len(text) != cap(text) {
				t.Errorf("%s: %q has room for %d bytes", value, text, cap(text))
			}
		}
	}
}

// TestDecodeDoesNotAllocate holds for every form, once the scratch memory has grown.
func TestDecodeDoesNotAllocate(t *testing.T) {
	f := func(name string, decode func(d *Decoder, e *Event) error) {
		t.Helper()
		d := Decoder{Types: map[string]string{"com.example.click": "click"}}
		var e Event
		allocs := testing.AllocsPerRun(100, func() {
			if err := decode(&d, &e); err != nil {
				t.Fatal(name, err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s allocates %v times an event", name, allocs)
		}
	}
	plain := []byte(complete(`,"group":"g\u0031","count":5,"x\u0031":[1,{"a":"\n"}],"\u0061mount":7`))
	f("plain", func(d *Decoder, e *Event) error { return d.Decode(e, plain) })
	f("line", func(d *Decoder, e *Event) error { return d.Decode(e, plain) })
	structured := []byte(`{"specversion":"1.0","id":"1","source":"\/a","type":"com.example.click","time":"2026-11-22T10:00:03Z",` +
		`"data_base64":"e30="}`)
	f("structured line", func(d *Decoder, e *Event) error { return d.Decode(e, structured) })
	headers := binaryHeaders("id", "1", "source", "/a", "type", "com.example.click", "time", "2026-11-22T10:00:03Z")
	empty := []byte("{}")
	f("binary", func(d *Decoder, e *Event) error { return d.DecodeRecord(e, empty, headers) })
	f("encode", func(d *Decoder, e *Event) error {
		*e = Event{ID: plain[:3]}
		var room [512]byte
		e.AppendJSON(room[:0])
		e.AppendIdentity(room[:0])
		return nil
	})
}
