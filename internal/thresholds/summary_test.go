package thresholds

import (
	"strings"
	"testing"
)

// TestSummaryQuotes: an id that could read as more than one word, or that hides something, stands in quotes.
func TestSummaryQuotes(t *testing.T) {
	f := func(id, want string) {
		t.Helper()
		c := exampleCrossing(t)
		c.Subject = id
		got := string(c.AppendSummary(nil))
		if got != "incident "+want+": clicks 50,000 of 50,000 in 730d" || dangerous.MatchString(got) {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
	plain := []string{
		"inc-42", "0", "INC_42", "u@example.com", "https://example.com/a/b=c%20d~e", "inc:1", "a.b", "1+1", "#9",
		"事件二〇二六", "e\u0301te\u0301", "हिन्दी", "مرحبا", "שלום", "٣", "ⅷ", "½",
	}
	for _, id := range plain {
		f(id, id)
	}
	for _, id := range []string{
		" ", "a b", "inc 1: clicks 1 of 10 in 1h; incident y", "a,b", "a;b", "(a)", "a!", "a?", "'a'", "a&b", "{a}", "a|b", "a$", "*",
		".", ":x", ".x", "\u0301a", "個人　情報", "می\u200cخواهم", "a\u00a0b", "\u3164", "a\u3164", "\u115f", "a\u034fb", "😀",
	} {
		f(id, `"`+id+`"`)
	}
	f(`"`, `"\""`)
	f(`a\b`, `"a\\b"`)
	f("a\r\nb\x00\x1b[2J", `"a\r\nb\u0000\u001b[2J"`)
	f("\u202e1-cni", `"\u202e1-cni"`)
	f("a\u2028b\u009bc\x7f", `"a\u2028b\u009bc\u007f"`)
	f(strings.Repeat("x", 256), strings.Repeat("x", 256))
}
