package stream

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// flaky is a store whose calls fail now and then, before or after they took
// effect: an answer that is lost leaves open which.
type flaky struct {
	windowstore.Store
	mu  sync.Mutex
	rnd *rand.Rand
	bad float64
}

var errCut = &cutError{}

type cutError struct{}

func (*cutError) Error() string { return "connection cut by the test" }
func (*cutError) Unwrap() error { return syscall.ECONNRESET }

func (f *flaky) roll() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rnd.Float64() < f.bad
}

func (f *flaky) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	if f.roll() {
		return nil, errCut
	}
	return f.Store.Load(ctx, shard, keys, dst)
}

func (f *flaky) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	if f.roll() {
		return windowstore.Result{}, errCut
	}
	res, err := f.Store.Commit(ctx, shard, c)
	if err == nil && f.roll() {
		return windowstore.Result{}, errCut
	}
	return res, err
}

func (f *flaky) Put(ctx context.Context, shard int, key, value []byte) error {
	if f.roll() {
		return errCut
	}
	return f.Store.Put(ctx, shard, key, value)
}

// TestLostAnswers: every call of the store may fail, having worked or not.
func TestLostAnswers(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	if !errors.Is(errCut, syscall.ECONNRESET) {
		t.Fatal("not a cut connection")
	}
	const partitions = 4
	r := newRig(t, partitions, compile(t, widePack))
	store := &flaky{Store: windowstore.NewMem(DefaultShards), rnd: rand.New(rand.NewPCG(seed, 3)), bad: 0.1}
	a := r.start(store, nil)
	b := r.start(store, nil)
	for p, events := range spread(story(rand.New(rand.NewPCG(seed, 2)), 30_000, 40, 300), partitions) {
		r.send(p, events...)
	}
	r.counted()
	// A relay may wait for seconds after errors. What it has not published when it ends is left to the next owner, of which there is none.
	eventually(t, time.Minute, func() bool { return deepest(t, store.Store) == 0 })
	a.end(t)
	b.end(t)
	r.checkAll(t, store.Store, false)
}
