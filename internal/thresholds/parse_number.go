package thresholds

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// bare is the text of a number as it stands in the file. Its meaning is not left
// to YAML, which reads 010 as 8 and 1_0 as 10, and 50.0 as it reads 50.
func (r *reader) bare(at place, want string) (string, bool) {
	n := at.node
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		r.fault(at, "this is %s; write %s", describe(n), want)
	case n.Style&yaml.TaggedStyle != 0:
		r.fault(at, "the tag %s is not read; take it out", quote(n.Tag))
	case n.Style != 0:
		r.fault(at, "%s is a text, as it is quoted; write %s without quotes", quote(n.Value), want)
	default:
		return n.Value, true
	}
	return "", false
}

var wholeText = regexp.MustCompile(`^(0|[1-9][0-9]*|[1-9][0-9]{0,2}(_[0-9]{3})+)$`)

// whole reads an integer from least to most, written 50000 or 50_000. what is
// what it is, with its article.
func (r *reader) whole(at place, what string, least, most uint64) (uint64, bool) {
	s, ok := r.bare(at, what+", as 50000 or 50_000")
	if !ok {
		return 0, false
	}
	if !wholeText.MatchString(s) {
		r.fault(at, "%s is not %s, a whole number written 50000 or 50_000; %s", quote(s), what, wholeHint(s))
		return 0, false
	}
	n, err := strconv.ParseUint(strings.ReplaceAll(s, "_", ""), 10, 64)
	if err != nil || n < least || n > most {
		r.fault(at, "%s is out of range; %s is from %d to %d", quote(s), what, least, most)
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
	{regexp.MustCompile(`^0[0-7]+$`), octalHint},
	{regexp.MustCompile(`^0[0-9_]+$`), func(s string) string { return "take the leading zero out" }},
	{regexp.MustCompile(`^0[xXoObB]`), baseHint},
	{regexp.MustCompile(`^[+-]`), says("write it without a sign")},
	{regexp.MustCompile(`^[0-9]{1,3}([.,' ][0-9]{3})+$`), func(s string) string {
		return "write thousands with an underscore: " + strings.NewReplacer(".", "_", ",", "_", "'", "_", " ", "_").Replace(s)
	}},
	{regexp.MustCompile(`^[0-9_]*\.[0-9_]*$`), says("write it without a fraction")},
	{regexp.MustCompile(`^[0-9.]+[eE]`), says("write the zeros out, without an exponent")},
	{regexp.MustCompile(`^[0-9_]+$`), says("put an underscore before every three digits, or none at all")},
	{regexp.MustCompile(`^[0-9][0-9.]*\s*\pL+$`), says("write the zeros out, without a unit")},
	{regexp.MustCompile(`^[0-9.]+\s*%$`), says("write the number itself, not a share of it")},
}

// wholeHint is a remedy for a text that is not a whole number.
func wholeHint(s string) string { return hint(wholeHints, s, "write digits alone") }

func octalHint(s string) string {
	meant := strings.TrimLeft(s, "0")
	if n, err := strconv.ParseUint(s, 8, 64); err == nil && meant != "" {
		return fmt.Sprintf("YAML would read %s as %d: take the leading zero out, %s", s, n, meant)
	}
	return "take the leading zeros out"
}

func baseHint(s string) string {
	if n, err := strconv.ParseUint(s, 0, 64); err == nil {
		return fmt.Sprintf("write it in decimal: %d", n)
	}
	return "write it in decimal"
}

var levelText = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})(\.([0-9]{1,4}))?$`)

// level reads a share of the limit with at most 4 decimals, as 0.5.
func (r *reader) level(at place, what string) (Level, bool) {
	s, ok := r.bare(at, what+", as 0.5")
	if !ok {
		return 0, false
	}
	m := levelText.FindStringSubmatch(s)
	if m == nil {
		r.fault(at, "%s is not %s, a share of the limit as 0.5 or 1; %s", quote(s), what, levelHint(s))
		return 0, false
	}
	// levelText bounds both; they cannot fail.
	whole, _ := strconv.ParseUint(m[1], 10, 64)
	part, _ := strconv.ParseUint((m[3] + "0000")[:4], 10, 64)
	return Level(whole)*LevelOne + Level(part), true
}

var levelHints = []numberHint{
	{regexp.MustCompile(`^[0-9]+\.[0-9]{5,}$`), says("at most 4 decimals are read")},
	{regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]+)?\s*%$`), percentHint},
	{regexp.MustCompile(`^\.[0-9]+$`), func(s string) string { return "write 0" + s }},
	{regexp.MustCompile(`^[0-9]+\.$`), func(s string) string { return "write " + strings.TrimSuffix(s, ".") }},
	{regexp.MustCompile(`^[0-9]+,[0-9]+$`), func(s string) string { return "write " + strings.Replace(s, ",", ".", 1) }},
	{regexp.MustCompile(`^[+-]`), says("write it without a sign")},
	{regexp.MustCompile(`^[0-9.]+[eE]`), says("write it without an exponent")},
	{regexp.MustCompile(`^0[0-9]`), says("take the leading zero out")},
}

func levelHint(s string) string { return hint(levelHints, s, "write digits and a point") }

// percentHint writes 80% as 0.8.
func percentHint(s string) string {
	s = strings.TrimSpace(strings.TrimSuffix(s, "%"))
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return "write a share of 1, not percent"
	}
	return "write " + Level(n*uint64(LevelOne)/100).String()
}
