package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestStalledShard: a shard that never comes back from an event is reported in the log, in a metric
// and by /readyz. The report has step, topic, partition and offset. The end of the stall is
// reported too.
func TestStalledShard(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 2, redis: redis.Addr()})
	d := launch(t, "aggregator", runCommand(t, faultAggregator, s.config), "FAULTPOINT=apply 1 spin")
	d.awaitStarted()
	event := func(n int) *kgo.Record {
		return &kgo.Record{Partition: 1, Timestamp: time.Now(), Value: fmt.Appendf(nil, `{"id":"e%d","time":%q,"type":"click","incident":"one"}`, n, sampleTime)}
	}
	s.produce(event(0), event(1))
	s.awaitDone()
	stalled := func() float64 { return d.metric("aggregator_stalled_seconds", `what="shard"`) }
	if sum, series := d.metric("aggregator_stalled_seconds"), d.Metrics().Series("aggregator_stalled_seconds"); sum != 0 || series < 16+2+1 {
		t.Errorf("at work: %v in %d series", sum, series)
	}
	d.Signal(syscall.SIGUSR1)
	s.produce(event(2), event(3))
	eventually(t, "the metric says so", func() bool { return stalled() > 0 })
	line := d.AwaitLog("stalled: nothing was done for some time")
	if line["what"] != "shard" || line["step"] != "apply" || line["topic"] != s.events || line["partition"] != 1.0 || line["offset"] != 2.0 {
		t.Errorf("log: %v", line)
	}
	status, text := d.Get("/readyz?verbose")
	if status != http.StatusOK || !strings.Contains(text, fmt.Sprintf("progress: shard %v does nothing for", line["shard"])) ||
		!strings.Contains(text, fmt.Sprintf("at %s/1 offset 2: apply", s.events)) {
		t.Errorf("readyz: %d %s", status, text)
	}
	d.Signal(syscall.SIGUSR1) // it comes back
	d.AwaitLog("nothing is stalled any more")
	s.awaitDone()
	if n := stalled(); n != 0 {
		t.Errorf("metric in the end: %v", n)
	}
	d.Stop()
}
