package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// configMap is a directory as Kubernetes mounts a ConfigMap: names are links into ..data, which is a link to a directory of the moment.
type configMap struct {
	t    *testing.T
	dir  string
	made int
}

// swap has the ConfigMap hold other files: ..data is replaced in one step.
func (c *configMap) swap(files map[string]string) {
	c.t.Helper()
	c.made++
	now := fmt.Sprintf("..2026_%d", c.made)
	must := func(err error) {
		c.t.Helper()
		if err != nil {
			c.t.Fatal(err)
		}
	}
	must(os.Mkdir(filepath.Join(c.dir, now), 0o700))
	for name, text := range files {
		must(os.WriteFile(filepath.Join(c.dir, now, name), []byte(text), 0o600))
		if c.made == 1 {
			must(os.Symlink(filepath.Join("..data", name), filepath.Join(c.dir, name)))
		}
	}
	must(os.Symlink(now, filepath.Join(c.dir, "..data_tmp")))
	must(os.Rename(filepath.Join(c.dir, "..data_tmp"), filepath.Join(c.dir, "..data")))
}

// TestReloadConfigMap: a broken pack in a swapped ConfigMap leaves the one of before in force, and it is said everywhere where its fault is.
// The next swap is taken.
func TestReloadConfigMap(t *testing.T) {
	const pack = `pack: own
measures: {clicks: {sum: count, types: [click]}}
rules:
  - {id: clicks, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {clicks: %s}, levels: [1]}
`
	redis := servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, servers.SharedKafka(t), siteOptions{partitions: 1, redis: redis.Addr(), pack: fmt.Sprintf(pack, "100")})
	c := &configMap{t: t, dir: t.TempDir()}
	c.swap(map[string]string{"own.yaml": fmt.Sprintf(pack, "100")})
	d := s.start("aggregator", "AGGREGATOR_RULES_FILES="+c.dir, "AGGREGATOR_RULES_POLL=200ms")
	d.mayLogErrors = true
	d.AwaitReady()
	click := func(incident string, count int) {
		t.Helper()
		s.produce(&kgo.Record{Value: fmt.Appendf(nil, `{"id":"%s-%d","time":%q,"type":"click","incident":%q,"count":%d}`,
			incident, count, time.Now().UTC().Format(time.RFC3339Nano), incident, count)})
		s.awaitDone()
	}

	c.swap(map[string]string{"own.yaml": fmt.Sprintf(pack, "10O")}) // a letter
	d.awaitInLog("rules have faults: those of before stay in force")
	const where = "own.yaml:4:"
	if !strings.Contains(d.Log.String(), where) {
		t.Error("the log does not say where")
	}
	if d.metric("aggregator_rules_last_reload_successful") != 0 {
		t.Error("the metric says that all is well")
	}
	for _, path := range []string{"/readyz?verbose", "/api/v1/status"} {
		eventually(t, path+" says where", func() bool {
			status, text := d.Get(path)
			return status == http.StatusOK && strings.Contains(text, where)
		})
	}
	call(t, "", nil, "status", "-addr", "http://"+d.HTTP).mustPrint(t, exitFailed, where)
	click("A", 99)
	if n := len(s.read(s.crossings)); n != 0 {
		t.Errorf("%d crossings by a limit that is not in force", n)
	}
	click("A", 100)
	eventually(t, "it crosses by the limit of before", func() bool { return len(s.read(s.crossings)) == 1 })

	c.swap(map[string]string{"own.yaml": fmt.Sprintf(pack, "20")})
	d.awaitInLog(`"changed":["clicks: limits.clicks: 100 -> 20"]`)
	eventually(t, "all is well again", func() bool { return d.metric("aggregator_rules_last_reload_successful") == 1 })
	click("B", 20)
	eventually(t, "it crosses by the new limit", func() bool { return len(s.read(s.crossings)) == 2 })
	d.Stop()
}
