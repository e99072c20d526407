package partition

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// deafLetters fails so many times.
type deafLetters struct {
	heldLetters
	fails int
}

func (d *deafLetters) Write(ctx context.Context, letters []deadLetter) error {
	if d.fails--; d.fails >= 0 {
		return fetchtest.ErrDown
	}
	return d.heldLetters.Write(ctx, letters)
}

// TestLetters: what Kafka has is not made again; what could not be written stays, and is dropped when its records are read again.
func TestLetters(t *testing.T) {
	var l letters
	var reasons []string
	written := func(d *deadLetter) { reasons = append(reasons, d.reason) }
	a, to := shard.NewAssignment("events", 0, 0, 1), &deafLetters{fails: 1}
	add := func(offset int64, size int) {
		l.add(a, &records.Record{Offset: offset, Value: make([]byte, size)}, errors.New("no event"))
	}
	add(3, 1)
	if err := l.write(t.Context(), to, written); !errors.Is(err, fetchtest.ErrDown) || len(l.pending) != 1 || l.safeTo != 0 || len(reasons) > 0 {
		t.Fatalf("error %v, %d pending, safe to %d, %v written", err, len(l.pending), l.safeTo, reasons)
	}
	l.drop()
	add(3, 1) // read again
	add(5, 1)
	if err := l.write(t.Context(), to, written); err != nil || len(to.all) != 2 || len(reasons) != 2 || l.safeTo != 6 || len(l.pending) > 0 {
		t.Fatalf("error %v, %d pending, safe to %d, %v written", err, len(l.pending), l.safeTo, reasons)
	}
	add(5, 1)
	if len(l.pending) > 0 {
		t.Error("a letter that is safe is made again")
	}
	add(6, lettersAtOnce-500)
	if l.full() {
		t.Errorf("full with %d bytes", l.bytes)
	}
	if add(7, 500); !l.full() {
		t.Errorf("not full with %d bytes", l.bytes)
	}
	if l.drop(); l.full() || fmt.Sprint(l.pending) != "[]" {
		t.Errorf("dropped, and there are %d bytes", l.bytes)
	}
}
