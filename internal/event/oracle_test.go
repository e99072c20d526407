package event

import (
	"bytes"
	"encoding/base64"
	"io"
	"math/big"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The oracle decides what is an event by the rules of contract section 2 over
// another parser, jsontext with its strict defaults. It shares no code with the
// decoder and does not care for speed.

// pair is a member of an object: its name after unescaping, its value as written.
type pair struct {
	name  string
	value jsontext.Value
}

// parseStrictly reads a whole object, and reports whether it is one.
func parseStrictly(text []byte) (pairs []pair, ok bool) {
	if len(text) == 0 || len(text) > 65536 {
		return nil, false
	}
	// Duplicates of unknown members are allowed, so those of known ones are
	// looked for elsewhere.
	d := jsontext.NewDecoder(bytes.NewBuffer(bytes.Clone(text)), jsontext.AllowDuplicateNames(true))
	if brace, err := d.ReadToken(); err != nil || brace.Kind() != '{' {
		return nil, false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, false
		}
		p := pair{name: name.String()}
		value, err := d.ReadValue()
		if err != nil {
			return nil, false
		}
		p.value = value.Clone()
		pairs = append(pairs, p)
	}
	if brace, err := d.ReadToken(); err != nil || brace.Kind() != '}' {
		return nil, false
	}
	_, err := d.ReadToken()
	return pairs, err == io.EOF
}

// depthOf counts the levels of a value: 0 for a value that is no container.
func depthOf(value jsontext.Value) (deepest int) {
	d := jsontext.NewDecoder(bytes.NewBuffer(value.Clone()), jsontext.AllowDuplicateNames(true))
	for {
		if _, err := d.ReadToken(); err != nil {
			return deepest
		}
		deepest = max(deepest, d.StackDepth())
	}
}

// given returns the members that are known and not null, unless one is given
// twice.
func given(pairs []pair, known string) (map[string]jsontext.Value, bool) {
	all := map[string]jsontext.Value{}
	for _, p := range pairs {
		if !strings.Contains(" "+known+" ", " "+p.name+" ") || p.name == "" || strings.Contains(p.name, " ") {
			continue
		}
		if _, twice := all[p.name]; twice {
			return nil, false
		}
		all[p.name] = p.value
	}
	for name, value := range all {
		if string(value) == "null" {
			delete(all, name)
		}
	}
	return all, true
}

// textOf returns what a JSON string stands for, and whether the value is one.
func textOf(value jsontext.Value) (string, bool) {
	if value.Kind() != '"' {
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, value)
	return string(text), err == nil
}

var (
	integers = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
	times    = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)
)

// timeOf reads a time by the library.
func timeOf(text string) (int64, bool) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !times.MatchString(text) || t.UTC().Year() < 1678 || t.UTC().Year() > 2261 {
		return 0, false
	}
	return t.UnixNano(), true
}

// partial is an event that may still lack what every event needs.
type partial struct {
	Event
	timed bool
}

// oracleObject applies the rules to an object that may be part of an envelope.
func oracleObject(text []byte) (p partial, ok bool) {
	pairs, ok := parseStrictly(text)
	if !ok || depthOf(text) > 64 {
		return p, false
	}
	known := "id time type " + strings.Join(StrNames[:], " ") + " " + strings.Join(NumNames[:], " ")
	all, ok := given(pairs, known)
	p.Num[Count], p.Has = 1, 1<<Count
	for name, value := range all {
		ok = ok && p.put(name, value)
	}
	return p, ok
}

func (p *partial) put(name string, value jsontext.Value) (ok bool) {
	for n := range NumNum {
		if name == NumNames[n] {
			p.Num[n], ok = integerOf(n, value)
			p.Has |= 1 << n
			return ok
		}
	}
	text, ok := textOf(value)
	return ok && p.putText(name, text)
}

func integerOf(n Num, value jsontext.Value) (int64, bool) {
	i, ok := new(big.Int).SetString(string(value), 10)
	least, most := big.NewInt(0), big.NewInt(1_000_000_000_000)
	switch n {
	case Count:
		least.SetInt64(1)
	case Amount:
		most.SetInt64(1_000_000_000_000_000)
	}
	if !ok || !integers.Match(value) || i.Cmp(least) < 0 || i.Cmp(most) > 0 {
		return 0, false
	}
	return i.Int64(), true
}

