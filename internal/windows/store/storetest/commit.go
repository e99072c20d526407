package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

func testApplied(t *testing.T, s store.Store) {
	d := Desk{t, s, 7}
	d.Wants(store.Commit{
		Fences:  []store.Fence{Fence("f0", "-", "10"), Fence("f1", "-", "")},
		Records: []store.Record{Record("r0", "-", "version1 a"), Record("r1", "-", "version1")},
		Puts:    []store.Put{Put("p0", "x"), Put("p1", "")},
	}, store.Result{})
	d.Holds("f0", "10", "f1", "", "r0", "version1 a", "r1", "version1", "p0", "x", "p1", "", "no", "-")
	d.Wants(store.Commit{
		Fences:  []store.Fence{Fence("f1", "", "5"), Fence("f0", "10", "11")},
		Records: []store.Record{Record("r1", "version1", "version2"), Record("r0", "version1", "version2 b")},
		Puts:    []store.Put{Put("p0", "y")},
	}, store.Result{})
	d.Holds("f0", "11", "f1", "5", "r0", "version2 b", "r1", "version2", "p0", "y")
	Desk{t, s, 8}.Holds("f0", "-", "r0", "-")
}

func testFenced(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	d.Put("is", "10", "empty", "", "r", "version1")
	d.Wants(store.Commit{
		Fences: []store.Fence{
			Fence("is", "10", "11"), Fence("is", "9", "11"), Fence("is", "1", "11"), Fence("is", "100", "11"),
			Fence("is", "-", "11"), Fence("is", "", "11"), Fence("empty", "-", "11"), Fence("empty", "", "11"),
			Fence("no", "10", "11"), Fence("no", "", "11"), Fence("no", "-", "11"), Fence("is", "0", "-"),
		},
		Records: []store.Record{Record("r", "version0", "version9")},
		Puts:    []store.Put{Put("p", "x")},
	}, store.Result{Outcome: store.Fenced, Fences: []store.Present{
		Held(1, "10"), Held(2, "10"), Held(3, "10"), Held(4, "10"), Held(5, "10"), Held(6, ""),
		Held(8, "-"), Held(9, "-"), Held(11, "10"),
	}})
	d.Holds("is", "10", "empty", "", "no", "-", "r", "version1", "p", "-")
}

func testStale(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	d.Put("f", "10", "a", "version1 and more", "short", "version", "empty", "")
	d.Wants(store.Commit{
		Fences: []store.Fence{Fence("f", "10", "11")},
		Records: []store.Record{
			Record("a", "version1", "version9"), Record("a", "version2", "version9"), Record("a", "-", "version9"),
			Record("short", "version1", "version9"), Record("empty", "version1", "version9"), Record("empty", "-", "version9"),
			Record("no", "version1", "version9"), Record("no", "-", "version9"), Record("a", "ersion1 ", "-"),
		},
		Puts: []store.Put{Put("p", "x")},
	}, store.Result{Outcome: store.Stale, Records: []store.Present{
		Held(1, "version1 and more"), Held(2, "version1 and more"), Held(3, "version"), Held(4, ""), Held(5, ""),
		Held(6, "-"), Held(8, "version1 and more"),
	}})
	d.Holds("f", "10", "a", "version1 and more", "short", "version", "empty", "", "no", "-", "p", "-")
}

func testComparedOnly(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	d.Put("f", "10", "r", "version1")
	compared := store.Commit{
		Fences:  []store.Fence{Fence("f", "10", "-"), Fence("no", "-", "-")},
		Records: []store.Record{Record("r", "version1", "-"), Record("none", "-", "-")},
	}
	d.Wants(compared, store.Result{})
	compared.Puts = []store.Put{Put("p", "x")}
	d.Wants(compared, store.Result{})
	d.Holds("f", "10", "no", "-", "r", "version1", "none", "-", "p", "x")
	d.Put("no", "")
	compared.Puts = []store.Put{Put("p", "y")}
	d.Wants(compared, store.Result{Outcome: store.Fenced, Fences: []store.Present{Held(1, "")}})
	d.Holds("p", "x")
}

func testDeletes(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	all := []string{"f", "10", "r", "version1", "p", "x", "q", ""}
	d.Put(all...)
	f := func(from, version string, want store.Result) {
		t.Helper()
		d.Wants(store.Commit{
			Fences:  []store.Fence{Fence("f", from, "-")},
			Records: []store.Record{Record("r", version, "-")},
			Deletes: Names("r", "p", "q", "no"),
		}, want)
	}
	f("9", "version1", store.Result{Outcome: store.Fenced, Fences: []store.Present{Held(0, "10")}})
	f("10", "version2", store.Result{Outcome: store.Stale, Records: []store.Present{Held(0, "version1")}})
	d.Holds(all...)
	f("10", "version1", store.Result{})
	d.Holds("f", "10", "r", "-", "p", "-", "q", "-")
	f("10", "version1", store.Result{Outcome: store.Stale, Records: []store.Present{Held(0, "-")}})
	d.Wants(store.Commit{Deletes: Names("f")}, store.Result{})
	d.Holds("f", "-")
}

