package thresholds

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

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
