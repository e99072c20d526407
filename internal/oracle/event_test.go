package oracle

import (
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	ev, err := decode([]byte(`{"id":"\u0069\ud83d\ude00","time":"2026-01-01T02:00:00.5+02:00","type":"click","count":1000000000000,
		"members":0,"account":null,"unknown":{"id":[1,-2.5e9]},"incident":"<&>","incident2":7,"Count":-1}`))
	if err != nil {
		t.Fatal(err)
	}
	if ev.id() != "i😀" || ev.kind() != "click" || ev.texts["incident"] != "<&>" || stamp(ev.time) != "2026-01-01T00:00:00.5Z" {
		t.Errorf("texts %v, time %v", ev.texts, ev.time)
	}
	if n, ok := ev.numbers["members"]; ev.numbers["count"] != 1e12 || n != 0 || !ok || len(ev.numbers) != 2 {
		t.Errorf("numbers %v", ev.numbers)
	}
	if _, ok := ev.texts["account"]; ok {
		t.Error("null is not absent")
	}
}

func TestDecodeMalformed(t *testing.T) {
	const good = `{"id":"a","time":"2026-01-01T00:00:00Z","type":"click"}`
	f := func(value string) {
		t.Helper()
		if _, err := decode([]byte(value)); err == nil {
			t.Errorf("%.200s: no error", value)
		}
	}
	with := func(members string) string { return good[:len(good)-1] + "," + members + "}" }
	if _, err := decode([]byte(with(`"x":1`))); err != nil {
		t.Fatal(err)
	}
	f(``)
	f(`null`)
	f(`[` + good + `]`)
	f(good + `{}`)
	f(good[:len(good)-1])
	for _, name := range []string{"id", "time", "type"} {
		f(strings.Replace(good, `"`+name+`"`, `"x"`, 1))
		f(with(`"` + name + `":"2026-01-01T00:00:00Z"`)) // a known member twice
	}
	f(with(`"count":0`))
	f(with(`"count":"1"`))
	f(with(`"count":1.0`))
	f(with(`"count":1e1`))
	f(with(`"count":-1`))
	f(with(`"members":-0`))
	f(with(`"members":1000000000001`))
	f(with(`"amount":1000000000000001`))
	f(with(`"amount":99999999999999999999`))
	f(with(`"incident":""`))
	f(with(`"incident":7`))
	f(with(`"incident":"` + strings.Repeat("a", 257) + `"`))
	f(with(`"media":"` + strings.Repeat("a", 33) + `"`))
	f(with(`"x":"\ud800"`))
	f(with(`"x":"\ud800x"`))
	f(with(`"x":"\udc00\ud800"`))
	f(with("\"x\":\"\xff\""))
	f(with(`"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64)))
	f(with(`"x":"` + strings.Repeat("a", 65536) + `"`))
	for _, at := range []string{
		"2026-01-01", "2026-01-01 00:00:00Z", "2026-01-01t00:00:00z", "2026-01-01T00:00:60Z",
		"2026-02-29T00:00:00Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00",
		"2026-01-01T00:00:00+24:00", "1677-12-31T23:59:59Z", "2026-01-01T0:00:00Z",
	} {
		f(strings.Replace(good, "2026-01-01T00:00:00Z", at, 1))
	}
}