func testAnyBytes(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	var every [256]byte
	for i := range every {
		every[i] = byte(i)
	}
	for _, size := range []int{0, 1, 31, 32, 255, 256, 65535, 65536} {
		value := strings.Repeat(string(every[:]), size/256+1)[:size]
		name := string(every[:]) + fmt.Sprint(size)
		version := value[:min(size, windows.VersionSize)] + "________"[min(size, windows.VersionSize):]
		d.Wants(store.Commit{
			Fences:  []store.Fence{Fence("f"+name, "-", value)},
			Records: []store.Record{Record("r"+name, "-", version+value)},
			Puts:    []store.Put{Put("p"+name, value)},
		}, store.Result{})
		d.Holds("f"+name, value, "r"+name, version+value, "p"+name, value)
		d.Wants(store.Commit{
			Fences:  []store.Fence{Fence("f"+name, value, "moved")},
			Records: []store.Record{Record("r"+name, version, "versionZ")},
		}, store.Result{})
		d.Wants(store.Commit{Fences: []store.Fence{Fence("f"+name, value, "lost")}},
			store.Result{Outcome: store.Fenced, Fences: []store.Present{Held(0, "moved")}})
	}
}

// testLargest commits as many keys, and as many bytes, as a commit may have.
func testLargest(t *testing.T, s store.Store) {
	d := Desk{t, s, 3}
	var c store.Commit
	for i := range store.MaxCommitKeys / 3 {
		name := fmt.Sprint(i)
		c.Fences = append(c.Fences, Fence("f"+name, "-", name))
		c.Records = append(c.Records, Record("r"+name, "-", "version1"+name))
		c.Puts = append(c.Puts, Put("p"+name, strings.Repeat("x", store.MaxCommitBytes/store.MaxCommitKeys*3)))
	}
	if c.Len() != store.MaxCommitKeys {
		t.Fatalf("%d keys", c.Len())
	}
	d.Wants(c, store.Result{})
	d.Holds("f0", "0", "f1299", "1299", "r1299", "version11299", "p1299", string(c.Puts[0].Value))
	res := d.Commit(c)
	if res.Outcome != store.Fenced || len(res.Fences) != len(c.Fences) {
		t.Errorf("outcome %d, %d fences", res.Outcome, len(res.Fences))
	}
	res = d.Commit(store.Commit{Records: c.Records, Puts: c.Puts})
	if res.Outcome != store.Stale || len(res.Records) != len(c.Records) {
		t.Errorf("outcome %d, %d records", res.Outcome, len(res.Records))
	}
	var gone store.Commit
	for i := range c.Puts {
		gone.Deletes = append(gone.Deletes, c.Puts[i].Key, c.Fences[i].Key, c.Records[i].Key)
	}
	d.Wants(gone, store.Result{})
	d.Holds("f0", "-", "r1299", "-", "p1299", "-")
	big := strings.Repeat("y", store.MaxCommitBytes)
	d.Wants(store.Commit{Puts: []store.Put{Put("big", big)}}, store.Result{})
	d.Holds("big", big)
}

// testOneWinner lets several goroutines move one fence: each step is won once.
func testOneWinner(t *testing.T, s store.Store) {
	const goroutines, steps = 8, 50
	d := Desk{t, s, 3}
	var won [steps]int
	var mu sync.Mutex
	var wg sync.WaitGroup
	race := func(me int) error {
		for step := 0; step < steps; {
			from, to := fmt.Sprint(step), fmt.Sprint(step+1)
			if step == 0 {
				from = "-"
			}
			res, err := s.Commit(t.Context(), d.Shard, d.Named(store.Commit{
				Fences: []store.Fence{Fence("f", from, to)}, Puts: []store.Put{Put("by"+to, fmt.Sprint(me))},
			}))
			if err != nil {
				return err
			}
			if res.Outcome == store.Done {
				mu.Lock()
				won[step]++
				mu.Unlock()
				step++
				continue
			}
			if _, err := fmt.Sscan(string(res.Fences[0].Value), &step); err != nil {
				return err
			}
		}
		return nil
	}
	for me := range goroutines {
		wg.Go(func() {
			if err := race(me); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for step, n := range won {
		if n != 1 {
			t.Errorf("step %d was won %d times", step, n)
		}
	}
}

// testInvalid gives what the caller must not give.
func testInvalid(t *testing.T, s store.Store) {
	f := func(c store.Commit) {
		t.Helper()
		defer func() {
			if bug, _ := recover().(string); !strings.HasPrefix(bug, "BUG: ") {
				t.Errorf("got %q", bug)
			}
		}()
		_, err := s.Commit(t.Context(), 3, &c)
		t.Errorf("no panic, error %v", err)
	}
	f(store.Commit{Puts: make([]store.Put, store.MaxCommitKeys+1)})
	f(store.Commit{Puts: make([]store.Put, store.MaxCommitKeys-1), Fences: make([]store.Fence, 1), Records: make([]store.Record, 1)})
	f(store.Commit{Deletes: make([][]byte, store.MaxCommitKeys+1)})
	f(store.Commit{Deletes: Names("x"), Puts: []store.Put{Put("p", "")}})
	f(store.Commit{Deletes: Names("x"), Fences: []store.Fence{Fence("f", "-", "")}})
	f(store.Commit{Deletes: Names("x"), Records: []store.Record{Record("r", "-", "version1")}})
	f(store.Commit{Records: []store.Record{Record("r", "version", "version1")}})
	f(store.Commit{Records: []store.Record{Record("r", "", "version1")}})
	f(store.Commit{Records: []store.Record{Record("r", "-", "version")}})
}
