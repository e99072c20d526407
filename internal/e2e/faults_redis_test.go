//go:build slow

package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// onRedis begins a run of two processes on a Redis of its own.
func onRedis(t *testing.T, fault string, kafka *servers.KafkaServer, args ...string) (*faultRun, *servers.RedisServer) {
	t.Helper()
	redis := servers.Redis(t, servers.RedisOptions{Args: args})
	return newFaultRun(t, fault, kafka, faultRunOptions{processes: 2, partitions: 12, pace: 600, site: siteOptions{redis: redis.Addr()}}), redis
}

// testRedisKill kills Redis, which keeps an append-only file: what it wrote is in the page cache.
//
// Given two processes on a Redis,
// when it is killed in the middle of commits, and started again,
// then no answer that was lost is taken for a failure: counts and crossings are the oracle's.
func testRedisKill(t *testing.T, kafka *servers.KafkaServer) {
	x, redis := onRedis(t, "SIGKILL of Redis", kafka)
	for range repetitions(5, 220) {
		x.waitRandom(700 * time.Millisecond)
		redis.Kill()
		if x.rng.IntN(4) == 0 {
			x.waitRandom(time.Second)
		}
		redis.Restart()
		x.awaitPublished()
		x.result.faults++
	}
	x.conclude()
}

// testPower cuts Redis' append-only file off at a random byte, as a loss of power does, and restarts it twice: a torn transaction
// shows at the second restart.
//
// Given two processes on a Redis,
// when it dies, loses the end of what it wrote, and is started twice,
// then the processes go back to the fences that it has: counts and crossings are the oracle's.
func testPower(t *testing.T, kafka *servers.KafkaServer) {
	const round = 55
	for all := repetitions(5, 220); all > 0; all -= round {
		x, redis := onRedis(t, "power loss: AOF cut at a random byte, two restarts", kafka)
		for range min(round, all) {
			x.waitRandom(700 * time.Millisecond)
			redis.Kill()
			redis.TearAOF(func(size int64) int64 {
				if x.rng.IntN(10) == 0 {
					return x.rng.Int64N(size + 1) // anywhere, back to the beginning
				}
				return size - x.rng.Int64N(min(size, 256<<10)+1)
			})
			redis.Restart()
			x.awaitPublished()
			redis.Kill()
			redis.Restart()
			x.awaitPublished()
			x.result.faults++
		}
		x.conclude()
	}
}

// testFlush empties Redis: everything is counted again from the start of the log.
func testFlush(t *testing.T, kafka *servers.KafkaServer) {
	x, redis := onRedis(t, "FLUSHALL, redis.lost: recount", kafka)
	store := x.store(x.redis)
	defer func() { _ = store.Close() }()
	for n := range repetitions(3, 30) {
		x.waitRandom(time.Second)
		redis.Do("FLUSHALL")
		if n%2 == 0 { // else again while it counts
			x.feed.stop(t)
			eventually(t, "all is counted again", func() bool { return x.settled(store) })
			x.feed.start()
		}
		x.result.faults++
	}
	if x.sum("aggregator_store_losses_total") == 0 {
		t.Error("no loss was noticed")
	}
	x.conclude()
}

// testRefuse empties Redis under processes whose config refuses that: they stop counting and log why, until they are started with another config.
func testRefuse(t *testing.T, kafka *servers.KafkaServer) {
	redis := servers.Redis(t, servers.RedisOptions{})
	x := newFaultRun(t, "FLUSHALL, redis.lost: refuse, until an operator says recount", kafka, faultRunOptions{
		processes: 2, partitions: 12, pace: 600, site: siteOptions{redis: redis.Addr()}, environ: []string{"AGGREGATOR_REDIS_LOST=refuse"},
	})
	x.awaitCommitted(x.ends(x.site.events))
	redis.Do("FLUSHALL")
	x.result.faults++
	for _, d := range x.processes {
		d.AwaitLog("partition stalled")
		if !strings.Contains(d.Log.String(), "its data was lost") {
			t.Errorf("%s does not say why it stands still", d.Name)
		}
	}
	if key := redis.Do("KEYS", "*f:*"); key != "" {
		t.Errorf("fences were made anew: %s", key)
	}
	x.environ = nil
	for i, d := range x.processes {
		d.Stop()
		x.start(i, aggregator)
	}
	x.awaitPublished()
	x.conclude()
}

