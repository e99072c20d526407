package deadletters

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// line is a dead letter as a line of JSON: it is written, repaired by somebody, and read again. What is text stands as text.
// Other bytes stand as base64, in a member of their own. Without either the key, or the value, is Kafka's null.
type line struct {
	Reason  string `json:"reason"`
	Message string `json:"message,omitempty"`
	Time    string `json:"time,omitempty"` // when it was refused
	Place          // where it was refused
	Letter  *Place `json:"letter,omitempty"`      // where the dead letter is
	Cut     int64  `json:"value_bytes,omitempty"` // of a value that was left out of the letter

	Key         *string      `json:"key,omitempty"`
	KeyBytes    *[]byte      `json:"key_base64,omitempty"`
	Headers     []headerLine `json:"headers,omitempty"`
	Value       value        `json:"value,omitempty"`
	ValueBase64 *[]byte      `json:"value_base64,omitempty"`
}

// headerLine is a header of it.
type headerLine struct {
	Name   string  `json:"name"`
	Text   *string `json:"value,omitempty"`
	Base64 *[]byte `json:"value_base64,omitempty"`
}

// value is the JSON of a record's value: an object as it is, so that it is easily edited, or a string that has its text.
type value = json.RawMessage

// AppendLine appends the letter as a line, with its end. Nothing in it acts on a terminal.
func (l *Letter) AppendLine(dst []byte) []byte {
	x := line{
		Reason: l.Reason, Message: l.Message, Time: l.Time.Format(time.RFC3339Nano), Place: l.Origin, Letter: &l.At, Cut: l.Cut,
	}
	x.Key, x.KeyBytes = textOrBytes(l.Key)
	for _, h := range l.Headers {
		y := headerLine{Name: string(h.Key)}
		y.Text, y.Base64 = textOrBytes(h.Value)
		x.Headers = append(x.Headers, y)
	}
	switch text, other := textOrBytes(l.Value); {
	case text != nil && isObject(l.Value):
		x.Value = l.Value
	case text != nil:
		x.Value = marshal(*text)
	default:
		x.ValueBase64 = other
	}
	return append(thresholds.AppendShown(dst, marshal(&x)), '\n')
}

// marshal is what JSON a value has, without a line's end. HTML has nothing to fear here, and people are to read it.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("BUG: no JSON: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// textOrBytes is b as text if it is UTF-8, otherwise as bytes. Both are nil for a null.
func textOrBytes(b []byte) (*string, *[]byte) {
	switch {
	case b == nil:
		return nil, nil
	case utf8.Valid(b):
		s := string(b)
		return &s, nil
	}
	return nil, &b
}

// isObject reports whether b is a whole JSON object.
func isObject(b []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{")) && json.Valid(b)
}

// parseLine reads a line again.
func parseLine(b []byte) (*Record, error) {
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("not UTF-8: write bytes that are no text as base64, in value_base64")
	}
	x := line{Place: Place{Partition: -1, Offset: -1}}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil {
		return nil, fmt.Errorf("not a line as -reason prints them: %w; an object has one line of its own, as jq -c prints it", err)
	}
	if err := d.Decode(&x); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more than one object on the line, or something after it: write one object a line")
	}
	if half := halfPair(b); half != "" {
		return nil, fmt.Errorf("%s is half of a pair, which is no text: write bytes that are no text as base64", half)
	}
	r := &Record{Origin: x.Place, Letter: x.Letter, Reason: x.Reason, Time: engine.NoTimestamp}
	if x.Time != "" {
		at, err := time.Parse(time.RFC3339Nano, x.Time)
		if err != nil {
			return nil, fmt.Errorf(`"time" says when the record was refused; leave it as it is: %w`, err)
		}
		r.Time = at.UnixMilli()
	}
	var err error
	if r.Key, err = bytesOf("key", x.Key, x.KeyBytes); err != nil {
		return nil, err
	}
	if r.Value, err = x.value(); err != nil {
		return nil, err
	}
	for _, h := range x.Headers {
		v, err := bytesOf("value of a header", h.Text, h.Base64)
		if err != nil {
			return nil, err
		}
		if name := partition.Restored(h.Name); name != "" {
			r.Headers = append(r.Headers, event.Header{Key: []byte(name), Value: v})
		}
	}
	return r, r.placed()
}

var (
	// escaped is an escape of JSON: a pair of surrogates, another character by its number, or by its letter.
	escaped = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.`)
	// surrogate is one half of a pair.
	surrogate = regexp.MustCompile(`^\\u[dD][89a-fA-F][0-9a-fA-F]{2}$`)
)

// halfPair is the first escape in JSON that is one half of a pair of surrogates; "": there is none. Decoders silently make another
// character of it, and the event would get another id.
func halfPair(b []byte) string {
	for _, e := range escaped.FindAll(b, -1) {
		if surrogate.Match(e) {
			return string(e)
		}
	}
	return ""
}

func bytesOf(what string, text *string, other *[]byte) ([]byte, error) {
	switch {
	case text != nil && other != nil:
		return nil, fmt.Errorf("%s: both as text and as base64; leave one out", what)
	case text != nil:
		return []byte(*text), nil
	case other != nil:
		return *other, nil
	}
	return nil, nil
}

// value is the record's value: the text of a string, and any other JSON as it stands in the line.
func (x *line) value() ([]byte, error) {
	there := len(x.Value) > 0 && string(x.Value) != "null"
	switch {
	case !there && x.ValueBase64 == nil && x.Cut > 0:
		return nil, fmt.Errorf("the value of %d bytes was left out of the dead letter: put the event into \"value\"", x.Cut)
	case !there:
		return bytesOf("value", nil, x.ValueBase64)
	case x.ValueBase64 != nil || x.Value[0] != '"':
		return bytesOf("value", new(string(x.Value)), x.ValueBase64)
	}
	var text string
	if err := json.Unmarshal(x.Value, &text); err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	return []byte(text), nil
}
