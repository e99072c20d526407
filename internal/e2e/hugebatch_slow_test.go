//go:build slow

package e2e

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestSlowHugeBatch: a topic may take a batch that is larger than is held in memory. It is one dead
// letter, and what comes after it is counted.
func TestSlowHugeBatch(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: ninePack})
	kafka.DeleteTopic(s.events)
	eventually(t, "the topic is gone", func() bool { return !kafka.HasTopic(s.events) })
	kafka.CreateTopic(s.events, 1, map[string]string{"max.message.bytes": "134217728"})
	s.connect()
	d := s.start("one")
	d.AwaitReady()
	s.produce(clicks("A", 0, "1")...)
	s.produceBatch(0, []int64{0}, strings.Repeat("\x00", 66<<20))
	s.produce(clicks("A", 0, "2")...)
	s.awaitClicks(redis.Addr(), "A", 2)
	var letters []*kgo.Record
	eventually(t, "the dead letter", func() bool { letters = s.read(s.dead); return len(letters) == 1 })
	headers := ""
	for _, h := range letters[0].Headers {
		headers += h.Key + "=" + string(h.Value) + "\n"
	}
	if !strings.Contains(headers, "aggregator.reason=too-large\n") || !strings.Contains(headers, "see to it that max.message.bytes of the topic is no more") {
		t.Errorf("the letter says:\n%s", headers)
	}
	s.mustVerify()
	d.Stop()
}
