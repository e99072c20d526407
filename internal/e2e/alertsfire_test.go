package e2e

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestAlertsFire: on a service that works no alert fires, and what all alerts ask for is there. Each fault is told by its alert. Time
// passes faster for the rules, except for those that look at a Kafka that is dead: within two minutes of that somebody is called.
//
// Given two deployments, each with a Prometheus,
// when the Kafka of one is killed, and the other one gets, after a while of peace, records that cannot be counted, a crossings topic that
// takes none, a process that has other packs after a restart and then refuses some, a Redis that may evict, then loses a topic, its Redis, and its processes,
// then the alert of each fires, and of the dead Kafka no other page does.
func TestAlertsFire(t *testing.T) {
	t.Parallel()
	dead := startDeadKafka(t)
	a := startAlerted(t, "alerted")
	dead.kill()
	a.awaitEvaluations(5)
	checkHaveSeries(t, a.prometheus)
	a.checkPeace()
	a.checkBreakage()
	a.checkTopicMissing()
	a.checkRedisAway()
	a.checkGone()
	dead.check()
}

// deadKafka is a deployment whose Kafka is killed. The rules are as they are.
type deadKafka struct {
	t          *testing.T
	kafka      *servers.KafkaServer
	prometheus *servers.PrometheusServer
	killed     time.Time
}

func startDeadKafka(t *testing.T) *deadKafka {
	t.Helper()
	kafka, redis := servers.Kafka(t, servers.KafkaOptions{}), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 2, redis: redis.Addr(), pack: fewPack})
	d := s.start("without kafka")
	d.AwaitReady()
	s.produce(clicks("A", 0, "1", "2")...)
	s.awaitDone()
	k := &deadKafka{t: t, kafka: kafka}
	k.prometheus = servers.Prometheus(t, servers.PrometheusOptions{Targets: []string{d.HTTP}, Rules: alertRules, Every: 15 * time.Second})
	return k
}

// kill kills Kafka once Prometheus has seen that all is well.
func (k *deadKafka) kill() {
	k.t.Helper()
	eventually(k.t, "Kafka is seen", func() bool {
		return slices.Equal(k.prometheus.Query(`aggregator:ready:max{check="kafka"}`), []float64{1})
	})
	k.kafka.Kill()
	k.killed = time.Now()
}

// check looks when that was told, and by what.
func (k *deadKafka) check() {
	k.t.Helper()
	awaitAlert(k.t, k.prometheus, "AggregatorKafkaAway", k.killed)
	took := firstFired(k.t, k.prometheus, "AggregatorKafkaAway").Sub(k.killed)
	if k.t.Logf("AggregatorKafkaAway first fired after %.0f s", took.Seconds()); took > 2*time.Minute {
		k.t.Error("that is over two minutes")
	}
	if pages := k.prometheus.Label("group by (alertname) (last_over_time("+criticalAlerts+"[10m]))", "alertname"); !slices.Equal(pages, []string{"AggregatorKafkaAway"}) {
		k.t.Errorf("pages: %v", pages)
	}
}

// alerted is a deployment of two processes that is watched.
type alerted struct {
	*site
	redis      *servers.RedisServer
	processes  []*daemon
	prometheus *servers.PrometheusServer
}

func startAlerted(t *testing.T, name string) *alerted {
	t.Helper()
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	a := &alerted{redis: redis, site: newSite(t, kafka, siteOptions{
		partitions: canaryPartitions, redis: redis.Addr(), pack: fewPack, name: name, made: true, extra: "canary: {every: 1s, topic: " + name + "-canary}\n",
	})}
	var targets []string
	for _, process := range []string{"one", "two"} {
		d := a.start(process)
		d.mayLogErrors = true
		a.processes, targets = append(a.processes, d), append(targets, d.HTTP)
	}
	for _, d := range a.processes {
		d.AwaitReady()
	}
	a.produce(clicks("A", 0, "1", "2")...)
	_, all := a.done() // canaries go on: nothing is ever done
	eventually(t, "the group commits what there is", func() bool {
		committed, _ := a.done()
		return committed >= all
	})
	a.prometheus = servers.Prometheus(t, servers.PrometheusOptions{Targets: targets, Rules: alertRules, Hasten: hasten})
	return a
}

