package position

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
)

// FuzzParseFence: a stored fence is read or refused, and what was read says the same when it is written again.
func FuzzParseFence(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(Position{Offset: 1931, Clock: 1_767_225_600_000, Newest: 1_767_225_600_000_000_000, Pack: 7, Idle: true, Ended: true}.AppendFence(nil, 42))
	f.Add(Position{Clock: engine.NoTime, Newest: engine.NoTime}.AppendFence(nil, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseFence(data)
		if err != nil {
			return
		}
		again, err := ParseFence(m.AppendFence([]byte("before"), 9)[len("before"):])
		if err != nil || again != m {
			t.Errorf("%+v became %+v, %v", m, again, err)
		}
	})
}

// golden is a fence of each field, as stores have it: its bytes never change.
const golden = "01 000000000000078b 0000019b76daa800 18867251edfa0000 188672522994ca00 0123456789abcdef 06 ffffffffffffffff fedcba9876543210"

func goldenFence(t *testing.T) (Position, []byte) {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(golden, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return Position{
		Offset: 1931, Clock: 1_767_225_600_000, Newest: 1_767_225_600_000_000_000, Seen: 1_767_225_601_000_000_000, Pack: 0x0123456789abcdef,
		Ended: true, Held: true, Since: -1,
	}, b
}

// TestFence: a position is the same bytes as ever, and they are read as it was.
func TestFence(t *testing.T) {
	want, b := goldenFence(t)
	if got := want.AppendFence([]byte("x"), 0xfedcba9876543210); string(got) != "x"+string(b) {
		t.Errorf("got %x, want %s", got[1:], golden)
	}
	if got, err := ParseFence(b); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// TestFenceRefused: what is no fence of this version is not read as one.
func TestFenceRefused(t *testing.T) {
	_, b := goldenFence(t)
	f := func(what string, b []byte) {
		t.Helper()
		if got, err := ParseFence(b); err == nil {
			t.Errorf("%s: read as %+v", what, got)
		}
	}
	changed := func(at int, to byte) []byte {
		c := slices.Clone(b)
		c[at] = to
		return c
	}
	f("nothing", nil)
	f("too short", b[:FenceSize-1])
	f("too long", append(slices.Clone(b), 0))
	f("a later format", changed(0, 2))
	f("a flag of a later version", changed(fenceFlags, 8))
}

// TestParseFences: a fence that is missing is a position at which nothing was matched.
func TestParseFences(t *testing.T) {
	want, b := goldenFence(t)
	if got := ParseFences([][]byte{nil, b}); !slices.Equal(got, []Position{{Newest: engine.NoTime}, want}) {
		t.Errorf("got %+v", got)
	}
}
