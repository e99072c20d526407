package deadletters

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// summaryJSON is a summary for programs.
type summaryJSON struct {
	Reason  string      `json:"reason"`
	Count   int64       `json:"count"`
	First   string      `json:"first"`
	Last    string      `json:"last"`
	Example exampleJSON `json:"example"`
}

// exampleJSON is the example in it. Texts of more than exampleMost bytes are cut, and end in " ...".
type exampleJSON struct {
	Place
	Letter  Place   `json:"letter"`
	Message string  `json:"message"`
	Cut     int64   `json:"value_bytes,omitempty"`
	Key     *string `json:"key,omitempty"`
	KeyRaw  *[]byte `json:"key_base64,omitempty"`
	Text    *string `json:"value,omitempty"`
	Raw     *[]byte `json:"value_base64,omitempty"`
}

// AppendJSON appends the summary as a JSON object. Nothing in it acts on a terminal.
func (s *Summary) AppendJSON(dst []byte) []byte {
	e := &s.Example
	x := summaryJSON{
		Reason: s.Reason, Count: s.Count, First: stamp(s.First), Last: stamp(s.Last),
		Example: exampleJSON{Place: e.Origin, Letter: e.At, Message: e.Message, Cut: e.Cut},
	}
	x.Example.Key, x.Example.KeyRaw = textOrBytes(e.Key)
	x.Example.Text, x.Example.Raw = textOrBytes(e.Value)
	return thresholds.AppendShown(dst, marshal(&x))
}

// AppendText appends the summary as lines for people. Nothing in it acts on a terminal.
func (s *Summary) AppendText(dst []byte) []byte {
	e := &s.Example
	dst = fmt.Appendf(dst, "%s: %s, first %s, last %s\n", Shown(s.Reason), humanize.Number(int(s.Count)), stamp(s.First), stamp(s.Last))
	dst = fmt.Appendf(dst, "  newest:  %s (dead letter %s)\n", e.Origin.shown(), e.At.shown())
	dst = fmt.Appendf(dst, "  message: %s\n", plain(e.Message))
	if e.Key != nil {
		dst = fmt.Appendf(dst, "  key:     %s\n", Shown(string(e.Key)))
	}
	switch {
	case e.Value != nil:
		dst = fmt.Appendf(dst, "  value:   %s\n", plain(string(e.Value)))
	case e.Cut > 0:
		dst = fmt.Appendf(dst, "  value:   left out, %s bytes\n", humanize.Number(int(e.Cut)))
	default:
		dst = append(dst, "  value:   null\n"...)
	}
	return dst
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }

func (p *Place) shown() string {
	if p.Topic == "" {
		return "unknown"
	}
	return fmt.Sprintf("%s/%d/%d", Shown(p.Topic), p.Partition, p.Offset)
}

// Shown is a text as it is if it can only be read as one word, otherwise in quotes.
func Shown(s string) string { return string(thresholds.AppendPlain(nil, s)) }

// plain is a text for a line of its own: as it is, with what acts on a terminal escaped and bytes that are not UTF-8 replaced. A
// backslash is doubled where anything is escaped.
func plain(s string) string {
	quoted := string(thresholds.AppendShown(nil, marshal(strings.ToValidUTF8(s, "\uFFFD"))))
	inner := quoted[1 : len(quoted)-1]
	if unquoted := strings.ReplaceAll(strings.ReplaceAll(inner, `\"`, `"`), `\\`, `\`); unquoted == s {
		return s
	}
	return inner
}
