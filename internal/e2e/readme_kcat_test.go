package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestReadmeKcat runs the README's lines of kcat on a real Kafka, with a service that has the README's pack.
func TestReadmeKcat(t *testing.T) {
	servers.Require(t, "kcat")
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	var pack, send, read string
	for _, text := range blocksOf(t, "README.md", "sh") {
		if _, rest, found := strings.Cut(text, "cat > own.yaml <<'END'\n"); found {
			pack, _, _ = strings.Cut(rest, "END\n")
		}
		if lines := strings.SplitAfter(text, "\n"); strings.Contains(text, "kcat -P") {
			send, read = lines[0], lines[1]
		}
	}
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: pack})
	here := strings.NewReplacer("127.0.0.1:9092", kafka.Addr(), "dissemination-events", s.events, "threshold-crossings", s.crossings)
	d := s.start("aggregator")
	d.AwaitReady()
	if out, err := exec.Command("sh", "-e", "-c", here.Replace(send)).CombinedOutput(); err != nil {
		t.Errorf("%s\n%v\n%s", send, err, out)
	}
	eventually(t, "the crossing", func() bool {
		out, err := exec.Command("sh", "-c", here.Replace(read)).Output()
		return err == nil && strings.Contains(string(out), `"id":"clicks-100/incident/inc-42/1/1"`)
	})
	d.Stop()
}
