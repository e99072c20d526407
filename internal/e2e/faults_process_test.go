//go:build slow

package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// points are where a process may kill itself: before, in and after a commit and a publish, and around them.
var points = []string{
	"commit 1 0s", "commit 3 0s", "commit 1 1ms", "commit 2 3ms", "committed 1 0s", "committed 2 0s", "indexed 1 0s",
	"publish 1 0s", "publish 1 2ms", "publish 1 8ms", "published 1 0s", "published 2 0s", "noted 1 0s", "noted 2 0s", "offsets 1 0s", "offsets 1 2ms",
}

// killRound is how many processes of one run are killed before it is compared with the oracle.
const killRound = 60

// testKill kills processes: at random, and at named points before, in and after a commit and a publish.
//
// Given three processes that share 12 partitions while events come,
// when one, two or all of them are killed, and started again, as often as the run says,
// then counts and crossings are the oracle's.
func testKill(t *testing.T, kafka *servers.KafkaServer) {
	redis := servers.Redis(t, servers.RedisOptions{})
	all := repetitions(16, 1_080)
	for done := 0; done < all; done += killRound {
		n := min(killRound, all-done)
		t.Run(fmt.Sprintf("From%d", done), func(t *testing.T) { killMany(t, kafka, redis, n) })
	}
}

func killMany(t *testing.T, kafka *servers.KafkaServer, redis *servers.RedisServer, n int) {
	x := newFaultRun(t, "SIGKILL of processes, at random and at named points", kafka, faultRunOptions{
		processes: 3, partitions: 12, pace: 600, site: siteOptions{redis: redis.Addr()},
	})
	for x.result.kills < n {
		victims := x.rng.Perm(3)[:1+[]int{0, 0, 0, 1, 1, 2}[x.rng.IntN(6)]]
		var dead []*daemon
		for _, i := range victims {
			dead = append(dead, x.processes[i])
		}
		x.killAll(dead)
		if x.rng.IntN(20) > 0 { // else their sessions run out by themselves
			x.removeMembers(dead...)
		}
		for _, i := range victims {
			x.start(i, faultAggregator, "FAULTPOINT="+points[x.rng.IntN(len(points))])
		}
		x.awaitCounting(x.processes...)
		x.result.kills += len(victims)
		x.result.faults += len(victims)
	}
	x.conclude()
}

// killAll kills processes: at the points that they were started with, or at random.
func (x *faultRun) killAll(list []*daemon) {
	x.t.Helper()
	for _, d := range list {
		if x.rng.IntN(3) > 0 {
			d.Signal(syscall.SIGUSR1) // which kills a process that has no points
			continue
		}
		x.waitRandom(200 * time.Millisecond)
		d.Signal(syscall.SIGKILL)
	}
	for _, d := range list {
		select {
		case <-d.Done():
		case <-time.After(4 * time.Second): // it did not pass its point: it may have no relay
			d.Kill()
		}
	}
}

// testZombie stops a process until others have long taken over what it had, and lets it go on, with its last batch in hand.
//
// Given three processes that share 12 partitions while events come,
// when one is stopped, loses its partitions to the others, and wakes up with a batch of the old generation,
// then the fence refuses that batch: counts and crossings are the oracle's.
func testZombie(t *testing.T, kafka *servers.KafkaServer) {
	redis := servers.Redis(t, servers.RedisOptions{})
	x := newFaultRun(t, "SIGSTOP of an owner until it lost its partitions, then SIGCONT", kafka, faultRunOptions{
		processes: 3, partitions: 12, pace: 600, site: siteOptions{redis: redis.Addr()},
	})
	for n := range repetitions(2, 60) {
		zombie := x.processes[x.rng.IntN(3)]
		x.waitRandom(500 * time.Millisecond)
		zombie.Signal(syscall.SIGSTOP)
		enough := time.After(3200 * time.Millisecond) // the group would take longer
		if n%10 != 9 {                                // else its session runs out by itself
			x.removeMembers(zombie)
		}
		x.awaitCommitted(x.ends(x.site.events))
		<-enough
		zombie.Signal(syscall.SIGCONT)
		x.awaitRejoined(zombie)
		x.result.faults++
	}
	x.conclude()
}

// awaitCommitted waits until the group has committed offsets.
func (x *faultRun) awaitCommitted(offsets map[int32]int64) {
	x.t.Helper()
	eventually(x.t, "others take over", func() bool {
		committed := x.committed()
		for p, offset := range offsets {
			if committed[p] < offset {
				return false
			}
		}
		return true
	})
}

// awaitRejoined waits until a process counts again.
func (x *faultRun) awaitRejoined(d *daemon) {
	x.t.Helper()
	before := d.metric("aggregator_events_total")
	eventually(x.t, d.Name+" counts again", func() bool { return d.metric("aggregator_events_total") > before+50 })
}
