package servers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSharedKafkaIsOne(t *testing.T) {
	a, b := SharedKafka(t), SharedKafka(t)
	if a.Addr() != b.Addr() {
		t.Errorf("two shared Kafkas: %s and %s", a.Addr(), b.Addr())
	}
	if a.NewTopic(1, nil) == b.NewTopic(1, nil) {
		t.Error("two topics of one name")
	}
}

func TestSharedKafkaIsNotStopped(t *testing.T) {
	Require(t, "kafka")
	f := func(what string, stop func(*KafkaServer)) {
		t.Helper()
		got := outcome(t, func(tb testing.TB) { stop(SharedKafka(tb)) })
		if !strings.HasPrefix(got, "fail: this Kafka is shared") {
			t.Errorf("%s: %s", what, got)
		}
	}
	f("stop", (*KafkaServer).Stop)
	f("kill", (*KafkaServer).Kill)
	f("restart", (*KafkaServer).Restart)
	f("broker", func(k *KafkaServer) { k.Broker(0).Kill() })
}

func TestRemoveStale(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f := func(name string, stays bool) {
		t.Helper()
		dir := filepath.Join(os.TempDir(), name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		removeStale()
		if _, err := os.Stat(dir); (err == nil) != stays {
			t.Errorf("%s: stays is %v, want %v", name, err == nil, stays)
		}
	}
	f("aggregator-kafka-1-x", true)        // init lives
	f("aggregator-kafka-4194305-x", false) // above Linux's largest pid
	f("aggregator-kafka-other-x", true)
	f("something-else", true)
}
