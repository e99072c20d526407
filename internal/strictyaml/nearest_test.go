package strictyaml

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"incident", "account", "content", "group", "by", "at-least-2", "where"}
	f := func(given, want string) {
		t.Helper()
		if got := Nearest(given, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", given, got, want)
		}
	}
	f("incident", "incident")
	// one letter put in, left out, changed, swapped with its neighbour
	f("inciddent", "incident")
	f("incdent", "incident")
	f("incidemt", "incident")
	f("icnident", "incident")
	// two typos in eight letters, not three
	f("insodent", "incident")
	f("insodemt", "")
	// case, dashes, underscores and spaces do not count
	f("INCIDENT", "incident")
	f("at_least 2", "at-least-2")
	// a beginning, and what has a name as its beginning
	f("inc", "incident")
	f("whereabouts", "where")
	// two letters are too few for a beginning, but one of them may be wrong
	f("in", "")
	f("bz", "by")
	// the first of equally near ones
	f("aontent", "content")
	f("", "")
	f("xyz", "")
	f("дела", "")
	f(strings.Repeat("incident", 100), "")
}

func TestMeantOrAll(t *testing.T) {
	f := func(given string, names []string, want string) {
		t.Helper()
		if got := MeantOrAll(given, names); got != want {
			t.Errorf("%q ends in %q, want %q", given, got, want)
		}
	}
	f("clik", []string{"view", "click"}, `did you mean "click"?`)
	f("zzzz", []string{"view", "click"}, "choose from view, click")
	f("zzzz", nil, "there is none")
	f("zzzz", strings.Split(strings.Repeat("ab,", 20)+"cd", ","), "choose from "+strings.Repeat("ab, ", 20)+"...")
}

func TestDidYouMean(t *testing.T) {
	names := []string{"brokers", "group", "events", "replay", "check", "-config"}
	f := func(given, want string) {
		t.Helper()
		if got := DidYouMean(given, names); got != want {
			t.Errorf("%s: got %q, want %q", given, got, want)
		}
	}
	f("broker", `; did you mean "brokers"?`)
	f("grup", `; did you mean "group"?`)
	f("rpelay", `; did you mean "replay"?`)
	f("chekc", `; did you mean "check"?`)
	f("-cofnig", `; did you mean "-config"?`)
	f("x", "")
	f("something", "")
	f("", "")
}

func TestQuote(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		if got := Quote(s); got != want {
			t.Errorf("quote(%q) is %s, want %s", s, got, want)
		}
	}
	f("点击", `"点击"`)
	f("a\x1b[2J\n", `"a\x1b[2J\n"`)
	f(strings.Repeat("点", 60), `"`+strings.Repeat("点", 60)+`"`)
	f(strings.Repeat("点", 61), `"`+strings.Repeat("点", 60)+`..."`)
}