// testUnwritable has Redis refuse writes, in all the ways it has, each for a while.
func testUnwritable(t *testing.T, kafka *servers.KafkaServer) {
	for _, f := range []struct {
		fault, kind string
		begin, end  []string
	}{
		{"maxmemory reached (OOM)", "oom", []string{"CONFIG", "SET", "maxmemory", "1"}, []string{"CONFIG", "SET", "maxmemory", "0"}},
		{"READONLY", "readonly", []string{"REPLICAOF", "127.0.0.1", "1"}, []string{"REPLICAOF", "NO", "ONE"}},
	} {
		t.Run(f.kind, func(t *testing.T) {
			x, redis := onRedis(t, f.fault, kafka)
			for range repetitions(2, 20) {
				x.waitRandom(500 * time.Millisecond)
				before := x.sum("aggregator_store_errors_total", f.kind)
				redis.Do(f.begin...)
				eventually(t, "writes are refused", func() bool { return x.sum("aggregator_store_errors_total", f.kind) > before })
				x.waitRandom(2 * time.Second)
				redis.Do(f.end...)
				x.awaitPublished()
				x.result.faults++
			}
			x.conclude()
		})
	}
}

// testLoading restarts a Redis that takes long to read its data.
func testLoading(t *testing.T, kafka *servers.KafkaServer) {
	x, redis := onRedis(t, "LOADING: Redis reads its data for some seconds", kafka, "--key-load-delay", "1500", "--loading-process-events-interval-bytes", "1024")
	for range repetitions(2, 20) {
		redis.Do("BGREWRITEAOF")
		x.waitRandom(time.Second)
		redis.Kill()
		redis.Restart()
		x.awaitPublished()
		x.result.faults++
	}
	if x.sum("aggregator_store_errors_total", `kind="loading"`) == 0 {
		t.Error("nobody met a Redis that is loading")
	}
	x.conclude()
}

// testDisk fills the disk of Redis, and makes room again.
func testDisk(t *testing.T, kafka *servers.KafkaServer) {
	const fault = "disk full for Redis (tmpfs)"
	dir, err := servers.SmallDisk(t, 48<<20)
	if err != nil {
		report.add(faultRow{fault: fault, note: "not run here: " + err.Error()})
		return
	}
	x, redis := onRedis(t, fault, kafka, "--dir", dir)
	ballast := filepath.Join(dir, "ballast")
	for range repetitions(2, 20) {
		x.waitRandom(500 * time.Millisecond)
		before := x.sum("aggregator_store_errors_total", "misconf")
		fill(t, ballast)
		eventually(t, "writes are refused", func() bool { return x.sum("aggregator_store_errors_total", "misconf") > before })
		if x.rng.IntN(2) == 0 {
			redis.Kill()
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		if redis.PID() == 0 {
			redis.Restart()
		}
		x.awaitPublished()
		x.result.faults++
		if size, _ := strconv.Atoi(strings.TrimSpace(infoOf(redis, "persistence", "aof_current_size"))); size > 16<<20 {
			redis.Do("BGREWRITEAOF")
			eventually(t, "the AOF is short again", func() bool { return infoOf(redis, "persistence", "aof_rewrite_in_progress") == "0" })
		}
	}
	x.conclude()
}

// fill writes a file until the disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for block := make([]byte, size); ; {
			if _, err := f.Write(block); err != nil {
				break
			}
		}
	}
}

// infoOf is a value of a section of INFO.
func infoOf(redis *servers.RedisServer, section, name string) string {
	for line := range strings.Lines(redis.Do("INFO", section)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}
