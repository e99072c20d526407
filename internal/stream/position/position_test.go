package position

import "testing"

// TestAtStart: what a position says of the end of the log is not true for the next reader.
func TestAtStart(t *testing.T) {
	p := Position{Offset: 7, Clock: 1, Newest: 2, Seen: 3, Pack: 4, Since: 5, Idle: true, Ended: true, Held: true}
	if got, want := p.AtStart(), (Position{Offset: 7, Clock: 1, Newest: 2, Seen: 3, Pack: 4, Since: 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
