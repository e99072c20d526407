package event

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// complete is a plain event with the further members, which begin with a comma.
func complete(further string) string {
	return `{"id":"e-1","time":"2026-11-22T10:00:03Z","type":"click"` + further + `}`
}

// completeAt is the offset of the further members of a complete event.
var completeAt = len(complete("")) - 1

// clock is the time of a complete event.
const clock = 1795341603_000000000

// show writes all of an event.
func show(e *Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "id=%q source=%q type=%q time=%d", e.ID, e.Source, e.Type, e.Time)
	for s, text := range e.Str {
		if text != nil {
			fmt.Fprintf(&b, " %s=%q", StrNames[s], text)
		}
	}
	for n, value := range e.Num {
		if e.Has&(1<<n) != 0 {
			fmt.Fprintf(&b, " %s=%d", NumNames[n], value)
		}
	}
	return b.String()
}

// accepted decodes a plain event and compares it.
func accepted(t *testing.T, value, want string) {
	t.Helper()
	var d Decoder
	var e Event
	if err := d.Decode(&e, []byte(value)); err != nil {
		t.Errorf("%.200q\nis refused: %v", value, err)
		return
	}
	if got := show(&e); got != want {
		t.Errorf("%.200q\n got %s\nwant %s", value, got, want)
	}
}

// refusedWith decodes a plain event that must be malformed.
func refusedWith(t *testing.T, value, reason, message string) {
	t.Helper()
	var d Decoder
	var e Event
	wantMalformed(t, value, d.Decode(&e, []byte(value)), reason, message)
}

func wantMalformed(t *testing.T, input string, err error, reason, message string) {
	t.Helper()
	bad, ok := err.(*Malformed)
	if !ok {
		t.Errorf("%.200q\nis accepted, want %s: %s", input, reason, message)
		return
	}
	if bad.Reason != reason || bad.Error() != message {
		t.Errorf("%.200q\n got %s: %s\nwant %s: %s", input, bad.Reason, bad, reason, message)
	}
}

// base is what show says of a complete event, with the further fields.
func base(further string) string {
	count := " count=1"
	if strings.Contains(further, " count=") {
		count = ""
	}
	return fmt.Sprintf(`id="e-1" source="" type="click" time=%d`, clock) + numbersAfter(further, count)
}

// numbersAfter puts the count where show writes it: before the other integers.
func numbersAfter(further, count string) string {
	for _, name := range NumNames[1:] {
		if i := strings.Index(further, " "+name+"="); i >= 0 {
			return further[:i] + count + further[i:]
		}
	}
	return further + count
}

func TestNames(t *testing.T) {
	for m := range unknown {
		if got := memberOf([]byte(m.name())); got != m {
			t.Errorf("member %d is called %q, which is member %d", m, m.name(), got)
		}
	}
	if m := memberOf([]byte("ID")); m != unknown {
		t.Errorf("ID is taken for %q; names differ by case", m.name())
	}
	if unknown > 32 {
		t.Error("members do not fit the bits of seen")
	}
	if !bytes.Equal([]byte(specs[Incident].quoted), []byte(`"incident":`)) {
		t.Error(specs[Incident].quoted)
	}
}
