//go:build slow

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// brokersRound is how often brokers of one run are killed before it is compared with the oracle.
const brokersRound = 16

// testBrokers kills brokers, mostly one of the three, once in a round two or all, and has leaders elected when they are back.
//
// Given two processes and topics of three replicas,
// when brokers are killed and started again,
// then counts and crossings are the oracle's, and no crossing is published twice.
func testBrokers(t *testing.T, kafka *servers.KafkaServer) {
	for all := repetitions(1, 6*brokersRound); all > 0; all -= brokersRound {
		x, _ := onRedis(t, "SIGKILL of brokers, then leader election", kafka)
		for n := range min(all, brokersRound) {
			victims := 1
			if n == brokersRound-1 {
				victims = 2 + x.rng.IntN(2)
			}
			x.killBrokers(kafka, x.rng.Perm(3)[:victims])
		}
		x.conclude()
	}
}

// killBrokers kills some brokers, and starts them again.
func (x *faultRun) killBrokers(kafka *servers.KafkaServer, victims []int) {
	x.t.Helper()
	x.waitRandom(500 * time.Millisecond)
	for _, i := range victims {
		kafka.Broker(i).Kill()
		x.result.faults++
	}
	if len(victims) == 1 {
		x.awaitPublished() // without it
	}
	kafka.StartAll()
	kafka.AwaitCopies(x.site.events, x.crossings, x.dead)
	kafka.ElectLeaders()
	x.awaitPublished()
}

// stageOf is the config of the next records of a run.
func (x *faultRun) stageOf(partitions int) gen.Config {
	c := x.feed.stages[len(x.feed.stages)-1].config
	c.Seed++
	c.Partitions = partitions
	return c
}

// testMorePartitions raises the number of partitions of the events' topic under running processes.
//
// Given two processes that share the partitions of a topic,
// when the topic gets two more and events go to those as well,
// then the group rebalances and reads them: counts and crossings are the oracle's.
func testMorePartitions(t *testing.T, kafka *servers.KafkaServer) {
	x, _ := onRedis(t, "number of partitions raised", kafka)
	for range repetitions(1, 5) {
		x.waitRandom(time.Second)
		x.feed.stop(t)
		x.partitions += 2
		kafka.AddPartitions(x.site.events, x.partitions)
		x.connect()
		x.feed.next(x.stageOf(x.partitions))
		x.feed.start()
		eventually(t, "the new partitions are read", func() bool { return x.committed()[int32(x.partitions-1)] > 0 })
		x.result.faults++
	}
	x.conclude()
}

// testTopicAgain deletes the events' topic and recreates it. Offsets of the old one mean nothing in
// it. The processes end and say so, also those started later, until they are given a new group and
// an empty store.
func testTopicAgain(t *testing.T, kafka *servers.KafkaServer) {
	x, _ := onRedis(t, "topic deleted and made anew", kafka)
	for n := range repetitions(1, 5) {
		x.waitRandom(2 * time.Second)
		x.feed.stop(t)
		store := x.store(x.redis) // the part of it that is theirs now
		eventually(t, "everything is counted", func() bool { return x.settled(store) })
		_ = store.Close()
		kafka.DeleteTopic(x.site.events)
		x.createAgain(kafka)
		x.lostStages = len(x.feed.stages)
		x.feed.next(x.stageOf(x.partitions))
		x.feed.start()
		for i, d := range x.processes {
			d.awaitRefusal()
			x.start(i, aggregator).awaitRefusal()
		}
		x.moveOn(n)
		x.result.faults++
	}
	x.result.note = "not survived: offsets of a deleted topic mean nothing in a new one, so the processes end and say so, until they get a new group and an empty store"
	x.conclude()
}

// awaitRefusal waits until a process has ended by itself, since the topic is another one.
func (d *daemon) awaitRefusal() {
	d.t.Helper()
	d.AwaitLog("ended")
	<-d.Done()
	if code := d.ExitCode(); code != exitFailed || !strings.Contains(d.Log.String(), "the topic was deleted and made anew") {
		d.t.Errorf("%s: exit code %d:\n%s", d.Name, code, d.Log.String())
	}
}

