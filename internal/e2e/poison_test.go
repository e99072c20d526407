//go:build slow

package e2e

import (
	"math/rand/v2"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestSlowPoison sends what no client would, again and again another kind of it, to a process that
// has the memory of deploy/k8s. After each a good event must be counted soon, and memory must stay
// within its bound. The process must come to rest, stop when it is asked to, and account for all.
// The test takes 30 seconds and draws always the same. In `make faults` it takes ten minutes and
// draws at random. POISON names the kinds (a regular expression), POISON_FOR how long, E2E_SEED
// repeats a run.
func TestSlowPoison(t *testing.T) {
	seed := uint64(13)
	if os.Getenv("E2E_SEED") != "" {
		seed = e2eSeed(t)
	}
	length := 30 * time.Second
	if text := os.Getenv("POISON_FOR"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	runPoison(t, seed, length)
}

// testPoison is its part in the faults.
func testPoison(t *testing.T) {
	runPoison(t, e2eSeed(t), max(30*time.Second, time.Duration(repetitions(0, 600))*time.Second))
}

// runPoison gives poison of all kinds, in turns, until the time is over. A kind that does harm is named, and the rest goes on with another site.
func runPoison(t *testing.T, seed uint64, length time.Duration) {
	kinds, kafka := poisonKinds(t), servers.SharedKafka(t)
	t.Logf("seed %d, %v, %d kinds", seed, length, len(kinds))
	g := &poisoner{rng: rand.New(rand.NewPCG(seed, 0)), large: length > time.Minute}
	w := newPoisonSite(t, kafka)
	began := time.Now()
	row := faultRow{fault: "records and batches that no client would write"}
	for n := 0; n < len(kinds) || time.Since(began) < length; n++ {
		if n%len(kinds) == 0 {
			g.rng.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		}
		k := kinds[n%len(kinds)]
		err := w.round(k, g)
		if err == nil && n%10 == 9 {
			err = w.checkIdle()
		}
		row.faults++
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			row.missed++
			w.d.Kill()
			row.events, row.wanted, row.stall = row.events+w.good, row.wanted+w.good, max(row.stall, w.slowest)
			w = newPoisonSite(t, kafka)
		}
	}
	if err := w.conclude(); err != nil {
		t.Errorf("in the end: %v", err)
	}
	row.events, row.wanted, row.stall = row.events+w.good, row.wanted+w.good, max(row.stall, w.slowest)
	report.add(row)
}

// poisonKinds are those that POISON names.
func poisonKinds(t *testing.T) (list []poisonKind) {
	t.Helper()
	wanted, err := regexp.Compile(os.Getenv("POISON"))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range allPoisonKinds {
		if wanted.MatchString(k.name) {
			list = append(list, k)
		}
	}
	if len(list) == 0 {
		t.Fatalf("no kind of poison has the name %s", wanted)
	}
	return list
}
