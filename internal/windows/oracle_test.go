package windows

import (
	"math/big"
	"slices"
)

// oracle keeps every add and counts again by loop whenever it is asked. It
// shares no arithmetic with the package.
type oracle struct {
	specs []Spec
	sizes Sizes
	now   int64
	timed bool
	adds  [][]added // by counter
	lost  [][]int64 // buckets that something was dropped from
	n     []int     // chunks
}

// added is an add as it happened: what counted of it, at which time of the subject.
type added struct {
	t, now   int64
	key, num uint64
	gone     bool // the key was displaced
}

// member is what the oracle knows of a live key.
type member struct {
	last   int64
	weight uint64
}

func newOracle(specs []Spec, sz Sizes) *oracle {
	n := len(specs)
	return &oracle{specs: specs, sizes: sz, adds: make([][]added, n), lost: make([][]int64, n), n: make([]int, n)}
}

func (o *oracle) bucket(i int, t int64) int64 {
	step := o.specs[i].Step
	if step == 0 {
		return 0
	}
	return (t - (t%step+step)%step) / step
}

// in reports whether bucket b is in the window at time now.
func (o *oracle) in(i int, b, now int64) bool {
	return o.specs[i].Step == 0 || b >= o.bucket(i, now)-o.specs[i].N
}

func (o *oracle) late(i int, t int64) bool {
	return o.timed && !o.in(i, o.bucket(i, t), o.now)
}

func (o *oracle) advance(t int64) {
	if o.timed && t <= o.now {
		return
	}
	o.now, o.timed = t, true
	for i := range o.specs {
		if len(o.members(i, t)) == 0 {
			o.n[i] = 0
		}
	}
}

// members are the live keys at time now, by going through all adds.
func (o *oracle) members(i int, now int64) map[uint64]member {
	ms := map[uint64]member{}
	if op := o.specs[i].Op; op == Sum || op == First {
		return ms
	}
	for _, a := range o.adds[i] {
		b := o.bucket(i, a.t)
		m, ok := ms[a.key]
		switch {
		case a.gone:
			delete(ms, a.key)
		case ok && o.in(i, m.last, a.now):
			ms[a.key] = member{max(m.last, b), max(m.weight, a.num)}
		default:
			ms[a.key] = member{b, a.num}
		}
	}
	for key, m := range ms {
		if !o.in(i, m.last, now) {
			delete(ms, key)
		}
	}
	return ms
}

func (o *oracle) add(i int, t int64, key, num uint64) {
	before := len(o.members(i, o.now))
	switch o.specs[i].Op {
	case Sum:
		v, _ := o.valueAt(i, o.now)
		if room := MaxValue - v; num > room {
			o.lost[i] = append(o.lost[i], o.bucket(i, t))
			num = room
		}
	case Distinct, Weighted:
		o.enter(i, key)
	}
	o.adds[i] = append(o.adds[i], added{t: t, now: o.now, key: key, num: num})
	if live := len(o.members(i, o.now)); live > before {
		o.grow(i, live)
	}
}

// enter makes room for a new key at the cap.
func (o *oracle) enter(i int, key uint64) {
	ms := o.members(i, o.now)
	if _, ok := ms[key]; ok || len(ms) < o.specs[i].Cap {
		return
	}
	var keys []uint64
	for k := range ms {
		if o.chunk(i, k) == o.chunk(i, key) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return
	}
	oldest := slices.MinFunc(keys, func(a, b uint64) int {
		if ms[a].last != ms[b].last {
			return int(ms[a].last - ms[b].last)
		}
		if a < b {
			return -1
		}
		return 1
	})
	o.lost[i] = append(o.lost[i], ms[oldest].last)
	o.adds[i] = append(o.adds[i], added{key: oldest, gone: true, now: o.now})
}

// chunk is where a key is, by doing all splits so far one after the other.
func (o *oracle) chunk(i int, key uint64) int {
	at := 0
	for next := 1; next < o.n[i]; next++ {
		half := 1
		for half*2 <= next {
			half *= 2
		}
		if at == next-half && key&uint64(half) != 0 {
			at = next
		}
	}
	return at
}

// grow adds a chunk after an add of a new key, not a displacing one.
func (o *oracle) grow(i, live int) {
	switch {
	case o.n[i] == 0 && live > o.sizes.Inline:
		o.n[i] = 1
	case o.n[i] > 0 && live > o.sizes.Chunk*o.n[i]:
		o.n[i]++
	}
}

// valueAt is the value at time now.
func (o *oracle) valueAt(i int, now int64) (uint64, bool) {
	sum := new(big.Int)
	switch o.specs[i].Op {
	case First:
		return 0, false
	case Sum:
		for _, a := range o.adds[i] {
			if o.in(i, o.bucket(i, a.t), now) {
				sum.Add(sum, new(big.Int).SetUint64(a.num))
			}
		}
	case Distinct:
		sum.SetInt64(int64(len(o.members(i, now))))
	case Weighted:
		for _, m := range o.members(i, now) {
			sum.Add(sum, new(big.Int).SetUint64(m.weight))
		}
	}
	atLeast := slices.ContainsFunc(o.lost[i], func(b int64) bool { return o.in(i, b, now) })
	if sum.Cmp(big.NewInt(MaxValue)) > 0 {
		return MaxValue, true
	}
	return sum.Uint64(), atLeast
}

// nextChange tries the start of every bucket until the window is empty.
func (o *oracle) nextChange(i int, t int64) (int64, bool) {
	sp := o.specs[i]
	if sp.Step == 0 {
		return 0, false
	}
	v, atLeast := o.valueAt(i, t)
	for b := o.bucket(i, t) + 1; b <= o.bucket(i, t)+sp.N+1; b++ {
		if v2, a2 := o.valueAt(i, b*sp.Step); v2 != v || a2 != atLeast {
			return b * sp.Step, true
		}
	}
	return 0, false
}

func (o *oracle) preceded(i int, t int64) bool {
	return slices.ContainsFunc(o.adds[i], func(a added) bool {
		return a.t <= t && o.in(i, o.bucket(i, a.t), o.now)
	})
}

// empty reports whether all windows are, and no value is a lower bound.
func (o *oracle) empty(now int64) bool {
	for i := range o.specs {
		v, atLeast := o.valueAt(i, now)
		held := len(o.members(i, now)) > 0 || o.specs[i].Op == First && slices.ContainsFunc(o.adds[i], func(a added) bool {
			return o.in(i, o.bucket(i, a.t), now)
		})
		if v > 0 || atLeast || held {
			return false
		}
	}
	return true
}
