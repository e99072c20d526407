package board

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// query is what a request asks for: by its path, and by parameters. A parameter without a value is as one that is absent.
type query struct {
	path  func(name string) string // of the wildcards of the path
	given map[string]string
	limit int // 0: not given
}

// parseQuery reads the query of a request that may have some parameters.
func parseQuery(r *http.Request, known []string) (*query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, httpserver.NewProblem(http.StatusBadRequest, "the query is not one of a URL: percent-encode what is no letter or digit")
	}
	q := &query{path: r.PathValue, given: map[string]string{}}
	for _, name := range slices.Sorted(keysOf(values)) {
		switch list := values[name]; {
		case !slices.Contains(known, name):
			return nil, bad(shorten(name), "there is no such parameter here"+among(known))
		case len(list) > 1:
			return nil, bad(name, "it is given twice")
		case len(list[0]) > mostText:
			return nil, bad(name, fmt.Sprintf("it is longer than %d bytes", mostText))
		case !utf8.ValidString(list[0]):
			return nil, bad(name, "it is no UTF-8")
		case list[0] != "":
			q.given[name] = list[0]
		}
	}
	q.limit, err = q.number("limit", 1, mostItems)
	return q, err
}

func keysOf(values url.Values) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range values {
			if !yield(name) {
				return
			}
		}
	}
}

// among names the parameters that there are.
func among(known []string) string {
	if len(known) == 0 {
		return ": this path takes none"
	}
	return ": there are " + strings.Join(known, ", ")
}

// shorten is the beginning of a text that somebody made up.
func shorten(text string) string {
	const enough = 64
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= enough {
		return text
	}
	return strings.ToValidUTF8(text[:enough], "") + "..."
}

// bad is the problem of a parameter.
func bad(parameter, detail string) *httpserver.Problem {
	p := httpserver.NewProblem(http.StatusBadRequest, "parameter "+parameter+": "+detail)
	p.Parameter = parameter
	return p
}

// number is a whole number from least to most; 0: not given.
func (q *query) number(name string, least, most int) (int, error) {
	text, ok := q.given[name]
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || int(n) < least || int(n) > most {
		return 0, bad(name, fmt.Sprintf("it is a whole number from %d to %d", least, most))
	}
	return int(n), nil
}

// kind is a kind of subject; false: not given.
func (q *query) kind(name string) (thresholds.Kind, bool, error) {
	text, ok := q.given[name]
	if !ok {
		return 0, false, nil
	}
	k, known := parseKind(text)
	if !known {
		return 0, false, bad(name, "it is a kind of subject: incident, account, content or group")
	}
	return k, true, nil
}

// parseKind is the kind of a name that packs may use.
func parseKind(name string) (thresholds.Kind, bool) {
	k, ok := thresholds.ParseKind(name)
	return k, ok && k < thresholds.NumKinds
}

// rule is a rule in force; nil: not given.
func (q *query) rule(p *engine.Program) (*thresholds.Rule, error) {
	id, ok := q.given["rule"]
	if !ok {
		return nil, nil
	}
	for r := range p.Rules {
		if r.ID == id {
			return r, nil
		}
	}
	return nil, bad("rule", "no rule in force has this id: /api/v1/rules has those that do")
}

// moment is a time as events may have it. The library takes more than RFC 3339.
var moment = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// time is a moment; the zero time: not given. A plus sign of a zone that was not encoded has become a space.
func (q *query) time(name string) (time.Time, error) {
	text, ok := q.given[name]
	if !ok {
		return time.Time{}, nil
	}
	text = strings.ReplaceAll(text, " ", "+")
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !moment.MatchString(text) {
		return time.Time{}, bad(name, "it is a time as RFC 3339 has them, as 2026-11-22T10:00:03Z")
	}
	return t, nil
}

var decimal = regexp.MustCompile(`^([0-9]{1,12})(?:\.([0-9]{1,18}))?$`)

// progress is a progress in 1/10,000 of the limit; up: rounded up, otherwise down. false: not given.
func (q *query) progress(name string, up bool) (uint64, bool, error) {
	text, ok := q.given[name]
	if !ok {
		return 0, false, nil
	}
	m := decimal.FindStringSubmatch(text)
	if m == nil {
		return 0, false, bad(name, "it is a number that is not negative, as 0.5")
	}
	const places = 4
	fraction := m[2] + strings.Repeat("0", places)
	n, err := strconv.ParseUint(m[1]+fraction[:places], 10, 64)
	if err != nil {
		panic("BUG: 16 digits that are no number")
	}
	if up && strings.Trim(fraction[places:], "0") != "" {
		n++
	}
	return n, true, nil
}

// cursor reads into v what a cursor of encodeCursor holds; false: none is given. It is one only as encodeCursor makes it: nothing is missing,
// and there is nothing else.
func (q *query) cursor(v any) (bool, error) {
	text, ok := q.given["after"]
	if !ok {
		return false, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, v) != nil || encodeCursor(v) != text {
		return false, badCursor()
	}
	return true, nil
}

func badCursor() error { return bad("after", "it is no cursor of this list: take it from next") }

// encodeCursor makes a cursor of what says where a list goes on.
func encodeCursor(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("BUG: a cursor that is no JSON: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
