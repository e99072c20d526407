package outbox

import (
	"strings"
	"testing"
)

func TestRecentIDs(t *testing.T) {
	f := func(most int, add, want string) {
		t.Helper()
		r := newRecentIDs(most)
		for id := range strings.SplitSeq(add, "") {
			r.add(id)
		}
		got := ""
		for id := 'a'; id <= 'z'; id++ {
			if r.has(string(id)) {
				got += string(id)
			}
		}
		if got != want || len(r.order) > 2*most {
			t.Errorf("of %d that were added as %s there are %s, in %d additions; want %s", most, add, got, len(r.order), want)
		}
	}
	f(3, "ab", "ab")
	f(3, "abc", "abc")
	f(3, "abcd", "bcd")
	f(3, "abcad", "acd") // a came again, and is newer than b
	f(3, "abcadb", "abd")
	f(3, "abcccccccccccccd", "bcd")
	f(2, strings.Repeat("ab", 50)+"c", "bc")
	f(1, "aab", "b")
}
