package windows

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func testApplied(t *testing.T, s Store) {
	d := desk{t, s, 7}
	d.wants(Commit{
		Fences:  []Fence{fence("f0", "-", "10"), fence("f1", "-", "")},
		Records: []Record{record("r0", "-", "version1 a"), record("r1", "-", "version1")},
		Puts:    []Put{put("p0", "x"), put("p1", "")},
	}, Result{})
	d.holds("f0", "10", "f1", "", "r0", "version1 a", "r1", "version1", "p0", "x", "p1", "", "no", "-")
	d.wants(Commit{
		Fences:  []Fence{fence("f1", "", "5"), fence("f0", "10", "11")},
		Records: []Record{record("r1", "version1", "version2"), record("r0", "version1", "version2 b")},
		Puts:    []Put{put("p0", "y")},
	}, Result{})
	d.holds("f0", "11", "f1", "5", "r0", "version2 b", "r1", "version2", "p0", "y")
	desk{t, s, 8}.holds("f0", "-", "r0", "-")
}

func testFenced(t *testing.T, s Store) {
	d := desk{t, s, 3}
	d.put("is", "10", "empty", "", "r", "version1")
	d.wants(Commit{
		Fences: []Fence{
			fence("is", "10", "11"), fence("is", "9", "11"), fence("is", "1", "11"), fence("is", "100", "11"),
			fence("is", "-", "11"), fence("is", "", "11"), fence("empty", "-", "11"), fence("empty", "", "11"),
			fence("no", "10", "11"), fence("no", "", "11"), fence("no", "-", "11"), fence("is", "0", "-"),
		},
		Records: []Record{record("r", "version0", "version9")},
		Puts:    []Put{put("p", "x")},
	}, Result{Outcome: Fenced, Fences: []Present{
		held(1, "10"), held(2, "10"), held(3, "10"), held(4, "10"), held(5, "10"), held(6, ""),
		held(8, "-"), held(9, "-"), held(11, "10"),
	}})
	d.holds("is", "10", "empty", "", "no", "-", "r", "version1", "p", "-")
}

func testStale(t *testing.T, s Store) {
	d := desk{t, s, 3}
	d.put("f", "10", "a", "version1 and more", "short", "version", "empty", "")
	d.wants(Commit{
		Fences: []Fence{fence("f", "10", "11")},
		Records: []Record{
			record("a", "version1", "version9"), record("a", "version2", "version9"), record("a", "-", "version9"),
			record("short", "version1", "version9"), record("empty", "version1", "version9"), record("empty", "-", "version9"),
			record("no", "version1", "version9"), record("no", "-", "version9"), record("a", "ersion1 ", "-"),
		},
		Puts: []Put{put("p", "x")},
	}, Result{Outcome: Stale, Records: []Present{
		held(1, "version1 and more"), held(2, "version1 and more"), held(3, "version"), held(4, ""), held(5, ""),
		held(6, "-"), held(8, "version1 and more"),
	}})
	d.holds("f", "10", "a", "version1 and more", "short", "version", "empty", "", "no", "-", "p", "-")
}

func testComparedOnly(t *testing.T, s Store) {
	d := desk{t, s, 3}
	d.put("f", "10", "r", "version1")
	compared := Commit{
		Fences:  []Fence{fence("f", "10", "-"), fence("no", "-", "-")},
		Records: []Record{record("r", "version1", "-"), record("none", "-", "-")},
	}
	d.wants(compared, Result{})
	compared.Puts = []Put{put("p", "x")}
	d.wants(compared, Result{})
	d.holds("f", "10", "no", "-", "r", "version1", "none", "-", "p", "x")
	d.put("no", "")
	compared.Puts = []Put{put("p", "y")}
	d.wants(compared, Result{Outcome: Fenced, Fences: []Present{held(1, "")}})
	d.holds("p", "x")
}

func testDeletes(t *testing.T, s Store) {
	d := desk{t, s, 3}
	all := []string{"f", "10", "r", "version1", "p", "x", "q", ""}
	d.put(all...)
	f := func(from, version string, want Result) {
		t.Helper()
		d.wants(Commit{
			Fences:  []Fence{fence("f", from, "-")},
			Records: []Record{record("r", version, "-")},
			Deletes: names("r", "p", "q", "no"),
		}, want)
	}
	f("9", "version1", Result{Outcome: Fenced, Fences: []Present{held(0, "10")}})
	f("10", "version2", Result{Outcome: Stale, Records: []Present{held(0, "version1")}})
	d.holds(all...)
	f("10", "version1", Result{})
	d.holds("f", "10", "r", "-", "p", "-", "q", "-")
	f("10", "version1", Result{Outcome: Stale, Records: []Present{held(0, "-")}})
	d.wants(Commit{Deletes: names("f")}, Result{})
	d.holds("f", "-")
}

