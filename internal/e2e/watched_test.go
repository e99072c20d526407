package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// checksMet are the checks of readiness that are met by the metric.
func checksMet(m servers.Metrics) string {
	var met []string
	for _, check := range []string{"kafka", "redis", "topics", "group", "packs"} {
		if m.Sum("aggregator_ready", `check="`+check+`"`) == 1 {
			met = append(met, check)
		}
	}
	return strings.Join(met, " ")
}

const allMet = "kafka redis topics group packs"

// watchedMetrics are those that dashboards and alerts rest on, beside the ones that are by process.
var watchedMetrics = []string{
	"aggregator_lag_records", "aggregator_lag_seconds", "aggregator_held_back_records", "aggregator_duplicate_ids", "aggregator_event_timestamp_seconds",
	"aggregator_outbox_entries", "aggregator_outbox_oldest_seconds", "aggregator_stalled_seconds", "aggregator_ready", "aggregator_kafka_errors_total",
	"aggregator_store_errors_total", "aggregator_group_member", "aggregator_group_partitions", "aggregator_last_fetch_seconds",
}

// seriesOf is how many series each of these has.
func seriesOf(m servers.Metrics) (list []string) {
	for _, name := range watchedMetrics {
		list = append(list, fmt.Sprintf("%s %d", name, m.Series(name)))
	}
	return list
}

// hourAgo is an event of that time, by itself and by Kafka.
func hourAgo(incident string) *kgo.Record {
	at := time.Now().Add(-time.Hour)
	return &kgo.Record{Timestamp: at, Value: fmt.Appendf(nil, `{"id":"old","time":%q,"type":"click","incident":%q}`, at.UTC().Format(time.RFC3339Nano), incident)}
}

// TestMetricsWithoutKafka: while Kafka is dead no series vanishes. Ages go on growing, what is missing is said by check, and failed
// calls are counted. When Kafka is back, all is as it was.
//
// Given a process at work, and a record that an open transaction holds back,
// when Kafka is killed for half a minute,
// then all series stay, the record's age grows, and the metrics say that Kafka is away, until it is back.
func TestMetricsWithoutKafka(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.Kafka(t, servers.KafkaOptions{}), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 2, redis: redis.Addr(), pack: threePack})
	d := s.start("aggregator")
	s.produce(append(clicks("A", 0, "1", "2"), clicks("B", 1, "3", "4")...)...)
	s.awaitDone()
	txn, err := kgo.NewClient(kgo.SeedBrokers(kafka.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(s.group), kgo.TransactionTimeout(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(txn.Close)
	held := clicks("A", 0, "5")[0]
	held.Topic = s.events
	if err := txn.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := txn.ProduceSync(t.Context(), held).FirstErr(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the record is held back", func() bool { return d.metric("aggregator_held_back_records") == 1 })
	d.AwaitReady()
	all, errors := seriesOf(d.Metrics()), d.metric("aggregator_kafka_errors_total")
	if met := checksMet(d.Metrics()); met != allMet {
		t.Errorf("%s are met at work", met)
	}

	kafka.Kill()
	killed := time.Now()
	var got []string
	if within(30*time.Second, func() bool { got = seriesOf(d.Metrics()); return !slices.Equal(got, all) }) {
		t.Fatalf("after %v there are\n%q, before it were\n%q", time.Since(killed), got, all)
	}
	eventually(t, "it is said that Kafka is away", func() bool { return checksMet(d.Metrics()) == "redis topics packs" })
	m := d.Metrics()
	if lag, records := m.Sum("aggregator_lag_seconds", `partition="0"`), m.Sum("aggregator_lag_records"); lag < 29 || records != 1 {
		t.Errorf("the record held back is %v s old, %v records are", lag, records)
	}
	if fetched := m.Sum("aggregator_last_fetch_seconds"); fetched < 25 {
		t.Errorf("the last fetch was answered %v s ago", fetched)
	}
	if now := m.Sum("aggregator_kafka_errors_total"); now <= errors {
		t.Errorf("%v errors are counted, before it were %v", now, errors)
	}
	if member, holds := m.Sum("aggregator_group_member"), m.Sum("aggregator_group_partitions"); member != 0 || holds != 0 {
		t.Errorf("a member %v, with %v partitions", member, holds)
	}

	kafka.StartAll()
	if err := txn.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Logf("the transaction is aborted: %v", err) // by Kafka, which may forget whose it was
	}
	d.AwaitReady()
	s.produce(clicks("B", 1, "6")...)
	s.awaitDone()
	eventually(t, "all is as it was", func() bool {
		m := d.Metrics()
		return checksMet(m) == allMet && m.Sum("aggregator_lag_records") == 0 && m.Sum("aggregator_lag_seconds") == 0 &&
			m.Sum("aggregator_group_member") == 1 && m.Sum("aggregator_group_partitions") == 2 && slices.Equal(seriesOf(m), all)
	})
	d.Stop()
}

// TestMetricsWithoutRedis: while Redis is stopped, the oldest record that waits has the age that it has, however long the partition
// was idle before.
//
// Given a partition whose last event is an hour old,
// when Redis is stopped and two events come,
// then their age is that of the stop, and nothing but Redis is said to be missing.
func TestMetricsWithoutRedis(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: threePack})
	d := s.start("aggregator")
	s.produce(hourAgo("A"))
	s.awaitDone()
	d.AwaitReady()
	all, errors := seriesOf(d.Metrics()), d.metric("aggregator_store_errors_total")

	redis.Pause()
	paused := time.Now()
	s.produce(clicks("A", 0, "2", "3")...)
	var m servers.Metrics
	if within(15*time.Second, func() bool {
		m = d.Metrics()
		return !slices.Equal(seriesOf(m), all) || m.Sum("aggregator_lag_seconds") > time.Since(paused).Seconds()+30
	}) {
		t.Fatalf("after %v the oldest record is %v s old, and there are\n%q, before it were\n%q", time.Since(paused), m.Sum("aggregator_lag_seconds"), seriesOf(m), all)
	}
	m = d.Metrics()
	if lag, records := m.Sum("aggregator_lag_seconds"), m.Sum("aggregator_lag_records"); lag < 12 || records != 2 {
		t.Errorf("the oldest of %v records is %v s old", records, lag)
	}
	if met := checksMet(m); met != "kafka topics group packs" {
		t.Errorf("%s are met", met)
	}
	eventually(t, "errors of the store are counted", func() bool { return d.metric("aggregator_store_errors_total") > errors })

	redis.Resume()
	s.awaitDone()
	eventually(t, "all is as it was", func() bool {
		m := d.Metrics()
		return checksMet(m) == allMet && m.Sum("aggregator_lag_records") == 0 && m.Sum("aggregator_lag_seconds") == 0
	})
	d.Stop()
}

