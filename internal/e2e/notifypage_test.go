package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// alertLog is what an Alertmanager has told a webhook.
type alertLog struct {
	mu   sync.Mutex
	text string
}

func (l *alertLog) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += string(body) + "\n"
}

// told reports whether a line holds all of some texts.
func (l *alertLog) told(texts ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(strings.Split(l.text, "\n"), func(line string) bool { return containsAll(line, texts) })
}

// TestNotifyPage does what docs/notify.md says under "A page in ten minutes", after what the README says before.
func TestNotifyPage(t *testing.T) {
	servers.Require(t, "kafka", "redis-server", "kcat", "prometheus-alertmanager", "amtool")
	blocks := blocksUnder(t, "docs/notify.md", "## A page in ten minutes", "sh")
	if len(blocks) != 3 || !strings.Contains(blocks[0], "prometheus-alertmanager ") {
		t.Fatalf("the page has other steps: %q", blocks)
	}
	hook := &alertLog{}
	receiver := httptest.NewServer(hook)
	defer receiver.Close()
	am := servers.Alertmanager(t, receiver.URL)
	pair := startServers(t)
	desk := newDesk(t, pair.kafka, pair.redis, "127.0.0.1:9093", am.Addr())
	desk.write("own.yaml", readmePack(t))
	desk.mustDo(blocksUnder(t, "README.md", "## Run it", "sh")[1]).AwaitReady()
	desk.mustDo(blocks[1]).AwaitReady()
	send, look, _ := strings.Cut(blocks[2], "\n")
	desk.mustDo(send)
	eventually(t, "both alerts are shown", func() bool { return strings.Count(desk.do(look), "ThresholdCrossed") == 2 })
	if !hook.told(`"subject":"example"`) {
		eventually(t, "the example is told on", func() bool { return hook.told(`"subject":"example"`) })
	}
}
