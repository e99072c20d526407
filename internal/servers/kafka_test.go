package servers

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Suite{M: m}.Run()) }

func lines(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "key-%d\tvalue %d\n", i, i)
	}
	return b.String()
}

// wantRecords checks that the topic holds the lines from 0 to n, in any order.
func wantRecords(t *testing.T, k *KafkaServer, topic string, n int) {
	t.Helper()
	got := k.Consume(topic, "-f", "%k\t%s\n")
	want := strings.Split(strings.TrimSuffix(lines(0, n), "\n"), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s holds %d records %.200q, want %d", topic, len(got), got, len(want))
	}
}

func TestKafkaKeepsItsDataOverAKill(t *testing.T) {
	k := Kafka(t, KafkaOptions{Properties: map[string]string{"num.io.threads": "4"}})
	addr, first := k.Addr(), k.Broker(0).PID()
	topic := k.NewTopic(3, map[string]string{"retention.ms": "-1"})
	k.Produce(topic, strings.NewReader(lines(0, 100)), "-K", "\t")
	wantRecords(t, k, topic, 100)
	k.Kill()
	k.Restart()
	if k.Addr() != addr || k.Broker(0).PID() == first {
		t.Errorf("restarted on %s as pid %d, want %s and not %d", k.Addr(), k.Broker(0).PID(), addr, first)
	}
	k.Produce(topic, strings.NewReader(lines(100, 150)), "-K", "\t")
	wantRecords(t, k, topic, 150)
	if used := k.Broker(0).CPU(); used <= 0 {
		t.Errorf("the broker used %v", used)
	}
}

func TestKafkaOfThreeLivesWithTwo(t *testing.T) {
	k := Kafka(t, KafkaOptions{Brokers: 3})
	if len(k.Addrs()) != 3 {
		t.Fatalf("addresses: %v", k.Addrs())
	}
	topic := k.NewTopic(6, nil)
	k.Produce(topic, strings.NewReader(lines(0, 100)), "-K", "\t")
	k.Broker(1).Kill()
	k.Produce(topic, strings.NewReader(lines(100, 200)), "-K", "\t", "-X", "acks=all")
	wantRecords(t, k, topic, 200)
	k.Broker(1).Restart()
	wantRecords(t, k, topic, 200)
}
