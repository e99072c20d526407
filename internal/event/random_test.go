package event

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// random makes records that are mostly events, from pieces near every rule.
type random struct{ *rand.Rand }

func (r random) of(choices ...string) string { return choices[r.IntN(len(choices))] }

// seldom is true once in n times.
func (r random) seldom(n int) bool { return r.IntN(n) == 0 }

func (r random) space() string {
	if r.seldom(100) {
		return r.of("\v", "\u00a0")
	}
	if r.seldom(6) {
		return r.of(" ", "\n", "\t", "\r", "  ")
	}
	return ""
}

func (r random) text(most int) string {
	switch r.IntN(40) {
	case 0, 1, 2, 3:
		return strings.Repeat(r.of("a", "é", `\n`, `\u0061`, `\ud83d\ude00`), most/(1+r.IntN(6))+r.IntN(2))
	case 4:
		return r.of("", `\ud800`, `\udc00\ud800`, `\x`, "\xff", "\x1f", `\u12`, `\`, `"`, "事", "\x7f", `\"`, `\/`)
	}
	return r.of("a", "u-1", "click", "com.example.click", "incident 42", "0123456789012345")
}

func (r random) number() string {
	if r.seldom(20) {
		return r.of("-0", "-1", "01", "1.0", "1e3", "1E-2", "1.", "+1", "0", "1000000000001", "1000000000000001", "99999999999999999999", "-", "0x1")
	}
	return r.of("1", "2", "10", "1000000000000", "7")
}

func (r random) clock() string {
	if r.seldom(15) {
		return r.of("2026-02-29T00:00:00Z", "2026-11-22T10:00:60Z", "2026-11-22t10:00:00Z", "2026-11-22T10:00:00z", "2026-11-22T10:00:00",
			"2026-11-22T10:00:00.Z", "2026-11-22T10:00:00.0123456789Z", "2262-01-01T00:00:00Z", "1677-12-31T23:59:59Z", "", "-")
	}
	return r.of("2026-11-22T10:00:03Z", "2026-11-22T10:00:03.5+08:00", "1970-01-01T00:00:00-23:59", "2024-02-29T23:59:59.999999999Z",
		`2026-11-22T10:00:03\u002e120Z`)
}

func (r random) value() string {
	if r.seldom(40) {
		return r.of("nul", "[1,]", "", "True", "{1:2}", r.deep())
	}
	switch r.IntN(6) {
	case 0:
		return "[" + r.value() + "," + r.space() + r.value() + "]"
	case 1:
		return `{"` + r.text(8) + `"` + r.space() + ":" + r.value() + "}"
	case 2:
		return r.of("true", "false", "null", "[]", "{}")
	case 3:
		return `"` + r.text(300) + `"`
	}
	return r.number()
}

// deep makes arrays about as deep as may be.
func (r random) deep() string {
	n := 60 + r.IntN(6)
	return strings.Repeat("[", n) + strings.Repeat("]", n)
}

// member makes a member of an event, or of an envelope.
func (r random) member(name string) string {
	value := ""
	switch kind := memberOf([]byte(name)); {
	case r.seldom(60):
		value = r.value()
	case r.seldom(30):
		value = "null"
	case name == "data":
		value = r.object(nil)
	case name == "data_base64":
		value = `"` + base64.StdEncoding.EncodeToString([]byte(r.object(nil))) + r.of("", "", "", "", "", "", "", "", "=", `\n`) + `"`
	case name == "specversion":
		value = r.of(`"1.0"`, `"1.0"`, `"1.0"`, `"1.0"`, `"1.0"`, `"1.0"`, `"1\u002e0"`, `"0.3"`)
	case kind == memberTime:
		value = `"` + r.clock() + `"`
	case kind.isNum():
		value = r.number()
	case kind == unknown:
		value = r.value()
	default:
		value = `"` + r.text(int(specs[kind].max)) + `"`
	}
	if name != "" && r.seldom(20) {
		name = fmt.Sprintf(`\u%04x%s`, name[0], name[1:])
	}
	return `"` + name + `"` + r.space() + ":" + r.space() + value
}

// object makes an object of the names and some members of an event.
func (r random) object(names []string) string {
	names = append([]string{}, names...)
	for range r.IntN(6) {
		names = append(names, r.of("x", "ID", "", "id", "time", "type", "specversion", "source", StrNames[r.IntN(int(NumStr))], NumNames[r.IntN(int(NumNum))]))
	}
	if !r.seldom(20) {
		names = unique(names)
	}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	var parts []string
	for _, name := range names {
		parts = append(parts, r.space()+r.member(name)+r.space())
	}
	text := r.space() + "{" + strings.Join(parts, ",") + "}" + r.space()
	if r.seldom(40) {
		at := r.IntN(len(text))
		text = text[:at] + r.of("", "x", "\"", "}", ",", "\\", "\xff", text[at:]) + text[min(at+1, len(text)):]
	}
	return text
}

func unique(names []string) (once []string) {
	for _, name := range names {
		if !strings.Contains("\n"+strings.Join(once, "\n")+"\n", "\n"+name+"\n") {
			once = append(once, name)
		}
	}
	return once
}

// TestDecodeRandom compares random records with the oracle.
func TestDecodeRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := random{rand.New(rand.NewPCG(seed, 0))}
	const rounds = 10000
	accepted := 0
	count := func(ok bool) {
		if ok {
			accepted++
		}
	}
	for range rounds {
		text := r.object([]string{"id", "time", "type"})
		count(checkLine(t, []byte(text)))
		text = r.object([]string{"specversion", "id", "source", "type", "time", r.of("data", "data", "data_base64")})
		count(checkLine(t, []byte(text)))
		attrs := []string{"1.0", r.text(128), r.text(1024), r.text(64), r.clock(), r.of("-", "-", "application/json", "a/b+JSON ; c", "-", "application/json; x", "text/plain"), "-"}
		attrs[r.IntN(len(attrs))] = r.of(attrs[0], attrs[0], "-", "\xff")
		twice := byte(0)
		if r.seldom(5) {
			twice = 1 << r.IntN(len(attrs))
		}
		count(checkBinary(t, attrs, twice, []byte(r.object(nil))))
		if t.Failed() {
			return
		}
	}
	if accepted < rounds/2 {
		t.Errorf("%d of %d records are events: too few to test much", accepted, 3*rounds)
	}
	t.Logf("%d of %d records are events", accepted, 3*rounds)
}
