package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// openTransaction is a site of two partitions, with a transaction open in the first.
type openTransaction struct {
	*site
	d    *daemon
	txn  *kgo.Client
	made int
}

// event is an event of a time some minutes after the first one's.
func (x *openTransaction) event(partition int32, minutes int) *kgo.Record {
	at, _ := time.Parse(time.RFC3339, sampleTime)
	at = at.Add(time.Duration(minutes) * time.Minute)
	x.made++
	return &kgo.Record{
		Topic: x.events, Partition: partition, Timestamp: at,
		Value: fmt.Appendf(nil, `{"id":"t%d","time":%q,"type":"click","incident":"p%d"}`, x.made, at.Format(time.RFC3339), partition),
	}
}

func newOpenTransaction(t *testing.T) *openTransaction {
	t.Helper()
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	x := &openTransaction{site: newSite(t, kafka, siteOptions{partitions: 2, redis: redis.Addr(), pack: hourPack})}
	x.d = x.start("aggregator")
	x.produce(x.event(0, 0), x.event(1, 0))
	x.awaitDone()
	txn, err := kgo.NewClient(kgo.SeedBrokers(kafka.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(x.group), kgo.TransactionTimeout(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(txn.Close)
	x.txn = txn
	if err := txn.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := txn.ProduceSync(t.Context(), x.event(0, 1), x.event(0, 1)).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return x
}

// hourPack counts clicks of an hour, so that partitions may be a quarter of one ahead of each other.
const hourPack = "pack: hour\nmeasures: {clicks: {sum: count, types: [click]}}\nrules: [{id: clicks, title: Clicks, by: incident, window: 1h, step: 1m, limits: {clicks: 1000}}]\n"

func (x *openTransaction) end() {
	x.t.Helper()
	if err := x.txn.EndTransaction(x.t.Context(), kgo.TryCommit); err != nil {
		x.t.Fatal(err)
	}
}

// TestOpenTransaction: what an open transaction holds back is lag, and is also counted apart from
// it. The partition holds up no other. When the transaction ends, all of it is counted.
func TestOpenTransaction(t *testing.T) {
	x := newOpenTransaction(t)
	x.produce(x.event(0, 2))
	for i := range 100 {
		x.produce(x.event(1, 10*i))
	}
	value := func(name string, partition int) float64 {
		return x.d.metric(name, fmt.Sprintf(`partition="%d"`, partition))
	}
	eventually(t, "what is held back is in the metrics", func() bool {
		return value("aggregator_held_back_records", 0) == 3 && value("aggregator_lag_records", 0) == 3 && value("aggregator_lag_seconds", 0) > 0 &&
			value("aggregator_lag_records", 1) == 0 && value("aggregator_held_back_records", 1) == 0 && x.d.metric("aggregator_events_total", "matched") == 102
	})
	if n := x.d.metric("aggregator_partition_wait_timeouts_total"); n != 0 {
		t.Errorf("a partition waited for the one that is held back, %v times", n)
	}
	x.end()
	x.awaitDone()
	eventually(t, "nothing is held back", func() bool {
		return value("aggregator_held_back_records", 0) == 0 && value("aggregator_lag_records", 0) == 0
	})
	if n := x.d.metric("aggregator_events_total", "matched"); n != 105 {
		t.Errorf("%v events counted", n)
	}
	x.d.Stop()
}
