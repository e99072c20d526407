package event

import "testing"

// BenchmarkMemberName reads the names of an event's members, predicted and
// looked up.
func BenchmarkMemberName(b *testing.B) {
	text := []byte(`"id":"time":"type":"incident":"account":"content":"group":"members":"followers":`)
	const names = 9
	b.Run("predicted", func(b *testing.B) {
		d := learned(text)
		for b.Loop() {
			i, previous := 0, start
			for range names {
				m := d.predicted(text, i, previous)
				if m == unknown {
					b.Fatal("not predicted")
				}
				i, previous = i+len(specs[m].quoted), m
			}
		}
	})
	b.Run("looked up", func(b *testing.B) {
		var d Decoder
		for b.Loop() {
			i, previous := 0, start
			for range names {
				previous, i, _ = d.member(text, i, previous)
			}
		}
	})
}

// learned is a decoder that has read the names.
func learned(names []byte) *Decoder {
	var d Decoder
	for i, previous := 0, start; i < len(names); {
		previous, i, _ = d.member(names, i, previous)
	}
	return &d
}

// TestPredicted: a prediction holds only for the whole name and its colon.
func TestPredicted(t *testing.T) {
	d := learned([]byte(`"id":`))
	f := func(text string, want member) {
		t.Helper()
		if got := d.predicted([]byte(text), 0, start); got != want {
			t.Errorf("%s: got %q, want %q", text, got.name(), want.name())
		}
	}
	f(`"id":`, memberID)
	f(`"id"`, unknown)
	f(`"id" :`, unknown)
	f(`"ib":`, unknown)
	f(`"identity":`, unknown)
	f(``, unknown)
	if m := d.predicted([]byte(`"id":`), 0, memberID); m != unknown {
		t.Errorf("id is predicted after id as %q", m.name())
	}
	d.learn(start, unknown)
	f(`"id":`, unknown)
}