// createAgain makes the events' topic again, as soon as Kafka has forgotten the one before.
func (x *faultRun) createAgain(kafka *servers.KafkaServer) {
	x.t.Helper()
	eventually(x.t, "the topic is gone", func() bool { return !kafka.HasTopic(x.site.events) })
	kafka.CreateTopic(x.site.events, x.partitions, nil)
	x.connect()
}

// moveOn has the deployment begin again: another group, another part of the store, another topic of crossings.
func (x *faultRun) moveOn(n int) {
	x.t.Helper()
	x.group = fmt.Sprintf("%s-again-%d", x.site.events, n)
	x.prefix, x.crossings = x.group+":", x.group+"-crossings"
	x.kafka.CreateTopic(x.crossings, crossingPartitions, nil)
	x.environ = []string{"AGGREGATOR_KAFKA_GROUP=" + x.group, "AGGREGATOR_REDIS_PREFIX=" + x.prefix, "AGGREGATOR_KAFKA_CROSSINGS=" + x.crossings}
	for i := range x.processes {
		x.start(i, aggregator)
	}
	x.awaitCounting(x.processes...)
	x.publishing.stop()
	x.publishing = watchPublishing(x) // what came before stood still for good
}

// testRetention deletes records before they were read: they are counted as a hole, and nothing else is missing.
func testRetention(t *testing.T, kafka *servers.KafkaServer) {
	// Whether an event is a repeat the log no longer says, where it was deleted.
	x := newFaultRun(t, "retention overtakes the consumer", kafka, faultRunOptions{
		processes: 2, partitions: 12, pace: 600, repeats: -1, site: siteOptions{redis: servers.Redis(t, servers.RedisOptions{}).Addr()},
	})
	store := x.store(x.redis)
	defer func() { _ = store.Close() }()
	type gap struct{ from, to int64 }
	gaps, holes := map[int32][]gap{}, int64(0)
	x.lost = func(at logPosition) bool {
		for _, g := range gaps[at.partition] {
			if at.offset >= g.from && at.offset < g.to {
				return true
			}
		}
		return false
	}
	for range repetitions(1, 10) {
		x.waitRandom(2 * time.Second)
		x.feed.stop(t)
		eventually(t, "everything is counted", func() bool { return x.settled(store) })
		for _, d := range x.processes {
			d.Stop()
		}
		from := x.ends(x.site.events)
		x.feed.start()
		x.waitRandom(3 * time.Second)
		x.feed.stop(t)
		below := map[int32]int64{}
		lost := int64(0)
		for p, end := range x.ends(x.site.events) {
			below[p] = from[p] + x.rng.Int64N(end-from[p]+1)
			gaps[p] = append(gaps[p], gap{from[p], below[p]})
			lost += below[p] - from[p]
		}
		kafka.DeleteRecords(x.site.events, below)
		for i := range x.processes {
			x.start(i, aggregator)
		}
		x.feed.start()
		x.awaitCounting(x.processes...)
		// A partition that changes hands before what comes after the hole is stored meets it again.
		eventually(t, "the hole is counted", func() bool { return int64(x.sum("aggregator_log_holes_records_total")) >= lost })
		holes += lost
		x.result.faults++
	}
	x.result.note = fmt.Sprintf("%d records deleted unread: a hole, counted and logged with its offsets; the rest is exact", holes)
	x.conclude()
}

// testOutput makes the topic of crossings, or that of dead letters, refuse what is written.
func testOutput(t *testing.T, kafka *servers.KafkaServer) {
	x, _ := onRedis(t, "crossings topic, dead-letter topic not writable", kafka)
	for n := range repetitions(2, 20) {
		x.waitRandom(500 * time.Millisecond)
		topic := x.crossings
		if n%2 == 1 {
			topic = x.dead
		}
		kafka.Configure(topic, map[string]string{"max.message.bytes": "1"})
		if topic == x.crossings {
			eventually(t, "crossings wait", func() bool { return x.sum("aggregator_outbox_entries") > 0 })
		}
		x.waitRandom(3 * time.Second)
		kafka.Configure(topic, map[string]string{"max.message.bytes": ""})
		x.awaitPublished()
		x.result.faults++
	}
	x.conclude()
}
