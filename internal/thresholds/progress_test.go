package thresholds

import (
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestAgainstRationals compares every decision with a decision taken in rational numbers straight
// from the contract's words. The rules and values are random, most of them extreme or next to a
// boundary.
func TestAgainstRationals(t *testing.T) {
	rng := newRand(t)
	var exact, slow int
	for range 10_000 {
		r, v := randomRule(rng), []Value(nil)
		for _, l := range r.Limits {
			v = append(v, randomValue(rng, l.Value, r.Levels[rng.IntN(len(r.Levels))]))
		}
		progress := r.Progress(v)
		checkProgress(t, r, v, progress)
		for d := range uint64(3) {
			checkLevel(t, r, v, Level(max(progress, 1)-1+d))
		}
		for _, l := range r.Levels {
			checkLevel(t, r, v, l)
		}
		checkNext(t, r, v)
		checkClears(t, r, v)
		if t.Failed() {
			t.Fatalf("%+v\nvalues %v", r, v)
		}
		if r.Combine == Ratio && r.ratio.multiple == 0 {
			slow++
		}
		if !wantReaches(r, Level(progress), v, 1) {
			exact++
		}
	}
	t.Logf("%d cases exactly at a whole 1/10,000, %d ratios without a multiple", exact, slow)
	if exact < 500 || slow < 500 {
		t.Error("too few of them to prove anything")
	}
}

func checkProgress(t *testing.T, r *Rule, v []Value, got uint64) {
	if !wantReaches(r, Level(got), v, 0) {
		t.Errorf("progress %d is too large", got)
	}
	if got != math.MaxUint64 && wantReaches(r, Level(got+1), v, 0) {
		t.Errorf("progress %d is too small", got)
	}
	if slow := progressBig(r.Limits, v); r.Combine == Ratio && slow != got {
		t.Errorf("progress is %d, but %d by big integers", got, slow)
	}
}

func checkLevel(t *testing.T, r *Rule, v []Value, l Level) {
	if got, want := r.Reaches(l, v), wantReaches(r, l, v, 0); got != want {
		t.Errorf("reaches %v: %v, want %v", l, got, want)
	}
	var want []int
	for i := range v {
		if wantShare(r, v, i).Cmp(rational(uint64(l), uint64(LevelOne))) >= 0 {
			want = append(want, i)
		}
	}
	if got := r.Reached(l, v, nil); !slices.Equal(got, want) {
		t.Errorf("%v is reached by %v, want %v", l, got, want)
	}
}

func checkNext(t *testing.T, r *Rule, v []Value) {
	for _, announced := range append([]Level{0}, r.Levels...) {
		var want []Level
		for _, l := range r.Levels {
			if l > announced && wantReaches(r, l, v, 0) {
				want = append(want, l)
			}
		}
		if got := r.Next(announced, v, nil); !slices.Equal(got, want) {
			t.Errorf("after %v come %v, want %v", announced, got, want)
		}
	}
}

func checkClears(t *testing.T, r *Rule, v []Value) {
	want := r.Clear > 0 && !wantReaches(r, r.Clear, v, 0)
	for _, x := range v {
		want = want && !x.AtLeast
	}
	if got := r.Clears(v); got != want {
		t.Errorf("clears: %v, want %v", got, want)
	}
}

// wantReaches reports whether progress is at or above l; with more = 1, above it.
func wantReaches(r *Rule, l Level, v []Value, more int) bool {
	level, sum, count := rational(uint64(l), uint64(LevelOne)), new(big.Rat), 0
	for i := range v {
		share := wantShare(r, v, i)
		sum.Add(sum, share)
		if share.Cmp(level) >= more {
			count++
		}
	}
	switch r.Combine {
	case Any:
		return count > 0
	case All:
		return count == len(v)
	case AtLeast:
		return count >= r.K
	default:
		return sum.Cmp(level) >= more
	}
}

func wantShare(r *Rule, v []Value, i int) *big.Rat {
	return rational(v[i].Value, r.Limits[i].Value)
}

func rational(a, b uint64) *big.Rat {
	return new(big.Rat).SetFrac(new(big.Int).SetUint64(a), new(big.Int).SetUint64(b))
}

func randomRule(rng *rand.Rand) *Rule {
	r := &Rule{Combine: Combine(rng.IntN(4)), Clear: Level(rng.IntN(3) * rng.IntN(10_000))}
	number := randomNumber
	if rng.IntN(2) == 0 { // small limits have a common multiple, and meet levels exactly
		number = func(rng *rand.Rand) uint64 { return rng.Uint64N(60) + 1 }
	}
	for range 1 + rng.IntN(5) {
		r.Limits = append(r.Limits, Limit{Value: max(1, min(MaxValue, number(rng)))})
	}
	for range 1 + rng.IntN(4) {
		r.Levels = append(r.Levels, []Level{5_000, LevelOne, 1, Level(max(1, randomNumber(rng)))}[rng.IntN(4)])
	}
	slices.Sort(r.Levels)
	r.Levels = slices.Compact(r.Levels)
	r.K = 1 + rng.IntN(len(r.Limits))
	if rng.IntN(4) > 0 {
		r.ratio = newRatio(r.Limits)
	}
	return r
}

// randomValue is often one below, at or one above the level of the limit.
func randomValue(rng *rand.Rand, limit uint64, l Level) Value {
	value := randomNumber(rng)
	if rng.IntN(2) == 0 {
		asked := new(big.Int).Mul(new(big.Int).SetUint64(limit), new(big.Int).SetUint64(uint64(l)))
		asked.Add(asked, big.NewInt(9_999+10_000*(rng.Int64N(3)-1)))
		value = new(big.Int).Abs(asked.Div(asked, ten4)).Uint64()
	}
	return Value{Value: value, AtLeast: rng.IntN(8) == 0}
}

// randomNumber has any number of bits, and is often an end of the scale.
func randomNumber(rng *rand.Rand) uint64 {
	ends := []uint64{0, 1, 2, 3, 9_999, 10_000, 1 << 48, MaxValue - 1, MaxValue, math.MaxUint64}
	if i := rng.IntN(2 * len(ends)); i < len(ends) {
		return ends[i]
	}
	return rng.Uint64() >> rng.IntN(64)
}

// newRand is a new sequence each run; SEED=n repeats one.
func newRand(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
