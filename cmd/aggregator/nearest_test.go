package main

import "testing"

func TestDidYouMean(t *testing.T) {
	names := []string{"brokers", "group", "events", "replay", "check"}
	f := func(given, want string) {
		t.Helper()
		if got := didYouMean(given, names); got != want {
			t.Errorf("%s: got %q, want %q", given, got, want)
		}
	}
	f("broker", `; did you mean "brokers"?`)
	f("grupp", `; did you mean "group"?`)
	f("rpelay", `; did you mean "replay"?`)
	f("chekc", `; did you mean "check"?`)
	f("x", "")
	f("something", "")
	f("", "")
}
