package windows

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"
)

func instant(text string) int64 {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t.UnixNano()
}

// TestFollow: an event not older than the subject's time sets how far the subject lags behind the
// stream.
func TestFollow(t *testing.T) {
	s := NewSubject(&Layout{})
	f := func(event, stream int64, want uint64) {
		t.Helper()
		s.Follow(event, stream)
		if s.Advance(event); s.Delay() != want {
			t.Errorf("event of %d at %d: delay %d, want %d", event, stream, s.Delay(), want)
		}
	}
	f(100, 100, 0)
	f(100, 170, 70) // as old as the subject's time
	f(99, 400, 70)  // older
	f(150, 170, 20)
	f(160, 150, 0) // the stream lags behind the event
	f(160, 161, 1)
	f(instant("1678-01-01T00:00:00Z"), instant("2261-12-31T23:59:59.999999999Z"), 1) // older, too

	s = NewSubject(&Layout{})
	f(instant("1678-01-01T00:00:00Z"), math.MinInt64, 0)
	f(instant("1678-01-01T00:00:00Z"), instant("2261-12-31T23:59:59.999999999Z"), 18_429_206_400*second-1)
	s.Clean()
	if s.Follow(instant("1678-01-01T00:00:00Z"), 0); !s.Changed() {
		t.Error("another delay is not to be written")
	}
}

// TestReached: whatever the stream's time does to a subject, it does the delay later.
func TestReached(t *testing.T) {
	first, last := instant("1678-01-01T00:00:00Z"), instant("2261-12-31T23:59:59.999999999Z")
	f := func(delay uint64, stream, want int64) {
		t.Helper()
		s := Subject{times: times{delay: delay}}
		if got := s.Reached(stream); got != want {
			t.Errorf("delay %d: %d reaches %d, want %d", delay, stream, got, want)
		}
		if want > math.MinInt64 && s.Awaits(want) != stream {
			t.Errorf("delay %d: %d awaits %d, want %d", delay, want, s.Awaits(want), stream)
		}
	}
	f(0, 7, 7)
	f(0, math.MinInt64, math.MinInt64)
	f(5, 7, 2)
	f(9, 7, -2)
	f(9, -7, -16)
	f(1, math.MinInt64, math.MinInt64)
	f(uint64(last)-uint64(first), last, first)
	f(uint64(last)-uint64(first), last-1, first-1)
	f(uint64(last)-uint64(first), 0, math.MinInt64)
	f(math.MaxUint64, last, math.MinInt64)
	f(math.MaxUint64, math.MaxInt64, math.MinInt64)
	late := Subject{times: times{delay: math.MaxUint64}}
	if late.Awaits(first) != math.MaxInt64 || late.Awaits(last) != math.MaxInt64 {
		t.Error("a stream that comes to no end must be awaited")
	}
}

// TestRecordOfDelay: a delay is written with the subject; a record without one is what it always was, and is read as 0.
func TestRecordOfDelay(t *testing.T) {
	l := &Layout{Counters: []Spec{{ID: 1, Op: Sum, Step: second, N: 10}}, Rules: []uint64{3}}
	write := func(delay uint64) []byte {
		s := NewSubject(l)
		s.Touch(5)
		s.Follow(5, int64(5+delay))
		s.Advance(5)
		s.Add(0, 5, 0, 1)
		s.SetRuleState(0, RuleState{8000, 2})
		return s.AppendRecord(nil, [VersionSize]byte{1}, 2)
	}
	plain := write(0)
	if plain[VersionSize+1] != hasTime|hasFirst {
		t.Errorf("flags %08b", plain[VersionSize+1])
	}
	for _, delay := range []uint64{0, 1, 127, 128, 7_200_000_000_000} {
		b := write(delay)
		if grown := len(b) - len(plain); grown > 7 {
			t.Errorf("delay %d takes %d bytes", delay, grown)
		}
		s, err := DecodeSubject(l, b)
		if err != nil || s.Delay() != delay || s.Changed() {
			t.Fatalf("delay %d was read as %d, changed %v, %v", delay, s.Delay(), s.Changed(), err)
		}
		if again := s.AppendRecord(nil, [VersionSize]byte{1}, 2); !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
		s.Shrink(nil)
		if s, err = DecodeSubject(l, s.AppendRecord(nil, [VersionSize]byte{1}, 2)); err != nil || s.Delay() != delay {
			t.Errorf("shrunk, delay %d was read as %d, %v", delay, s.Delay(), err)
		}
	}
}

// TestNewerRecord: what a later version may have written is distinguished from other damage.
func TestNewerRecord(t *testing.T) {
	k := richSubject(t)
	f := func(at int, xor byte, newer bool) {
		t.Helper()
		b := bytes.Clone(k.record)
		b[at] ^= xor
		_, err := DecodeSubject(k.layout, b)
		if !errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNewer) != newer {
			t.Errorf("byte %d: %v", at, err)
		}
	}
	f(VersionSize, 3, true)
	f(VersionSize+1, 8, true)
	f(VersionSize+1, hasTime, false)
}
