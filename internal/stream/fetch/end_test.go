package fetch

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestKafkaLogEnd: the end of the log is where its leader has written to, also while followers do not answer; readers are
// shown less.
func TestKafkaLogEnd(t *testing.T) {
	k := servers.Kafka(t, servers.KafkaOptions{Brokers: 3})
	k.CreateTopic("events", 1, nil)
	w := real(t, k, Options{}, "events")
	w.produce(w.producer, 0, 0, 20, 5)
	f := func(end, shown int64) {
		t.Helper()
		got, err := w.client.LogEnd(t.Context(), "events", 0)
		_, seen, err2 := w.client.Offsets(t.Context(), "events", 0)
		if err != nil || err2 != nil || got != end || seen != shown {
			t.Errorf("end %d, shown %d, errors %v, %v; want %d, %d", got, seen, err, err2, end, shown)
		}
	}
	f(20, 20)
	leader := k.Leader("events", 0)
	for i := range 3 {
		if i != leader {
			k.Broker(i).Pause()
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addrs()[leader]), kgo.DefaultProduceTopic("events"), kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), kgo.StringRecord("not replicated")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	f(21, 20)
}