// awaitEvaluations waits until the rules were evaluated so often, once a second.
func (a *alerted) awaitEvaluations(times float64) {
	a.t.Helper()
	eventually(a.t, "rules are evaluated", func() bool {
		n := a.prometheus.Query(`count_over_time(aggregator:ready:max{check="kafka"}[10m])`)
		return len(n) == 1 && n[0] >= times
	})
}

// checkPeace looks whether no alert fires in ten of the rules' minutes, and a bit more.
func (a *alerted) checkPeace() {
	a.t.Helper()
	a.awaitEvaluations(35)
	if fired := a.prometheus.Label("group by (alertname, kind, operation) (last_over_time("+allAlerts+"[10m]))", "alertname"); len(fired) > 0 {
		a.t.Errorf("without any fault %v fired", fired)
	}
}

// checkBreakage breaks what may be broken at once, and mends it.
func (a *alerted) checkBreakage() {
	a.t.Helper()
	broken := time.Now()
	a.kafka.Configure(a.crossings, map[string]string{"max.message.bytes": "1"})
	other := servers.WriteFile(a.t, "other.yaml", fewPack+"# another hash\n")
	a.restart("other packs", "AGGREGATOR_RULES_FILES="+other, "AGGREGATOR_RULES_POLL=1s")
	a.redis.Do("CONFIG", "SET", "maxmemory-policy", "allkeys-lru") // with which none would start
	var bad []*kgo.Record
	for range 200 {
		bad = append(bad, &kgo.Record{Value: []byte("{")})
	}
	a.produce(append(bad, clicks("B", 1, "3", "4")...)...)
	for _, name := range []string{"AggregatorDeadLetters", "AggregatorCrossingsWait", "AggregatorStoreUnfit", "AggregatorRulesDiffer"} {
		awaitAlert(a.t, a.prometheus, name, broken)
	}
	refused := time.Now()
	if err := os.WriteFile(other, []byte(fewPack+"a line that is no YAML\n"), 0o600); err != nil {
		a.t.Fatal(err)
	}
	awaitAlert(a.t, a.prometheus, "AggregatorRulesNotTaken", refused)
	a.redis.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	a.restart("the same packs")
	a.kafka.Configure(a.crossings, map[string]string{"max.message.bytes": ""})
	a.awaitPeace()
}

// restart has a new process in the place of the second, with variables that override the config.
func (a *alerted) restart(name string, environ ...string) {
	a.t.Helper()
	old := a.processes[1]
	old.Stop()
	d := a.start(name, append(environ, "AGGREGATOR_HTTP_LISTEN="+old.HTTP)...)
	d.mayLogErrors = true
	a.processes[1] = d
	d.AwaitReady()
}

func (a *alerted) checkTopicMissing() {
	a.t.Helper()
	a.kafka.DeleteTopic(a.dead)
	a.checkPage("AggregatorTopicMissing")
	a.kafka.CreateTopic(a.dead, 2, nil)
	a.awaitPeace()
}

func (a *alerted) checkRedisAway() {
	a.t.Helper()
	a.redis.Stop()
	a.checkPage("AggregatorRedisAway")
	a.redis.Restart()
	for _, d := range a.processes {
		d.AwaitReady()
	}
	a.awaitPeace()
}

func (a *alerted) checkGone() {
	a.t.Helper()
	for _, d := range a.processes {
		d.Stop()
	}
	a.checkPage("AggregatorGone")
}

// checkPage waits until a page fires, which must be the only one.
func (a *alerted) checkPage(name string) {
	a.t.Helper()
	awaitAlert(a.t, a.prometheus, name, time.Now())
	if pages := a.prometheus.Label(criticalAlerts, "alertname"); !slices.Equal(pages, []string{name}) {
		a.t.Errorf("pages: %v, want %s alone", pages, name)
	}
}

// awaitPeace waits until no page fires any more.
func (a *alerted) awaitPeace() {
	a.t.Helper()
	eventually(a.t, "the pages are over", func() bool { return len(a.prometheus.Query(criticalAlerts)) == 0 })
}