func (p *partial) putText(name, text string) (ok bool) {
	limits := map[string]int{
		"id": 128, "type": 64, "media": 32, "category": 64, "incident": 256, "account": 256,
		"content": 256, "group": 256, "site": 256, "recipient": 256,
	}
	switch name {
	case "time":
		p.Time, p.timed = timeOf(text)
		return p.timed
	case "id":
		p.ID = []byte(text)
	case "type":
		p.Type = []byte(text)
	}
	for s := range NumStr {
		if name == StrNames[s] {
			p.Str[s] = []byte(text)
		}
	}
	return len(text) >= 1 && len(text) <= limits[name]
}

// oraclePlain decides about a plain event.
func oraclePlain(text []byte) (Event, bool) {
	p, ok := oracleObject(text)
	return p.Event, ok && p.ID != nil && p.Type != nil && p.timed
}

// heading is what headers say: the attributes of a binary CloudEvent, and those given more than once.
type heading struct {
	attrs map[string]string
	twice map[string]bool
}

// headingOf reads headers.
func headingOf(headers []Header) heading {
	h := heading{attrs: map[string]string{}, twice: map[string]bool{}}
	for _, header := range headers {
		name, ours := strings.CutPrefix(string(header.Key), "ce_")
		if !ours || header.Value == nil || !strings.Contains(" specversion id source type time ", " "+name+" ") {
			continue
		}
		if _, again := h.attrs[name]; again {
			h.twice[name] = true
			continue
		}
		h.attrs[name] = string(header.Value)
	}
	return h
}

// fillFrom takes from an envelope what the event lacks.
func (p *partial) fillFrom(h heading, types map[string]string) (Event, bool) {
	attrs := h.attrs
	if attrs["specversion"] != "1.0" || h.twice["specversion"] || attrs["id"] == "" || attrs["source"] == "" || attrs["type"] == "" {
		return p.Event, false
	}
	ok := true
	use := func(name string) string {
		ok = ok && !h.twice[name] && utf8.ValidString(attrs[name])
		return attrs[name]
	}
	if p.ID == nil {
		ok = p.putText("id", use("id")) && ok
		p.Source = []byte(use("source"))
		ok = ok && len(p.Source) <= 1024
	}
	if p.Type == nil {
		kind := use("type")
		if ours, mapped := types[kind]; mapped {
			kind = ours
		}
		ok = p.putText("type", kind) && ok
	}
	if !p.timed {
		ok = p.putText("time", use("time")) && ok
	}
	return p.Event, ok
}

// oracleStructured decides about a structured CloudEvent.
func oracleStructured(text []byte, types map[string]string) (e Event, ok bool) {
	pairs, ok := parseStrictly(text)
	if !ok {
		return e, false
	}
	for _, p := range pairs {
		if p.name != "data" && depthOf(p.value) > 63 {
			return e, false
		}
	}
	const names = "specversion id source type time datacontenttype"
	all, ok := given(pairs, names+" data data_base64")
	if !ok {
		return e, false
	}
	attrs := map[string]string{}
	for _, name := range strings.Fields(names + " data_base64") {
		if value, present := all[name]; present {
			if attrs[name], ok = textOf(value); !ok {
				return e, false
			}
		}
	}
	data, ok := dataOf(all["data"], attrs)
	if !ok {
		return e, false
	}
	p, ok := oracleObject(data)
	if !ok {
		return e, false
	}
	return p.fillFrom(heading{attrs: attrs}, types)
}

// dataOf returns the event in an envelope.
func dataOf(data jsontext.Value, attrs map[string]string) ([]byte, bool) {
	text, encoded := attrs["data_base64"]
	if encoded == (data != nil) {
		return nil, false
	}
	if !encoded {
		return data, true
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	return decoded, err == nil && base64.StdEncoding.EncodeToString(decoded) == text
}

// isWrapped reports whether a value is a structured CloudEvent: an object in which a specversion
// and a source are not null.
func isWrapped(text []byte) bool {
	pairs, ok := parseStrictly(text)
	there := map[string]bool{}
	for _, p := range pairs {
		there[p.name] = there[p.name] || string(p.value) != "null"
	}
	return ok && there["specversion"] && there["source"]
}

// oracleRecord decides about a record.
func oracleRecord(value []byte, headers []Header, types map[string]string) (Event, bool) {
	if isWrapped(value) {
		return oracleStructured(value, types)
	}
	h := headingOf(headers)
	if _, binary := h.attrs["specversion"]; !binary {
		return oraclePlain(value)
	}
	p, ok := oracleObject(value)
	if !ok {
		return p.Event, false
	}
	return p.fillFrom(h, types)
}
