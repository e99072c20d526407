package thresholds

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Level is a progress that is announced, in 1/10,000 of the limit: 8,000 is 0.8.
// 0 is "none announced" in a State and "cleared" in a Crossing.
type Level uint64

// LevelOne is the limit itself.
const LevelOne Level = 10_000

var levelText = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})(\.([0-9]{1,4}))?$`)

// ParseLevel reads a level as String writes it, also with zeros at its end; false: it is none.
func ParseLevel(s string) (Level, bool) {
	m := levelText.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	// levelText bounds both; they cannot fail.
	whole, _ := strconv.ParseUint(m[1], 10, 64)
	part, _ := strconv.ParseUint((m[3] + "0000")[:4], 10, 64)
	return Level(whole)*LevelOne + Level(part), true
}

// String is the level in its shortest form: "0.5", "1", "0".
func (l Level) String() string { return string(l.append(nil)) }

func (l Level) append(dst []byte) []byte {
	whole, rest := l/LevelOne, l%LevelOne
	dst = strconv.AppendUint(dst, uint64(whole), 10)
	if rest == 0 {
		return dst
	}
	return append(dst, strings.TrimRight(fmt.Sprintf(".%04d", rest), "0")...)
}

// AppendProgress appends a progress, given in 1/10,000, as a decimal number
// that always has a point: 0.8123, 0.8, 1.0.
func AppendProgress(dst []byte, progress uint64) []byte {
	dst = Level(progress).append(dst)
	if progress%uint64(LevelOne) == 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}
