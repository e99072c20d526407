package event

import (
	"fmt"
	"testing"
)

func TestAppendJSON(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		var d Decoder
		var e Event
		if err := d.Decode(&e, []byte(value)); err != nil {
			t.Fatal(err)
		}
		if got := string(e.AppendJSON([]byte("x"))); got != "x"+want {
			t.Errorf("%s\n got %s\nwant x%s", value, got, want)
		}
	}
	f(complete(""), complete(""))
	f(complete(`,"count":1`), complete(""))
	f(complete(`,"members":0,"count":2`), complete(`,"count":2,"members":0`))
	f(`{"type":"click","time":"2026-11-22T18:00:03.120+08:00","id":"e-1"}`, `{"id":"e-1","time":"2026-11-22T10:00:03.12Z","type":"click"}`)
	all := complete(`,"incident":"a","account":"b","content":"c","group":"d","site":"e","recipient":"f","media":"g","category":"h",` +
		`"count":2,"members":3,"followers":4,"records":5,"amount":1000000000000000`)
	f(all, all)
	f(complete(`,"group":"\u0000\u001f\u0022\u005c\u002f\b\f\n\r\t\u007f\u00e9\u4e8b\ud83d\ude00\u003cscript"`),
		complete(`,"group":"\u0000\u001f\"\\/\u0008\u000c\n\r\t`+"\x7f"+`é事😀<script"`))
}

func TestAppendIdentity(t *testing.T) {
	f := func(e Event, want string) {
		t.Helper()
		if got := string(e.AppendIdentity([]byte("x"))); got != "x"+want {
			t.Errorf("got %q, want %q", got, "x"+want)
		}
	}
	f(Event{ID: []byte("e-1")}, "e-1")
	f(Event{ID: []byte("1"), Source: []byte("/s")}, "\xff/s\xff1")
}

// TestAppendIdentityIsUnique: two identities are the same only if both parts are.
func TestAppendIdentityIsUnique(t *testing.T) {
	seen := map[string]string{}
	texts := []string{"a", "aa", "ab", "b", "é", "\x00", "a\x00", "\u00ff"}
	for _, id := range texts {
		for _, source := range append([]string{""}, texts...) {
			e := Event{ID: []byte(id)}
			if source != "" {
				e.Source = []byte(source)
			}
			who, identity := fmt.Sprintf("%q %q", source, id), string(e.AppendIdentity(nil))
			if other, ok := seen[identity]; ok {
				t.Errorf("%s and %s are both %q", who, other, identity)
			}
			seen[identity] = who
		}
	}
}
