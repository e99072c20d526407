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

// TestDecodeLearns: one event is enough to predict each name of the next.
func TestDecodeLearns(t *testing.T) {
	var d Decoder
	var e Event
	if err := d.Decode(&e, []byte(complete(`,"group":"g","x":1,"count":5`))); err != nil {
		t.Fatal(err)
	}
	f := func(previous, want member) {
		t.Helper()
		if got := d.follow[previous]; got != want {
			t.Errorf("after %q: got %q, want %q", previous.name(), got.name(), want.name())
		}
	}
	f(start, memberID)
	f(memberID, memberTime)
	f(memberTime, memberType)
	f(memberType, member(Group))
	f(member(Group), unknown)
	f(unknown, firstNum+member(Count))
}
