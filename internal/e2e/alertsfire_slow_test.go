//go:build slow

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestSlowAlertsFire: the alerts that compare with a time of a minute, and others that TestAlertsFire leaves out.
//
// Given a deployment with canaries,
// when canaries cannot be published, a dead letter cannot, a transaction stays open, a record is deleted, a process is killed,
// then the alert of each fires.
func TestSlowAlertsFire(t *testing.T) {
	a := startAlerted(t, "alerted-slowly")
	a.checkCanaryMissing()
	a.checkStalled()
	a.checkLate()
	a.checkRecordGone()
	a.processes[1].Kill()
	awaitAlert(t, a.prometheus, "AggregatorProcessDown", time.Now())
}

func (a *alerted) checkRecordGone() {
	a.t.Helper()
	key := strings.TrimSpace(a.redis.Do("--scan", "--pattern", a.prefix+"*r:incident:A"))
	a.redis.Do("DEL", key)
	a.produce(clicks("A", 0, "after")...)
	a.checkPage("AggregatorRecordGone") // for an hour
}

func (a *alerted) checkCanaryMissing() {
	a.t.Helper()
	topic := a.group + "-canary"
	a.kafka.Configure(topic, map[string]string{"max.message.bytes": "1"})
	a.checkPage("AggregatorCanaryMissing")
	a.kafka.Configure(topic, map[string]string{"max.message.bytes": ""})
	a.awaitPeace()
}

// checkStalled has a partition wait for a topic that takes no dead letters.
func (a *alerted) checkStalled() {
	a.t.Helper()
	a.kafka.Configure(a.dead, map[string]string{"max.message.bytes": "1"})
	a.produce(&kgo.Record{Value: []byte("{")})
	a.checkPage("AggregatorStalled")
	a.kafka.Configure(a.dead, map[string]string{"max.message.bytes": ""})
	a.awaitPeace()
}

// checkLate has a partition wait for a transaction.
func (a *alerted) checkLate() {
	a.t.Helper()
	txn, err := kgo.NewClient(kgo.SeedBrokers(a.kafka.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(a.group), kgo.TransactionTimeout(10*time.Minute))
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(txn.Close)
	if err := txn.BeginTransaction(); err != nil {
		a.t.Fatal(err)
	}
	held := clicks("C", 2, "held")[0]
	held.Topic = a.events
	if err := txn.ProduceSync(a.t.Context(), held).FirstErr(); err != nil {
		a.t.Fatal(err)
	}
	broken := time.Now()
	for _, name := range []string{"AggregatorEventsLate", "AggregatorLags"} {
		awaitAlert(a.t, a.prometheus, name, broken)
	}
	if err := txn.EndTransaction(a.t.Context(), kgo.TryCommit); err != nil {
		a.t.Fatal(err)
	}
	a.awaitPeace()
}

// TestSlowAlertOfStranger: another program has all partitions when the service comes.
func TestSlowAlertOfStranger(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: threePack})
	s.produce(clicks("A", 0, "1")...)
	s.foreignMember(kgo.RangeBalancer())
	a := &alerted{site: s, redis: redis}
	d := s.start("aggregator")
	d.mayLogErrors = true
	a.prometheus = servers.Prometheus(t, servers.PrometheusOptions{Targets: []string{d.HTTP}, Rules: alertRules, Hasten: hasten})
	a.checkPage("AggregatorStrangersInGroup")
}
