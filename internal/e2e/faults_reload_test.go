//go:build slow

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// otherFaultsPack counts as faultsPack does. Its rules of incidents are others, and one of them is only tried. Other kinds of subject are fed
// by several partitions, of which one may have changed and another not: their rules stay.
var otherFaultsPack = strings.NewReplacer(
	"limits: {clicks: 1000}, levels: [0.1, 0.3, 0.5, 0.7, 0.9, 1, ", "limits: {clicks: 700}, levels: [0.2, 0.4, 0.6, 0.8, 1, 1.2, ",
	"levels: [0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 3, 4, ", "levels: [0.3, 0.5, 0.7, 1, 1.5, 2, 3, 4, ",
	"window: all,", "window: all, shadow: true,",
).Replace(faultsPack)

// testReload has processes reload other rules.
//
// Given three processes that share 12 partitions while events come, each with a pack of its own,
// when one after the other takes another pack, and one in three is killed in the middle of that,
// then counts are the oracle's, and crossings are those of the rules that decided each event.
func testReload(t *testing.T, kafka *servers.KafkaServer) {
	redis := servers.Redis(t, servers.RedisOptions{})
	packs, at := []string{faultsPack, otherFaultsPack}, make([]int, 3)
	var files []string
	for range at {
		files = append(files, servers.WriteFile(t, "pack.yaml", faultsPack))
	}
	x := newFaultRun(t, "reload of other rules, one in three with SIGKILL in the middle", kafka, faultRunOptions{
		processes: 3, partitions: 12, pace: 600, files: files, site: siteOptions{redis: redis.Addr(), pack: faultsPack},
	})
	x.oracle = func() *oracle.Oracle { return x.byHistories(packs) }
	for n := range repetitions(24, 600) {
		i := x.rng.IntN(3)
		at[i] = 1 - at[i]
		x.waitRandom(300 * time.Millisecond)
		draft := filepath.Join(filepath.Dir(files[i]), ".draft")
		if err := os.WriteFile(draft, []byte(packs[at[i]]), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(draft, files[i]); err != nil {
			t.Fatal(err)
		}
		x.processes[i].Signal(syscall.SIGHUP)
		x.result.faults++
		if n%3 == 2 {
			x.waitRandom(60 * time.Millisecond) // reading, running its tests, changing over
			x.processes[i].Kill()
			x.result.kills++
			x.removeMembers(x.processes[i])
			x.start(i, aggregator)
		}
		hash := fmt.Sprintf("hash=%q", hashOf(packs[at[i]]))
		eventually(t, "the pack is in force", func() bool { return x.processes[i].metric("aggregator_rules_info", hash) == 1 })
	}
	x.awaitCounting(x.processes...)
	x.conclude()
}

// byHistories is an oracle that decides each event by the pack that the store says decided it.
func (x *faultRun) byHistories(packs []string) *oracle.Oracle {
	x.t.Helper()
	o, ids := x.variants(packs)
	var of []histories
	for p := range x.partitions {
		of = append(of, x.histories(x.redis, p))
	}
	return o.Choose(func(by, subject string) int {
		at := x.feed.judging
		return ids[of[at.partition].at(windowstore.ShardOf(by, []byte(subject), x.shards), at.offset)]
	})
}
