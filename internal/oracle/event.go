package oracle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	mostBytes = 64 << 10
	mostDepth = 64
)

// texts and numbers are the known fields with their bounds: bytes of a string, value of an integer.
var (
	texts = map[string]int{
		"id": 128, "type": 64, "incident": 256, "content": 256, "group": 256, "site": 256, "account": 256,
		"recipient": 256, "media": 32, "category": 64,
	}
	numbers = map[string][2]int64{
		"count": {1, 1e12}, "members": {0, 1e12}, "followers": {0, 1e12}, "records": {0, 1e12}, "amount": {0, 1e15},
	}
	firstTime = time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC)
	endOfTime = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC) // from then on an event is ahead, whatever its Kafka timestamp

	integer = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
	rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)
)

// event is one event. A field that is absent is in neither map, except for count, which is then 1.
type event struct {
	time    time.Time // UTC
	texts   map[string]string
	numbers map[string]int64

	identity string // by which a repeat is known
}

func (e *event) id() string   { return e.texts["id"] }
func (e *event) kind() string { return e.texts["type"] }

// decode reads an event, or an envelope of CloudEvents with one in it; an error means the record is malformed.
func decode(value []byte) (*event, error) {
	if err := sound(value); err != nil {
		return nil, err
	}
	if top := members(value); top.has("specversion") && top.has("source") {
		return unwrap(top)
	}
	if err := checkDepth(value); err != nil {
		return nil, err
	}
	e, err := decodeMembers(value)
	if err != nil {
		return nil, err
	}
	e.identity = "own " + e.id()
	return e, e.whole()
}

// sound reports whether a value is JSON at all.
func sound(value []byte) error {
	if len(value) > mostBytes {
		return errors.New("longer than 64 KiB")
	}
	if !utf8.Valid(value) || !json.Valid(value) {
		return errors.New("not a JSON value in UTF-8")
	}
	return checkEscapes(value)
}

func decodeMembers(value []byte) (*event, error) {
	e := &event{texts: map[string]string{}, numbers: map[string]int64{"count": 1}}
	return e, e.readMembers(json.NewDecoder(bytes.NewReader(value)))
}

func (e *event) whole() error {
	if e.id() == "" || e.kind() == "" || e.time.IsZero() {
		return errors.New("id, type or time is missing")
	}
	return nil
}

func (e *event) readMembers(d *json.Decoder) error {
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errors.New("not an object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return fmt.Errorf("read member name: %w", err)
		}
		name := token.(string)
		value, err := readValue(d)
		if err != nil {
			return fmt.Errorf("read member %s: %w", name, err)
		}
		if !known(name) {
			continue
		}
		if seen[name] {
			return fmt.Errorf("member %s twice", name)
		}
		seen[name] = true
		if err := e.set(name, value); err != nil {
			return fmt.Errorf("member %s: %w", name, err)
		}
	}
	return nil
}

// readValue returns a string, a json.Number, a bool or nil. It skips an array or an object and
// returns its last token.
func readValue(d *json.Decoder) (json.Token, error) {
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return token, nil
		}
	}
}

func known(name string) bool {
	_, isText := texts[name]
	_, isNumber := numbers[name]
	return isText || isNumber || name == "time"
}

func (e *event) set(name string, value json.Token) error {
	bounds, isNumber := numbers[name]
	switch v := value.(type) {
	case nil:
		return nil
	case json.Number:
		n, err := v.Int64()
		if !isNumber || err != nil || !integer.MatchString(v.String()) || n < bounds[0] || n > bounds[1] {
			return errors.New("not an integer in its range")
		}
		e.numbers[name] = n
		return nil
	case string:
		if name == "time" {
			return e.setTime(v)
		}
		if isNumber || v == "" || len(v) > texts[name] {
			return errors.New("not a string in its length")
		}
		e.texts[name] = v
		return nil
	default:
		return errors.New("of another type")
	}
}

func (e *event) setTime(s string) error {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !rfc3339.MatchString(s) {
		return errors.New("not an RFC 3339 time")
	}
	if t.Before(firstTime) {
		return errors.New("out of range")
	}
	e.time = t.UTC()
	return nil
}

// checkEscapes refuses lone surrogates in valid JSON.
func checkEscapes(value []byte) error {
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' {
			continue
		}
		skip, ok := escape(value[i:])
		if !ok {
			return errors.New("lone surrogate")
		}
		i += skip - 1
	}
	return nil
}

// checkDepth refuses deep nesting in valid JSON.
func checkDepth(value []byte) error {
	d := json.NewDecoder(bytes.NewReader(value))
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return nil
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			if depth++; depth > mostDepth {
				return errors.New("nested too deep")
			}
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
}

// escape returns the length of the escape at the start of s; a pair of surrogates is one escape, and one alone is not ok.
func escape(s []byte) (length int, ok bool) {
	if s[1] != 'u' {
		return 2, true
	}
	first, _ := strconv.ParseUint(string(s[2:6]), 16, 16)
	if first < 0xD800 || first > 0xDFFF {
		return 6, true
	}
	if first > 0xDBFF || len(s) < 12 || s[6] != '\\' || s[7] != 'u' {
		return 0, false
	}
	second, _ := strconv.ParseUint(string(s[8:12]), 16, 16)
	return 12, second >= 0xDC00 && second <= 0xDFFF
}
