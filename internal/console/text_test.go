package console

import (
	"strings"
	"testing"
	"time"
)

// TestTexts: nothing of a stranger's text acts on a terminal, and the text can still be told.
func TestTexts(t *testing.T) {
	f := func(text, shown, asWord, asShell string) {
		t.Helper()
		if got := Visible(text); got != shown {
			t.Errorf("%q: visible is %s, want %s", text, got, shown)
		}
		if got := word(text); got != asWord {
			t.Errorf("%q: the word is %s, want %s", text, got, asWord)
		}
		if got := shellWord(text); got != asShell {
			t.Errorf("%q: the shell's word is %s, want %s", text, got, asShell)
		}
	}
	f("inc-42", "inc-42", "inc-42", "inc-42")
	f("a/b", "a/b", "a/b", "a/b")
	f("", "", `""`, "''")
	f("a b", "a b", `"a b"`, "'a b'")
	f("谣言-0417", "谣言-0417", "谣言-0417", "'谣言-0417'")
	f("حادثة", "حادثة", "حادثة", "'حادثة'")
	f(`<b>'"\`, `<b>'"\`, `"<b>'\"\\"`, `'<b>'\''"\'`)
	f("\x1b[2J", `\u001b[2J`, `"\u001b[2J"`, `$'\u001b[2J'`)
	f("a\n'\\", `a\u000a'\`, `"a\u000a'\\"`, `$'a\u000a\'\\'`)
	f("\u202etxt\u2066\u200d\u00ad\ufeff", `\u202etxt\u2066\u200d\u00ad\ufeff`, `"\u202etxt\u2066\u200d\u00ad\ufeff"`, `$'\u202etxt\u2066\u200d\u00ad\ufeff'`)
	f("a\u3164\u115f\u034f\ufe0f\U000e0100", `a\u3164\u115f\u034f\ufe0f\U000e0100`, `"a\u3164\u115f\u034f\ufe0f\U000e0100"`, `$'a\u3164\u115f\u034f\ufe0f\U000e0100'`)
	f("\U000e0041\u0085", `\U000e0041\u0085`, `"\U000e0041\u0085"`, `$'\U000e0041\u0085'`)
}

// TestWidths: a text is as wide as a terminal shows it, and is never cut within a character.
func TestWidths(t *testing.T) {
	f := func(text string, wide, most int, want string) {
		t.Helper()
		if got := width(text); got != wide {
			t.Errorf("%q is %d wide, want %d", text, got, wide)
		}
		if got := fit(text, most); got != want || width(got) > most {
			t.Errorf("%q in %d is %q, want %q", text, most, got, want)
		}
	}
	f("clicks", 6, 6, "clicks")
	f("clicks", 6, 5, "clic…")
	f("clicks", 6, 0, "")
	f("实际被点击数", 12, 12, "实际被点击数")
	f("实际被点击数", 12, 11, "实际被点击…")
	f("实际被点击数", 12, 10, "实际被点…") // half a character is left
	f("e\u0301e\u0301e\u0301", 3, 2, "e\u0301…")
	f("████░░≥…", 8, 8, "████░░≥…")
	if got := pad("数", 4, true) + "|" + pad("数", 4, false) + "|" + pad("数", 1, false); got != "  数|数  |数" {
		t.Errorf("got %q", got)
	}
}

func TestNumbers(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(percent(0), "0.0 %")
	f(percent(0.5), "50.0 %")
	f(percent(0.9999), "99.9 %")
	f(percent(1), "100 %")
	f(percent(1.0089), "100.8 %")
	f(percent(1.01), "101 %")
	f(percent(0.3), "30.0 %")
	f(percent(13.7319), "1,373 %")
	f(tenth(0), "0")
	f(tenth(1284.64), "1,284.6")
	f(tenth(0.96), "1")
	f(tenth(-0.24), "-0.2")
	f(tenth(-0.01), "0")
	f(tenth(-1234.56), "-1,234.6")
	f(number(0.8), "0.8")
	f(number(5), "5")
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 340 * time.Millisecond: "0.3s", 9 * time.Second: "9s", 59 * time.Second: "59s", time.Minute: "1m", 61 * time.Second: "1m1s",
		time.Hour: "1h", 90 * time.Minute: "1h30m", 24*time.Hour - 1: "23h59m", 49 * time.Hour: "2d1h", 24_000 * time.Hour: "1,000d",
	} {
		f(span(d), want)
	}
	now := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	before, after := now.Add(-time.Hour), now.Add(time.Minute)
	f(ago(nil, now), "not known")
	f(ago(&before, now), "2026-11-30T09:00:00Z, 1h ago")
	f(ago(&after, now), "2026-11-30T10:01:00Z, in 1m")
	f(seconds(1e300).String(), "277777h46m40s")
}

// TestTable: columns stand below each other, whatever the script.
func TestTable(t *testing.T) {
	tab := &table{columns: []column{{"N", true}, {"TITLE", false}, {"ID", false}}}
	tab.add(plain, "1,000", "点击", "a")
	tab.add(plain, "2", "readers", "谣言")
	f := func(tab *table, want string) {
		t.Helper()
		var got []string
		for _, l := range tab.lines() {
			got = append(got, l.text)
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
		}
	}
	f(tab, "    N  TITLE    ID\n1,000  点击     a\n    2  readers  谣言")
	f(tab.without("TITLE"), "    N  ID\n1,000  a\n    2  谣言")
}
