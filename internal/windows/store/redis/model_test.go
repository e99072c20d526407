package redis

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store/storetest"
)

// TestModel does the same random things to Mem and to Redis, and compares every answer.
func TestModel(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := &twins{
		t: t, random: rand.New(rand.NewPCG(seed, 0)),
		mem: store.NewMem(3), redis: openRedis(t, Options{Addrs: []string{server.Addr()}}),
	}
	for step := 0; step < 5000 && !t.Failed(); step++ {
		w.step()
	}
	if !t.Failed() {
		w.compareAll()
	}
	if w.outcomes[store.Done] < 100 || w.outcomes[store.Fenced] < 100 || w.outcomes[store.Stale] < 100 {
		t.Errorf("outcomes %v: the histories are too plain", w.outcomes)
	}
}

// twins are two stores that are asked the same.
type twins struct {
	t        *testing.T
	random   *rand.Rand
	mem      *store.Mem
	redis    *Store
	outcomes [3]int
}

// both asks both stores and compares. f names keys by its store's Keys.
func (w *twins) both(what string, f func(s store.Store) (any, error)) any {
	w.t.Helper()
	a, err := f(w.mem)
	b, err2 := f(w.redis)
	if err != nil || err2 != nil || !reflect.DeepEqual(a, b) {
		w.t.Errorf("%s:\nmem   %+v, error %v\nredis %+v, error %v", what, a, err, b, err2)
	}
	return a
}

func (w *twins) step() {
	w.t.Helper()
	ctx, shard := w.t.Context(), w.random.IntN(3)
	key := func(s store.Store, name string) []byte { return s.Keys().AppendMetaKey(nil, shard, name) }
	name, value := w.name(), []byte(w.value())
	switch w.random.IntN(20) {
	case 16, 17, 18, 19:
		w.stepLists(shard)
	case 0:
		w.both("put", func(s store.Store) (any, error) { return nil, s.Put(ctx, shard, key(s, name), value) })
	case 1:
		w.both("put absent", func(s store.Store) (any, error) { return s.PutAbsent(ctx, shard, key(s, name), value) })
	case 2:
		w.both("delete", func(s store.Store) (any, error) { return nil, s.Delete(ctx, shard, key(s, name), key(s, "f0")) })
	case 3:
		w.both("scan", func(s store.Store) (any, error) { return w.scan(s, shard) })
	case 4, 5:
		due := store.Due{Member: []byte(name), Unix: int64(w.random.IntN(100)) - 20}
		if w.random.IntN(3) == 0 {
			w.both("arm absent", func(s store.Store) (any, error) { return nil, s.ArmAbsent(ctx, shard, due) })
		} else {
			w.both("arm", func(s store.Store) (any, error) { return nil, s.Arm(ctx, shard, due) })
		}
	case 6:
		w.both("disarm", func(s store.Store) (any, error) { return nil, s.Disarm(ctx, shard, []byte(name)) })
	case 7, 8:
		upTo, limit := int64(w.random.IntN(100))-20, w.random.IntN(10)
		w.both("armed", func(s store.Store) (any, error) { return s.Armed(ctx, shard, upTo, limit) })
	default:
		c := w.commit(shard)
		res := w.both(fmt.Sprintf("commit %+v", c), func(s store.Store) (any, error) {
			return s.Commit(ctx, shard, storetest.NewDesk(w.t, s, shard).Named(c))
		})
		w.outcomes[res.(store.Result).Outcome]++
	}
}

// scan returns all that a shard holds.
func (w *twins) scan(s store.Store, shard int) (map[string]string, error) {
	base := s.Keys().AppendMetaKey(nil, shard, "")
	keys, err := w.keys(s, shard, base)
	if err != nil {
		return nil, err
	}
	values, err := s.Load(w.t.Context(), shard, keys, nil)
	all := map[string]string{}
	for i, value := range values {
		if value == nil {
			return nil, fmt.Errorf("%q was found and is not there", keys[i])
		}
		all[string(keys[i][len(base):])] = string(value)
	}
	return all, err
}

// keys are the keys of a shard that begin with base.
func (w *twins) keys(s store.Store, shard int, base []byte) (keys [][]byte, err error) {
	note := func(key []byte) bool {
		if bytes.HasPrefix(key, base) {
			keys = append(keys, key)
		}
		return true
	}
	if mem, ok := s.(*store.Mem); ok {
		return keys, mem.Scan(w.t.Context(), shard, base, note)
	}
	_, err = scanNode(w.t.Context(), s.(*Store).client, "*", note, nil)
	return keys, err
}

func (w *twins) compareAll() {
	w.t.Helper()
	for shard := range 3 {
		w.both("all", func(s store.Store) (any, error) { return w.scan(s, shard) })
		w.both("all armed", func(s store.Store) (any, error) { return s.Armed(w.t.Context(), shard, 1000, 1000) })
		w.compareLists(shard)
	}
}

// commit makes a commit whose expectations are mostly, but not always, those of Mem.
func (w *twins) commit(shard int) store.Commit {
	d := storetest.NewDesk(w.t, w.mem, shard)
	read := func(name string) []byte {
		values, err := w.mem.Load(w.t.Context(), shard, [][]byte{d.Key(name)}, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		return values[0]
	}
	var c store.Commit
	deletes := w.random.IntN(4) == 0
	for _, i := range w.random.Perm(6)[:w.random.IntN(4)] {
		f := store.Fence{Key: fmt.Append(nil, "f", i), From: w.guess(read(fmt.Sprint("f", i)))}
		if !deletes {
			f.To = w.guess([]byte(w.value()))
		}
		c.Fences = append(c.Fences, f)
	}
	for _, i := range w.random.Perm(6)[:w.random.IntN(4)] {
		r := store.Record{Key: fmt.Append(nil, "r", i)}
		if present := read(string(r.Key)); len(present) >= windows.VersionSize {
			r.Version = w.guess(present[:windows.VersionSize])
		}
		if r.Version != nil && len(r.Version) != windows.VersionSize {
			r.Version = []byte("version0")
		}
		if !deletes && w.random.IntN(5) > 0 {
			r.Value = fmt.Append(nil, "version", w.random.IntN(10), w.value())
		}
		c.Records = append(c.Records, r)
	}
	for range w.random.IntN(3) {
		if deletes {
			c.Deletes = append(c.Deletes, []byte(w.name()))
		} else {
			c.Puts = append(c.Puts, store.Put{Key: []byte(w.name()), Value: []byte(w.value())})
		}
	}
	return c
}

// guess is mostly b, sometimes absent, empty, or different in a byte.
func (w *twins) guess(b []byte) []byte {
	switch w.random.IntN(16) {
	case 0:
		return nil
	case 1:
		return []byte{}
	case 2:
		b = slices.Clone(b)
		if len(b) > 0 {
			b[w.random.IntN(len(b))] ^= 1
		}
	}
	return b
}

// name is the name of any key, value any value: few, so that they meet.
func (w *twins) name() string { return fmt.Sprint(string("frp"[w.random.IntN(3)]), w.random.IntN(6)) }

func (w *twins) value() string {
	return []string{"", "\x00", "\xff\r\n", "version0", "version1", "version1 more"}[w.random.IntN(6)]
}
