package thresholds

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

func TestAsks(t *testing.T) {
	f := func(limit uint64, level Level, want uint64) {
		t.Helper()
		if got := asks(limit, level); got != want {
			t.Errorf("%v of %d asks %d, want %d", level, limit, got, want)
		}
	}
	f(50_000, 8_000, 40_000)
	f(5, 5_000, 3)
	f(1, 1, 1)
	f(3, LevelOne, 3)
	f(3, LevelOne+1, 4)
	f(MaxValue, LevelOne, MaxValue)
	f(MaxValue, 1, 900_719_925_475)
	f(MaxValue, 1<<40, math.MaxUint64)
}

// TestAsksAgainstBig compares with big integers. It also compares with Progress, by which a value
// reaches a level if and only if it is not below what the level asks.
func TestAsksAgainstBig(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 100_000 {
		limit := 1 + rnd.Uint64N(MaxValue)>>rnd.IntN(53)
		level := Level(1 + rnd.Uint64N(1<<40)>>rnd.IntN(40))
		got := asks(limit, level)
		n := new(big.Int).SetUint64(limit)
		n.Mul(n, new(big.Int).SetUint64(uint64(level))).Add(n, big.NewInt(9_999)).Quo(n, ten4)
		if want := n; want.IsUint64() && want.Uint64() != got || !want.IsUint64() && got != math.MaxUint64 {
			t.Fatalf("%v of %d asks %d, want %v", level, limit, got, want)
		}
		if got > MaxValue {
			continue
		}
		r := &Rule{Limits: []Limit{{Value: limit}}}
		if !r.Reaches(level, []Value{{Value: got}}) || r.Reaches(level, []Value{{Value: got - 1}}) {
			t.Fatalf("%v of %d asks %d, but Reaches disagrees", level, limit, got)
		}
	}
}

func TestCap(t *testing.T) {
	f := func(limit uint64, highest Level, maxMembers, want int) {
		t.Helper()
		r := &Rule{Limits: []Limit{{Value: 1}, {Value: limit}}, Levels: []Level{1, highest}}
		if got := r.Cap(1, maxMembers); got != want {
			t.Errorf("the cap of %v times %d is %d, want %d", highest, limit, got, want)
		}
	}
	f(2_000, LevelOne, DefaultMaxMembers, 20_000)
	f(2_000, 5*LevelOne, DefaultMaxMembers, 100_000)
	f(3, LevelOne+1, DefaultMaxMembers, 31) // 30.003
	f(100_000, LevelOne, DefaultMaxMembers, 1_000_000)
	f(100_001, LevelOne, DefaultMaxMembers, 1_000_000)
	f(MaxValue, 1<<40, DefaultMaxMembers, 1_000_000)
	f(2_000, LevelOne, 5, 5)
}
