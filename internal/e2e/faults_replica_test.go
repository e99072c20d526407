//go:build slow

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// testFailover has Sentinels fail over to a replica that lags: what the master wrote last is lost. Now and then the master is not
// dead but stopped, and wakes up when another is master.
//
// Given two processes on a master with a replica,
// when the replica lags, the master dies or sleeps, and the Sentinels make the replica the master,
// then the processes go back to the fences that the replica has: counts and crossings are the oracle's.
func testFailover(t *testing.T, kafka *servers.KafkaServer) {
	w := servers.RedisSentinel(t)
	x := newFaultRun(t, "failover to a lagging replica (Sentinel)", kafka, faultRunOptions{
		processes: 2, partitions: 12, pace: 600,
		site: siteOptions{redis: strings.Join(w.Addrs(), ","), master: w.MasterName},
	})
	master, replica := w.Master, w.Replica
	for n := range repetitions(2, 30) {
		x.waitRandom(time.Second)
		replica.Pause()
		master.Do("CLIENT", "KILL", "TYPE", "replica") // what it was not sent yet, it never is
		x.waitRandom(1500 * time.Millisecond)
		asleep := n%3 == 1
		if asleep {
			master.Pause()
		} else {
			master.Kill()
		}
		replica.Resume()
		eventually(t, "a failover", func() bool { return w.MasterAddr() == replica.Addr() })
		if asleep {
			x.waitRandom(time.Second)
			master.Resume()
		} else {
			master.Restart()
		}
		x.awaitPublished()
		master, replica = replica, master
		awaitReplica(t, master, replica)
		x.result.faults++
	}
	if x.sum("aggregator_fence_rewinds_total") == 0 {
		t.Error("no process went back to its fences: nothing was lost")
	}
	x.conclude()
}

// awaitReplica waits until a replica is in step with its master, as the Sentinels have told it to be.
func awaitReplica(t *testing.T, master, replica *servers.RedisServer) {
	t.Helper()
	_, port, _ := strings.Cut(master.Addr(), ":")
	eventually(t, "the old master is a replica in step", func() bool {
		link, err := replica.Try("INFO", "replication")
		return err == nil && strings.Contains(link, "master_port:"+port) && strings.Contains(link, "master_link_status:up")
	})
}

// testCluster moves slots of a Cluster under load, and kills nodes.
func testCluster(t *testing.T, kafka *servers.KafkaServer) {
	const shards = 64
	c := servers.RedisCluster(t, 3)
	x := newFaultRun(t, "slot migration under load (Cluster of three)", kafka, faultRunOptions{
		processes: 2, partitions: 12, pace: 600,
		site: siteOptions{redis: strings.Join(c.Addrs(), ","), shards: shards},
	})
	for range repetitions(10, 200) {
		tag := fmt.Sprintf("{%02d}", x.rng.IntN(shards))
		c.MoveSlot(tag, c.Nodes[x.rng.IntN(3)], func() { x.waitRandom(60 * time.Millisecond) })
		x.result.faults++
	}
	x.awaitPublished()
	moved := x.result.faults
	x.conclude()
	if moved == 0 {
		t.Error("nothing was moved")
	}
}

// testClusterKill kills nodes of a Cluster without replicas.
//
// Given two processes on a Cluster of three nodes,
// when a node is killed, now and then loses the end of its append-only file, and is started again,
// then the shards of that node go back to their fences: counts and crossings are the oracle's.
func testClusterKill(t *testing.T, kafka *servers.KafkaServer) {
	c := servers.RedisCluster(t, 3)
	x := newFaultRun(t, "SIGKILL of a node of a Cluster", kafka, faultRunOptions{
		processes: 2, partitions: 12, pace: 600,
		site: siteOptions{redis: strings.Join(c.Addrs(), ","), shards: 64},
	})
	for n := range repetitions(2, 20) {
		node := c.Nodes[x.rng.IntN(3)]
		x.waitRandom(500 * time.Millisecond)
		node.Kill()
		x.waitRandom(3 * time.Second)
		if n%2 == 1 {
			node.TearAOF(func(size int64) int64 { return size - x.rng.Int64N(min(size, 64<<10)+1) })
		}
		node.Restart()
		x.awaitPublished()
		x.result.faults++
	}
	x.conclude()
}
