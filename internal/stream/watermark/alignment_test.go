package watermark

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// TestAlignmentNeverStandsStill draws partitions with silences and disorder, and reads them in a
// random order as far as the alignment allows. It checks that some partition may always go on and
// that none is further ahead than is allowed.
func TestAlignmentNeverStandsStill(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for n := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, n))
		readEvenly(t, rnd, 1+rnd.Int64N(100))
	}
}

// times are the times of a partition's events, with silences.
func times(rnd *rand.Rand) []int64 {
	var list []int64
	at := rnd.Int64N(50)
	for range rnd.IntN(100) {
		if at += rnd.Int64N(10); rnd.IntN(15) == 0 {
			at += rnd.Int64N(1000)
		}
		list = append(list, at)
	}
	return list
}

func readEvenly(t *testing.T, rnd *rand.Rand, ahead int64) {
	t.Helper()
	partitions := make([][]int64, 1+rnd.IntN(6))
	for i := range partitions {
		partitions[i] = times(rnd)
	}
	alignment := NewAlignment(len(partitions), 1, ahead, func() { t.Fatal("gave up") })
	for slices.ContainsFunc(partitions, func(p []int64) bool { return len(p) > 0 }) {
		moved := false
		for _, i := range rnd.Perm(len(partitions)) {
			moved = readSome(t, alignment, partitions, i) || moved
		}
		if !moved {
			t.Fatalf("nobody may go on, ahead %d", ahead)
		}
	}
}

// readSome reads partition i as far as it may go, and reports whether it got anywhere.
func readSome(t *testing.T, alignment *Alignment, partitions [][]int64, i int) bool {
	t.Helper()
	if len(partitions[i]) == 0 {
		moved := alignment.reached[i][0].Load() != engine.Never
		alignment.Set(i, 0, true)
		return moved
	}
	for moved := alignment.reached[i][0].Load() == engine.NoTime; ; moved = true { // to begin is to get somewhere
		if len(partitions[i]) == 0 {
			return moved
		}
		at := partitions[i][0]
		alignment.Set(i, max(alignment.reached[i][0].Load(), at), false)
		if at > alignment.Bound(i) {
			return moved
		}
		for j, other := range partitions {
			if j != i && len(other) > 0 && other[0] < at-alignment.Ahead() {
				t.Fatalf("partition %d is at %d, %d has %d to come: more than %d behind", i, at, j, other[0], alignment.Ahead())
			}
		}
		partitions[i] = partitions[i][1:]
	}
}

// TestFenceOfAReaderBefore: a fence is believed that its partition was caught up if it is not
// before what the log held when the generation began.
func TestFenceOfAReaderBefore(t *testing.T) {
	alignment := NewAlignment(1, 1, 1, func() {})
	f := func(offset int64, want bool) {
		t.Helper()
		if m := alignment.Trusted(0, position.Position{Offset: offset, Ended: true, Idle: true}); m.Ended != want || m.Idle != want {
			t.Errorf("a fence at %d: ended %v, idle %v, want %v", offset, m.Ended, m.Idle, want)
		}
	}
	f(10, false) // the end is not known
	alignment.logEnds[0].Store(10)
	f(9, false)
	f(10, true)
	alignment.Begin()
	f(10, false)
}

// TestOursTellThemselves: a shard that has not heard yet that a partition is ours does not put it back.
func TestOursTellThemselves(t *testing.T) {
	alignment := NewAlignment(2, 2, 1, func() {})
	alignment.local[0].Store(true)
	alignment.Set(0, 50, false)
	alignment.Stored(0, 1, 10, false)
	if low := alignment.Slowest(1); low != 50 {
		t.Errorf("partition 0 is at %d, want 50", low)
	}
	alignment.local[0].Store(false)
	alignment.Stored(0, 1, 60, false)
	if low := alignment.Slowest(1); low != 50 { // what is stored in the other shard is still to come
		t.Errorf("partition 0 is at %d, want 50", low)
	}
}
