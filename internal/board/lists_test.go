package board

import "testing"

// TestBounded: a bound of 0 is one, and none is none.
func TestBounded(t *testing.T) {
	if f := filterOf(&Query{}); f.Most != nil {
		t.Errorf("without a bound at most %d", *f.Most)
	}
	if f := filterOf(&Query{Bounded: true}); f.Most == nil || *f.Most != 0 {
		t.Errorf("with 0: %v", f.Most)
	}
}
