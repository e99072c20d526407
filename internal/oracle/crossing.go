package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Crossing is one record for the topic of crossings.
type Crossing struct {
	Rule, By, Subject string
	Level             string // shortest form: "1", "0.5"; "0" for a clear
	Episode           int
	Time              time.Time // UTC: the subject's T, or a clear's date

	from    time.Time // the start of the oldest bucket covered; with window all, the subject's first event
	reading reading
	level   *big.Rat // 0 for a clear
	event   string   // id; "" for a clear
}

func newCrossing(s *subject, rd reading, l level, episode int, event string) Crossing {
	from := s.first
	if c := rd.rule.limits[0].counter; c.step > 0 {
		from = c.start(c.oldest(rd.at))
	}
	return Crossing{
		Rule: rd.rule.id, By: s.by, Subject: s.id, Level: l.text, Episode: episode, Time: rd.at,
		from: from, reading: rd, level: l.rat, event: event,
	}
}

func newClear(s *subject, rd reading, episode int) Crossing {
	return newCrossing(s, rd, level{"0", new(big.Rat)}, episode, "")
}

// ID returns rule/by/subject/episode/level.
func (c Crossing) ID() string { return c.dedupKey() + "/" + c.Level }

func (c Crossing) dedupKey() string {
	return fmt.Sprintf("%s/%s/%s/%d", c.Rule, c.By, c.Subject, c.Episode)
}

func (c Crossing) isClear() bool { return c.level.Sign() == 0 }

type crossingJSON struct {
	Schema   int          `json:"schema"`
	ID       string       `json:"id"`
	DedupKey string       `json:"dedup_key"`
	Status   string       `json:"status"`
	Severity string       `json:"severity"`
	Summary  string       `json:"summary"`
	Pack     string       `json:"pack"`
	Rule     string       `json:"rule"`
	Title    string       `json:"title"`
	Cite     string       `json:"cite"`
	Shadow   bool         `json:"shadow,omitempty"`
	By       string       `json:"by"`
	Subject  string       `json:"subject"`
	Level    json.Number  `json:"level"`
	Episode  int          `json:"episode"`
	Progress json.Number  `json:"progress"`
	Reached  []string     `json:"reached"`
	Measures measuresJSON `json:"measures"`
	Window   windowJSON   `json:"window"`
	Time     string       `json:"time"`
	Evidence evidenceJSON `json:"evidence"`
	Notice   string       `json:"notice"`
}

type windowJSON struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type evidenceJSON struct {
	Event    string `json:"event,omitempty"`
	PackHash string `json:"pack_hash"`
}

// measuresJSON is a reading as an object, in the order in which the pack writes the limits.
type measuresJSON reading

// MarshalJSON writes {"clicks":{"value":1,"limit":2,"at_least":false}}.
func (m measuresJSON) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, l := range m.rule.limits {
		fmt.Fprintf(&b, `,%s:{"value":%d,"limit":%d,"at_least":%v}`, marshal(l.measure), m.values[i], l.limit, m.atLeast[i])
	}
	return append(append([]byte{'{'}, b.Bytes()[1:]...), '}'), nil
}

// JSON returns the record as replay prints it, without a newline.
func (c Crossing) JSON() []byte {
	r := c.reading.rule
	status, severity := "crossed", "warning"
	switch {
	case c.isClear():
		status, severity = "cleared", "info"
	case c.level.Cmp(big.NewRat(1, 1)) >= 0:
		severity = "critical"
	}
	return marshal(crossingJSON{
		Schema: 1, ID: c.ID(), DedupKey: c.dedupKey(), Status: status, Severity: severity, Summary: c.summary(),
		Pack: r.pack, Rule: r.id, Title: r.title, Cite: r.cite, Shadow: r.shadow, By: c.By, Subject: c.Subject,
		Level: json.Number(c.Level), Episode: c.Episode, Progress: json.Number(decimals(c.reading.progress())),
		Reached: c.reading.reached(c.level), Measures: measuresJSON(c.reading),
		Window: windowJSON{From: stamp(c.from), To: stamp(c.Time)}, Time: stamp(c.Time),
		Evidence: evidenceJSON{Event: c.event, PackHash: r.hash}, Notice: "A prompt for human review, not a finding.",
	})
}

// summary is one line for a person.
func (c Crossing) summary() string {
	reached := c.reading.reached(c.level)
	var parts []string
	for i, l := range c.reading.rule.limits {
		value := c.reading.values[i]
		if c.isClear() || slices.Contains(reached, l.measure) || len(reached) == 0 && value > 0 {
			parts = append(parts, fmt.Sprintf("%s %s of %s", l.measure, shown(value, c.reading.atLeast[i]), grouped(l.limit)))
		}
	}
	text := fmt.Sprintf("%s %s: ", c.By, readable(c.Subject))
	if c.isClear() {
		text += "cleared, "
	}
	text += strings.Join(parts, ", ")
	if window := c.reading.rule.window; window != "all" {
		return text + " in " + window
	}
	return text + " since the first event"
}

func shown(value int64, atLeast bool) string {
	if atLeast {
		return "at least " + grouped(value)
	}
	return grouped(value)
}

// grouped writes 50000 as 50,000.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

var (
	// word is an id that reads as one word.
	word = regexp.MustCompile(`^[\pL\pN_@/+=#~%-][\pL\pN\pM_@/+=#~%.:-]*$`)
	// blank are letters and marks that show nothing.
	blank = regexp.MustCompile(`[\x{34f}\x{115f}\x{1160}\x{17b4}\x{17b5}\x{3164}\x{ffa0}]`)
	// unshown is what is not written as it is, since what shows it may act on it.
	unshown = regexp.MustCompile(`[\x{7f}-\x{9f}\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]`)
)

// readable is an id as it stands in a line for readers: in quotes, as JSON has them, unless it reads as one word.
func readable(id string) string {
	if word.MatchString(id) && !blank.MatchString(id) {
		return id
	}
	return string(marshal(id))
}

func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("BUG: " + err.Error())
	}
	return unshown.ReplaceAllFunc(bytes.TrimSuffix(b.Bytes(), []byte("\n")), func(c []byte) []byte {
		r, _ := utf8.DecodeRune(c)
		return fmt.Appendf(nil, `\u%04x`, r)
	})
}
