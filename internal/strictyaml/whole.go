package strictyaml

import (
	"regexp"
	"strconv"
	"strings"
)

var wholeText = regexp.MustCompile(`^(0|[1-9][0-9]*|[1-9][0-9]{0,2}(_[0-9]{3})+)$`)

// Whole reads an integer written 50000 or 50_000; false if it is written
// otherwise. Its meaning is not left to YAML, which reads 010 as 8 and 1_0 as
// 10. What does not fit is the largest uint64.
func Whole(s string) (uint64, bool) {
	if !wholeText.MatchString(s) {
		return 0, false
	}
	n, _ := strconv.ParseUint(strings.ReplaceAll(s, "_", ""), 10, 64) // out of range it is the largest
	return n, true
}