// TestMetricsOfIdlePair: what alerts compare is quiet where nothing is wrong, also for a process that stands by, and also when an
// event comes after a long pause.
//
// Given two processes and one partition, whose last event is an hour old,
// when another event comes and waits for its commit,
// then no age that an alert looks at is more than that of the event.
func TestMetricsOfIdlePair(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: threePack, extra: "commit: {max_age: 3s}\n"})
	one, two := s.start("one"), s.start("two")
	s.produce(hourAgo("A"))
	s.awaitDone()
	var holder, idle *daemon
	eventually(t, "one of them stands by", func() bool {
		a, b := one.Metrics(), two.Metrics()
		if checksMet(a) != allMet || checksMet(b) != allMet || a.Sum("aggregator_group_partitions")+b.Sum("aggregator_group_partitions") != 1 {
			return false
		}
		if holder, idle = one, two; b.Sum("aggregator_group_partitions") == 1 {
			holder, idle = two, one
		}
		return holder.Metrics().Series("aggregator_outbox_oldest_seconds") == s.shards
	})
	produced := time.Now()
	s.produce(clicks("A", 0, "2")...)
	seen := 0.0
	for committed, all := s.done(); committed < all; committed, all = s.done() {
		lag := holder.metric("aggregator_lag_seconds")
		if seen = max(seen, lag); lag > time.Since(produced).Seconds()+30 {
			t.Fatalf("an event of %v ago is %v s old", time.Since(produced), lag)
		}
	}
	t.Logf("the oldest that was seen was %v s old", seen)
	if oldest := holder.metric("aggregator_outbox_oldest_seconds"); oldest != 0 {
		t.Errorf("none waits, and the oldest crossing is %v s old", oldest)
	}
	m := idle.Metrics()
	if m.Sum("aggregator_group_member") != 1 || m.Sum("aggregator_last_fetch_seconds") != 0 || m.Series("aggregator_lag_seconds") != 0 {
		t.Errorf("the one that stands by: member %v, last fetch %v s ago, %d series of lag",
			m.Sum("aggregator_group_member"), m.Sum("aggregator_last_fetch_seconds"), m.Series("aggregator_lag_seconds"))
	}

	// What the one that stops had is the other's.
	holder.Stop()
	eventually(t, "the other has the partition", func() bool {
		m := idle.Metrics()
		return m.Sum("aggregator_group_partitions") == 1 && m.Series("aggregator_lag_seconds") == 1
	})
	idle.Stop()
}
