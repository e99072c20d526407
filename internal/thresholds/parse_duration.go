package thresholds

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxWindow is the longest window, in seconds: 36,500 days. A longer one is
// `all`.
const maxWindow = 36_500 * 86_400

var durationText = regexp.MustCompile(`^(0|[1-9][0-9]{0,11})([smhd])$`)

// unitSeconds are the units of durations, largest first.
var unitSeconds = []struct {
	unit    string
	seconds int64
}{{"d", 86_400}, {"h", 3_600}, {"m", 60}, {"s", 1}}

// duration reads an integer and a unit, as 730d, in seconds, from least to maxWindow.
func (r *reader) duration(at place, what string, least int64) (int64, bool) {
	want := what + " as 30s, 10m, 12h or 730d"
	if n := at.node; n.Tag == "!!int" && digits.MatchString(n.Value) {
		r.fault(at, "%s has no unit; write %s", n.Value, want)
		return 0, false
	}
	s, ok := r.text(at, want, maxTitle)
	if !ok {
		return 0, false
	}
	m := durationText.FindStringSubmatch(s)
	if m == nil {
		r.fault(at, "%s is not %s, an integer and s, m, h or d; %s", quote(s), what, durationHint(s))
		return 0, false
	}
	n, _ := strconv.ParseInt(m[1], 10, 64) // durationText bounds it
	for _, u := range unitSeconds {
		if u.unit == m[2] {
			n *= u.seconds
		}
	}
	if n < least || n > maxWindow {
		r.fault(at, "%s is out of range; %s is from %ds to 36500d", s, what, least)
		return 0, false
	}
	return n, true
}

var otherUnit = regexp.MustCompile(`(?i)^([1-9][0-9]{0,5})[ _-]?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|mo|months?|y|yrs?|years?)$`)

// durationHint is a remedy for a text that is not a duration.
func durationHint(s string) string {
	m := otherUnit.FindStringSubmatch(s)
	if m == nil {
		return "write one number, as 730d"
	}
	n, _ := strconv.ParseInt(m[1], 10, 64) // otherUnit bounds it
	switch unit := strings.ToLower(m[2]); unit[0] {
	case 'w':
		return fmt.Sprintf("write %dd", 7*n)
	case 'y':
		return fmt.Sprintf("years are not equally long: write days, as %dd", 365*n)
	case 'm':
		if strings.HasPrefix(unit, "mo") {
			return fmt.Sprintf("months are not equally long: write days, as %dd", 30*n)
		}
		fallthrough
	default:
		return fmt.Sprintf("write %d%c", n, unit[0])
	}
}

// durationString is seconds in the largest unit that divides them: 730d.
func durationString(seconds int64) string {
	for _, u := range unitSeconds {
		if seconds%u.seconds == 0 {
			return strconv.FormatInt(seconds/u.seconds, 10) + u.unit
		}
	}
	panic("BUG: a second is no unit")
}
