package humanize

import (
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// Duration writes d as people do: 2d, 1m, 1h30m.
func Duration(d time.Duration) string {
	if d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}
