package thresholds

import (
	"regexp"
	"testing"
	"time"
)

func TestAppendTime(t *testing.T) {
	defer func(local *time.Location) { time.Local = local }(time.Local)
	time.Local = time.FixedZone("elsewhere", 8*3600)
	f := func(at, layout, want string) {
		t.Helper()
		if got := string(appendTime(nil, scriptTime(t, at), layout)); got != want {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	}
	// as many digits as needed
	f("2026-11-22T10:00:03Z", rfc3339, `"2026-11-22T10:00:03Z"`)
	f("2026-11-22T10:00:03.120Z", rfc3339, `"2026-11-22T10:00:03.12Z"`)
	f("2026-11-22T10:00:03.000000001Z", rfc3339, `"2026-11-22T10:00:03.000000001Z"`)
	// in UTC, also before 1970
	f("2026-11-22T10:00:03+08:00", rfc3339, `"2026-11-22T02:00:03Z"`)
	f("1678-01-01T00:00:00.5Z", rfc3339, `"1678-01-01T00:00:00.5Z"`)
	// three digits, cut
	f("2026-11-22T10:00:03Z", rfc3339Milli, `"2026-11-22T10:00:03.000Z"`)
	f("2026-11-22T10:00:03.9999Z", rfc3339Milli, `"2026-11-22T10:00:03.999Z"`)
}

// dangerous is what a terminal or a chat may act on.
var dangerous = regexp.MustCompile(`[\x00-\x1f\x7f-\x{9f}\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]`)
