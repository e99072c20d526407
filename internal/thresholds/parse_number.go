package thresholds

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

var digits = regexp.MustCompile(`^[0-9]+$`)

// bare is the text of a number as it stands in the file. Its meaning is not left
// to YAML, which reads 010 as 8 and 1_0 as 10, and 50.0 as it reads 50.
func (r *reader) bare(at strictyaml.Place, want string) (string, bool) {
	switch {
	case !at.Scalar() || at.Type == strictyaml.Null:
		r.Fault(at, "this is %s; write %s", r.Describe(at), want)
	case at.Tag() != "":
		r.RefuseTag(at)
	case at.Quoted():
		r.Fault(at, "%s is a text, as it is quoted; write %s without quotes", strictyaml.Quote(at.Value), want)
	default:
		return at.Value, true
	}
	return "", false
}

// whole reads an integer from least to most, written 50000 or 50_000. what is
// what it is, with its article.
func (r *reader) whole(at strictyaml.Place, what string, least, most uint64) (uint64, bool) {
	s, ok := r.bare(at, what+", as 50000 or 50_000")
	if !ok {
		return 0, false
	}
	n, ok := strictyaml.Whole(s)
	if !ok {
		r.Fault(at, "%s is not %s, a whole number written 50000 or 50_000; %s", strictyaml.Quote(s), what, wholeHint(s))
		return 0, false
	}
	if n < least || n > most {
		r.Fault(at, "%s is out of range; %s is from %d to %d", strictyaml.Quote(s), what, least, most)
		return 0, false
	}
	return n, true
}

// numberHint is a remedy for texts of a form.
type numberHint struct {
	form   *regexp.Regexp
	remedy func(s string) string
}

func says(remedy string) func(string) string {
	return func(string) string { return remedy }
}

// hint is the remedy of the first of hints that s has the form of.
func hint(hints []numberHint, s, otherwise string) string {
	for _, h := range hints {
		if h.form.MatchString(s) {
			return h.remedy(s)
		}
	}
	return otherwise
}

var wholeHints = []numberHint{
	{regexp.MustCompile(`^[0-9]{1,3}([.,' ][0-9]{3})+$`), func(s string) string {
		return "write thousands with an underscore: " + strings.NewReplacer(".", "_", ",", "_", "'", "_", " ", "_").Replace(s)
	}},
	{regexp.MustCompile(`^[0-9][0-9.]*\s*\pL+$`), says("write the zeros out, without a unit")},
	{regexp.MustCompile(`^[0-9.]+\s*%$`), says("write the number itself, not a share of it")},
}

// wholeHint is a remedy for a text that is not a whole number.
func wholeHint(s string) string {
	return hint(wholeHints, s, "write digits alone, without a sign, a zero in front, a point or an exponent")
}

// level reads a share of the limit with at most 4 decimals, as 0.5.
func (r *reader) level(at strictyaml.Place, what string) (Level, bool) {
	s, ok := r.bare(at, what+", as 0.5")
	if !ok {
		return 0, false
	}
	l, ok := ParseLevel(s)
	if !ok {
		r.Fault(at, "%s is not %s, a share of the limit as 0.5 or 1; %s", strictyaml.Quote(s), what, levelHint(s))
	}
	return l, ok
}

var levelHints = []numberHint{
	{regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]+)?\s*%$`), percentHint},
	{regexp.MustCompile(`^[0-9]+,[0-9]+$`), func(s string) string { return "write " + strings.Replace(s, ",", ".", 1) }},
}

// levelHint is a remedy for a text that is not a level.
func levelHint(s string) string {
	return hint(levelHints, s, "write digits and a point, with at most 4 decimals")
}

// percentHint writes 80% as 0.8.
func percentHint(s string) string {
	s = strings.TrimSpace(strings.TrimSuffix(s, "%"))
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return "write a share of 1, not percent"
	}
	return "write " + Level(n*uint64(LevelOne)/100).String()
}
