package e2e

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// door leads to one of several daemons, as a Service of Kubernetes does.
type door struct {
	*httptest.Server
	to atomic.Pointer[daemon]
}

func newDoor(t *testing.T, to *daemon) *door {
	t.Helper()
	d := &door{}
	d.to.Store(to)
	d.Server = httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: d.to.Load().HTTP})
	}})
	t.Cleanup(d.Close)
	t.Cleanup(d.CloseClientConnections)
	return d
}

// TestTerminal: the commands of docs/terminal.md on a live service, and a reader of crossings that outlives the process that it asked.
func TestTerminal(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 4, redis: redis.Addr(), pack: threePack})
	const token = "a-token-of-the-terminal"
	a, b := s.start("a", "AGGREGATOR_HTTP_TOKEN="+token), s.start("b", "AGGREGATOR_HTTP_TOKEN="+token)
	a.AwaitReady()
	b.AwaitReady()
	service := newDoor(t, a)
	whom := []string{"AGGREGATOR_ADDR=" + service.URL, "AGGREGATOR_HTTP_TOKEN=" + token}
	ask := func(args ...string) result {
		t.Helper()
		return call(t, "", whom, args...)
	}
	eventually(t, "all is right", func() bool { return ask("status").code == exitFine })
	ask("status").mustPrint(t, exitFine, "counting, 4 partitions, nothing behind\n", s.group+"\n", "aggregator at 127.0.0.1\n")
	if r := ask("status"); strings.Contains(r.out, "note ") {
		t.Errorf("it notes what everybody knows:\n%s", r.out)
	}
	ask("crossings").mustPrint(t, exitFine, "Nothing has crossed yet.\n")
	call(t, "", whom[:1], "status").mustPrint(t, exitFailed, "wants a token")
	ask("show", "incident/inc-42").mustPrint(t, exitFailed, "nothing is counted of this incident")

	var out servers.Output
	feed := servers.StartProgram(t, servers.ProgramOptions{Name: "crossings", Command: []string{aggregator.Path(t), "crossings", "-f"}, Env: whom, Stdout: &out})
	await := func(text string) {
		t.Helper()
		out.Await(t, waitLimit, text, func(all string) bool { return strings.Contains(all, text) })
	}
	s.produce(three("inc-42")...)
	await("incident inc-42: clicks 3 of 3 in 1h\n")
	// The list is written after the commit: who is killed in between leaves it to a scan.
	eventually(t, "who is over a limit is listed", func() bool { return strings.Contains(ask("top").out, "incident inc-42\n") })
	service.to.Store(b)
	a.Kill()
	feed.Log.Await(t, waitLimit, "the loss", func(log string) bool { return strings.Contains(log, "crossings: connection lost: ") })
	s.produce(three("<a>/b")...)
	await(`incident "<a>/b": clicks 3 of 3 in 1h` + "\n")
	s.produce(clicks("near\u202e", 0, "near1")...)
	eventually(t, "who is near a limit is listed", func() bool { return strings.Contains(ask("top").out, `33.3 %`) })
	ask("top").mustPrint(t, exitFine, `incident "near\u202e"`, "at it  three  incident inc-42\n")
	ask("show", "incident/near\u202e").mustPrint(t, exitFine, "1 / 3 clicks", `-subject $'incident/near\u202e'`)
	ask("top", "-by", "x").mustPrint(t, exitUsage, "parameter by")
	eventually(t, "the other process counts all of it", func() bool { return ask("status").code == exitFine })

	desk := newSiteDesk(s, redis.Addr())
	ran := 0
	for _, block := range blocksOf(t, "docs/terminal.md", "sh") {
		if !strings.HasPrefix(block, "kubectl ") {
			t.Logf("%s\n%s", block, desk.do("export "+strings.Join(whom, " ")+"\n"+block))
			ran++
		}
	}
	if ran < 4 {
		t.Errorf("%d blocks were run", ran)
	}
	desk.do("bin/aggregator verify -config aggregator.yaml -subject 'incident/<a>/b'")
	feed.Stop()
	if text := out.String(); feed.ExitCode() != exitFine || strings.Count(text, "\n") != 2 {
		t.Errorf("it ended with %d: %s\n%s", feed.ExitCode(), text, feed.Log.String())
	}
}
