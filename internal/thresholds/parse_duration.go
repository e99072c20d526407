package thresholds

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

var durationText = regexp.MustCompile(`^(0|[1-9][0-9]*)([smhd])$`)

// unitSeconds are the units of durations, largest first.
var unitSeconds = []struct {
	unit    string
	seconds int64
}{{"d", 86_400}, {"h", 3_600}, {"m", 60}, {"s", 1}}

// duration reads an integer and a unit, as 730d, in seconds, from least to maxWindow.
func (r *reader) duration(at strictyaml.Place, what string, least int64) (int64, bool) {
	want := what + " as 30s, 10m, 12h or 730d"
	if at.Type == strictyaml.Integer && digits.MatchString(at.Value) {
		r.Fault(at, "%s has no unit; write %s", strictyaml.Shown(at.Value), want)
		return 0, false
	}
	s, ok := r.text(at, want, maxTitle)
	if !ok {
		return 0, false
	}
	m := durationText.FindStringSubmatch(s)
	if m == nil {
		r.Fault(at, "%s is not %s, an integer and s, m, h or d; %s", strictyaml.Quote(s), what, durationHint(s))
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > maxWindow {
		n = maxWindow + 1 // and no overflow
	}
	for _, u := range unitSeconds {
		if u.unit == m[2] {
			n *= u.seconds
		}
	}
	if n < least || n > maxWindow {
		r.Fault(at, "%s is out of range; %s is from %ds to 36500d", strictyaml.Quote(s), what, least)
		return 0, false
	}
	return n, true
}

var durationHints = []numberHint{
	{regexp.MustCompile(`^[0-9]+$`), says("put its unit after it, as 730d")},
	{regexp.MustCompile(`^[0-9]+ ?(ms|us|ns|µs)$`), says("nothing is finer than a second, 1s")},
	{otherUnit, unitHint},
}

// durationHint is a remedy for a text that is not a duration.
func durationHint(s string) string {
	return hint(durationHints, s, "write one whole number and one unit, as 730d")
}

var otherUnit = regexp.MustCompile(`(?i)^([1-9][0-9]{0,5})[ _-]?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|mo|months?|y|yrs?|years?)$`)

// unitHint translates a unit that is not read.
func unitHint(s string) string {
	m := otherUnit.FindStringSubmatch(s)
	n, _ := strconv.ParseInt(m[1], 10, 64) // otherUnit bounds it
	switch unit := strings.ToLower(m[2]); {
	case unit[0] == 'w':
		return fmt.Sprintf("write %dd", 7*n)
	case unit[0] == 'y':
		return fmt.Sprintf("years are not equally long: write days, as %dd", 365*n)
	case strings.HasPrefix(unit, "mo"):
		return fmt.Sprintf("months are not equally long: write days, as %dd", 30*n)
	default:
		return fmt.Sprintf("write %d%c", n, unit[0])
	}
}

// DurationText is seconds as a pack writes them, in the largest unit that divides them: 730d.
func DurationText(seconds int64) string {
	for _, u := range unitSeconds {
		if seconds%u.seconds == 0 {
			return strconv.FormatInt(seconds/u.seconds, 10) + u.unit
		}
	}
	panic("BUG: a second is no unit")
}