func testAnyBytes(t *testing.T, s Store) {
	d := desk{t, s, 3}
	var every [256]byte
	for i := range every {
		every[i] = byte(i)
	}
	for _, size := range []int{0, 1, 31, 32, 255, 256, 65535, 65536} {
		value := strings.Repeat(string(every[:]), size/256+1)[:size]
		name := string(every[:]) + fmt.Sprint(size)
		version := value[:min(size, VersionSize)] + "________"[min(size, VersionSize):]
		d.wants(Commit{
			Fences:  []Fence{fence("f"+name, "-", value)},
			Records: []Record{record("r"+name, "-", version+value)},
			Puts:    []Put{put("p"+name, value)},
		}, Result{})
		d.holds("f"+name, value, "r"+name, version+value, "p"+name, value)
		d.wants(Commit{
			Fences:  []Fence{fence("f"+name, value, "moved")},
			Records: []Record{record("r"+name, version, "versionZ")},
		}, Result{})
		d.wants(Commit{Fences: []Fence{fence("f"+name, value, "lost")}},
			Result{Outcome: Fenced, Fences: []Present{held(0, "moved")}})
	}
}

// testLargest commits as many keys, and as many bytes, as a commit may have.
func testLargest(t *testing.T, s Store) {
	d := desk{t, s, 3}
	var c Commit
	for i := range MaxCommitKeys / 3 {
		name := fmt.Sprint(i)
		c.Fences = append(c.Fences, fence("f"+name, "-", name))
		c.Records = append(c.Records, record("r"+name, "-", "version1"+name))
		c.Puts = append(c.Puts, put("p"+name, strings.Repeat("x", MaxCommitBytes/MaxCommitKeys*3)))
	}
	if c.Len() != MaxCommitKeys {
		t.Fatalf("%d keys", c.Len())
	}
	d.wants(c, Result{})
	d.holds("f0", "0", "f1299", "1299", "r1299", "version11299", "p1299", string(c.Puts[0].Value))
	res := d.commit(c)
	if res.Outcome != Fenced || len(res.Fences) != len(c.Fences) {
		t.Errorf("outcome %d, %d fences", res.Outcome, len(res.Fences))
	}
	res = d.commit(Commit{Records: c.Records, Puts: c.Puts})
	if res.Outcome != Stale || len(res.Records) != len(c.Records) {
		t.Errorf("outcome %d, %d records", res.Outcome, len(res.Records))
	}
	var gone Commit
	for i := range c.Puts {
		gone.Deletes = append(gone.Deletes, c.Puts[i].Key, c.Fences[i].Key, c.Records[i].Key)
	}
	d.wants(gone, Result{})
	d.holds("f0", "-", "r1299", "-", "p1299", "-")
	big := strings.Repeat("y", MaxCommitBytes)
	d.wants(Commit{Puts: []Put{put("big", big)}}, Result{})
	d.holds("big", big)
}

// testOneWinner lets several goroutines move one fence: each step is won once.
func testOneWinner(t *testing.T, s Store) {
	const goroutines, steps = 8, 50
	d := desk{t, s, 3}
	var won [steps]int
	var mu sync.Mutex
	var wg sync.WaitGroup
	race := func(me int) error {
		for step := 0; step < steps; {
			from, to := fmt.Sprint(step), fmt.Sprint(step+1)
			if step == 0 {
				from = "-"
			}
			res, err := s.Commit(t.Context(), d.shard, d.named(Commit{
				Fences: []Fence{fence("f", from, to)}, Puts: []Put{put("by"+to, fmt.Sprint(me))},
			}))
			if err != nil {
				return err
			}
			if res.Outcome == Done {
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
func testInvalid(t *testing.T, s Store) {
	f := func(c Commit) {
		t.Helper()
		defer func() {
			if bug, _ := recover().(string); !strings.HasPrefix(bug, "BUG: ") {
				t.Errorf("got %q", bug)
			}
		}()
		_, err := s.Commit(t.Context(), 3, &c)
		t.Errorf("no panic, error %v", err)
	}
	f(Commit{Puts: make([]Put, MaxCommitKeys+1)})
	f(Commit{Puts: make([]Put, MaxCommitKeys-1), Fences: make([]Fence, 1), Records: make([]Record, 1)})
	f(Commit{Deletes: make([][]byte, MaxCommitKeys+1)})
	f(Commit{Deletes: names("x"), Puts: []Put{put("p", "")}})
	f(Commit{Deletes: names("x"), Fences: []Fence{fence("f", "-", "")}})
	f(Commit{Deletes: names("x"), Records: []Record{record("r", "-", "version1")}})
	f(Commit{Records: []Record{record("r", "version", "version1")}})
	f(Commit{Records: []Record{record("r", "", "version1")}})
	f(Commit{Records: []Record{record("r", "-", "version")}})
}
