package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
)

// The simulation runs the real processes: their start, assignment, partitions, shards,
// sweepers, relays and publishers. A production loop is a turn and a wait. Here the turns are taken
// one at a time, by one goroutine, in an order that a seed gives, in virtual time. At every
// call of the store or of Kafka the world may go on elsewhere: another goroutine's turn, a
// process that dies, a store that goes back, an answer that is lost.
//
// After each history counts and crossings are compared with internal/oracle.

var discard = slog.New(slog.DiscardHandler)

// simHistories is how many histories are made of one log: what is true of it has to be found once.
const simHistories = 16

// simRunner runs histories, one at a time.
type simRunner struct {
	kinds   []*simKind
	metrics *metrics.Metrics
	digest  bool      // histories tell a digest of themselves
	number  uint64    // of the log
	truth   *simTruth // nil: none yet
}

func newSimRunner(kinds []*simKind) *simRunner {
	return &simRunner{kinds: kinds, metrics: metrics.New(prometheus.NewRegistry(), kinds[0].program)}
}

// history runs the one of a seed; the error names what went wrong.
func (r *simRunner) history(t *testing.T, seed uint64) (told simTold, err error) {
	if n := seed / simHistories; r.truth == nil || r.number != n {
		r.number, r.truth = n, newSimTruth(r.kinds[n%uint64(len(r.kinds))], rand.New(rand.NewPCG(n, 8)))
	}
	synctest.Test(t, func(*testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				buf := make([]byte, 4096)
				err = fmt.Errorf("panic: %v\n%s", p, buf[:runtime.Stack(buf, false)])
			}
		}()
		w := newSimWorld(ctx, rand.New(rand.NewPCG(seed, 7)), r.truth, r.metrics)
		if told, err = w.run(ctx); r.digest {
			told.digest = w.digest()
		}
	})
	return told, err
}

// simTold is what a history tells of itself.
type simTold struct {
	crossings, clears, repeats int
	canaries                   int    // that crossed
	digest                     uint64 // of all that was published and stored, in order
}

func (s *simTold) add(o simTold) {
	s.crossings, s.clears, s.repeats, s.canaries = s.crossings+o.crossings, s.clears+o.clears, s.repeats+o.repeats, s.canaries+o.canaries
}

// simulation is many histories, run on all cores.
type simulation struct {
	seed, n uint64 // of the first; how many
	next    atomic.Uint64
	failed  atomic.Bool
	mu      sync.Mutex
	told    simTold
}

// simulate runs n histories from a seed on.
func simulate(t *testing.T, seed, n uint64) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	t.Logf("histories from seed %d on; SEED=s repeats the one of a seed", seed)
	kinds := simKinds(t)
	s := &simulation{seed: seed, n: n}
	t.Run("histories", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				s.work(t, newSimRunner(kinds))
			})
		}
	})
	if !s.failed.Load() {
		t.Logf("%d histories: %d crossings and %d clears, none missed, none wrong, %d repeats with an equal id; %d canaries",
			n, s.told.crossings, s.told.clears, s.told.repeats, s.told.canaries)
		if n >= 300 && s.told.canaries == 0 {
			t.Error("no canary came to its topic")
		}
	}
}

// work runs histories until there are no more, or one has failed.
func (s *simulation) work(t *testing.T, r *simRunner) {
	var sum simTold
	for from := s.take(); from < s.n; from = s.take() {
		if from > 0 && from%(1000*simHistories) == 0 {
			t.Logf("%d histories", from)
		}
		for i := from; i < min(s.n, from+simHistories) && !s.failed.Load(); i++ {
			told, err := r.history(t, s.seed+i)
			if err != nil {
				s.failed.Store(true)
				t.Errorf("history %d, SEED=%d: %v", i, s.seed+i, err)
			}
			sum.add(told)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told.add(sum)
}

func (s *simulation) take() uint64 { return s.next.Add(simHistories) - simHistories }

// TestSimulation runs some histories: SIMULATE=n so many, SEED=s the one of that seed.
func TestSimulation(t *testing.T) {
	if seed, ok := simNumber(t, "SEED"); ok {
		simulate(t, seed, 1)
		return
	}
	n, ok := simNumber(t, "SIMULATE")
	if !ok {
		n = 300
	}
	simulate(t, simSeed(), n)
}

// simNumber is a number that the environment gives.
func simNumber(t *testing.T, name string) (uint64, bool) {
	text := os.Getenv(name)
	if text == "" {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s is not a number", name, text)
	}
	return n, true
}

// simSeed is a new seed, at which a log begins.
func simSeed() uint64 { return uint64(time.Now().UnixNano()) / simHistories * simHistories }

// TestSimulationRepeats: a seed gives the same history again, to the last byte.
func TestSimulationRepeats(t *testing.T) {
	kinds := simKinds(t)
	seed := simSeed()
	digests := map[uint64]bool{}
	for i := range uint64(100) {
		seed := seed + i*(simHistories+1)
		one, two := newSimRunner(kinds), newSimRunner(kinds)
		one.digest, two.digest = true, true
		a, err := one.history(t, seed)
		b, err2 := two.history(t, seed)
		if err := errors.Join(err, err2); err != nil {
			t.Fatalf("SEED=%d: %v", seed, err)
		}
		if a != b {
			t.Fatalf("seed %d gave %+v, then %+v", seed, a, b)
		}
		digests[a.digest] = true
	}
	if len(digests) < 100 {
		t.Fatalf("100 seeds gave %d histories", len(digests))
	}
}
