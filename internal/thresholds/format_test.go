package thresholds

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

func TestLevelString(t *testing.T) {
	f := func(l Level, want, progress string) {
		t.Helper()
		if got := l.String(); got != want {
			t.Errorf("level %d is %s, want %s", uint64(l), got, want)
		}
		if got := string(AppendProgress(nil, uint64(l))); got != progress {
			t.Errorf("progress %d is %s, want %s", uint64(l), got, progress)
		}
	}
	f(0, "0", "0.0")
	f(1, "0.0001", "0.0001")
	f(10, "0.001", "0.001")
	f(1_010, "0.101", "0.101")
	f(8_000, "0.8", "0.8")
	f(8_123, "0.8123", "0.8123")
	f(9_999, "0.9999", "0.9999")
	f(10_000, "1", "1.0")
	f(50_000, "5", "5.0")
	f(100_000, "10", "10.0")
	f(12_345_670, "1234.567", "1234.567")
	f(math.MaxUint64, "1844674407370955.1615", "1844674407370955.1615")
}

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

func TestAppendString(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		if got := string(appendString(nil, s)); got != want {
			t.Errorf("%q is %s, want %s", s, got, want)
		}
	}
	f("", `""`)
	f("inc-42", `"inc-42"`)
	f(`"\/`, `"\"\\/"`)
	f("<a href='x'>&</a>", `"<a href='x'>&</a>"`)
	f("\b\t\n\f\r", `"\b\t\n\f\r"`)
	f("\x00\x01\x1f\x7f\u0080\u009b\u009f\u00a0", "\"\\u0000\\u0001\\u001f\\u007f\\u0080\\u009b\\u009f\u00a0\"")
	f("事件 é \u3000\u200c\u200d 😀", "\"事件 é \u3000\u200c\u200d 😀\"")
	f("\u061c\u200e\u200f\u2027\u2028\u2029", "\"\\u061c\\u200e\\u200f\u2027\\u2028\\u2029\"")
	f("\u202a\u202b\u202c\u202d\u202e\u202f", "\"\\u202a\\u202b\\u202c\\u202d\\u202e\u202f\"")
	f("\u2065\u2066\u2067\u2068\u2069\u206a", "\"\u2065\\u2066\\u2067\\u2068\\u2069\u206a\"")
	f("a\xffb\xe4\xba", "\"a\uFFFDb\uFFFD\uFFFD\"")
}

// dangerous is what a terminal or a chat may act on.
var dangerous = regexp.MustCompile(`[\x00-\x1f\x7f-\x{9f}\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]`)

// FuzzAppendString compares with a strict JSON encoder.
func FuzzAppendString(f *testing.F) {
	f.Add("inc-42")
	f.Add("\"\\\b\x00\x1f\x7f<>&/")
	f.Add("事件\u2028😀\xff\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, s string) {
		want, err := jsontext.AppendQuote(nil, s)
		if err != nil && utf8.ValidString(s) {
			t.Fatal(err)
		}
		got := appendString(nil, s)
		if again := AppendShown(nil, want); string(got) != string(again) {
			t.Errorf("%q is %s, and shown %s", s, got, again)
		}
		if dangerous.Match(got) {
			t.Errorf("%q is %+q", s, got)
		}
		if back, err := jsontext.AppendUnquote(nil, got); err != nil || string(back) != strings.ToValidUTF8(string([]rune(s)), "\uFFFD") {
			t.Errorf("%q is %s, which is %q, %v", s, got, back, err)
		}
	})
}
