package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// crossingsBroker is a Kafka in memory with a topic of crossings.
func crossingsBroker(t *testing.T, partitions int32) (addr string, client *kgo.Client) {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "threshold-crossings"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	client, err = kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.DefaultProduceTopic("threshold-crossings"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return k.ListenAddrs()[0], client
}

// someCrossing is a record of a subject.
func someCrossing(subject string, episode int) *kgo.Record {
	key := fmt.Sprintf("art3-clicks/incident/%s/%d", subject, episode)
	return &kgo.Record{Key: []byte("incident/" + subject), Value: fmt.Appendf(nil,
		`{"schema":1,"id":"%s/1","dedup_key":"%s","status":"crossed","severity":"critical","summary":"S","pack":"p","rule":"art3-clicks","title":"T","cite":"C","by":"incident","subject":"%s","level":1,"episode":%d,"measures":{"clicks":{"value":1,"limit":1,"at_least":false}},"time":"2026-11-22T10:00:03Z","notice":"N"}`,
		key, key, subject, episode), Headers: []kgo.RecordHeader{{Key: "ce_id", Value: []byte(key + "/1")}}}
}

// TestNotify delivers to a webhook, from a broker in memory.
func TestNotify(t *testing.T) {
	addr, client := crossingsBroker(t, 3)
	var mu sync.Mutex
	var got []string
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), `"specversion":"1.0"`) {
			t.Errorf("%v: %s", err, body)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Header.Get("webhook-id"))
	}))
	defer hook.Close()
	config := servers.WriteFile(t, "c.yaml", fmt.Sprintf(
		"kafka: {brokers: [%q]}\nhttp: {listen: \"127.0.0.1:0\"}\nnotify:\n  - {name: hook, webhook: {url: %q}}\n", addr, hook.URL))
	for i := range 20 {
		if err := client.ProduceSync(t.Context(), someCrossing(fmt.Sprint("s", i%5), i/5+1)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	run := func(n int) {
		t.Helper()
		p := start(t, nil, "notify", "-config", config)
		servers.Await(t, limit, 10*time.Millisecond, "all is delivered", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(got) >= n
		})
		p.stop()
		if code := p.exit(t); code != exitFine {
			t.Errorf("exit code %d\n%s", code, p.err.String())
		}
	}
	run(20)
	if err := client.ProduceSync(t.Context(), someCrossing("s9", 1)).FirstErr(); err != nil {
		t.Fatal(err)
	}
	run(21)
	slices.Sort(got)
	if unique := slices.Compact(slices.Clone(got)); len(got) != 21 || len(unique) != 21 {
		t.Errorf("%d are delivered, %d different ones", len(got), len(unique))
	}
}

// TestNotifyExample: -test sends an example to each sink, and says what became of it.
func TestNotifyExample(t *testing.T) {
	var asked []string
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), "example") {
			t.Errorf("%v: %s", err, body)
		}
		if asked = append(asked, r.URL.Path); r.URL.Path == "/refuses" {
			http.Error(w, "not that one", http.StatusForbidden)
		}
	}))
	defer sink.Close()
	config := servers.WriteFile(t, "c.yaml", strings.ReplaceAll(`
notify:
  - {name: am, alertmanager: {urls: ["URL"]}}
  - {name: hook, webhook: {url: "URL/hook", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}}
  - {name: pd, pagerduty: {url: "URL/pd", routing_key: 0123456789abcdefghijABCDEFGHIJ01}}
  - {name: other, webhook: {url: "URL/other"}}
`, "URL", sink.URL))
	r := call("", nil, "notify", "-config", config, "-test")
	if r.code != exitFine || strings.Count(r.out, "ok: sink ") != 4 || r.err != "" {
		t.Errorf("%+v", r)
	}
	r = call("", []string{"AGGREGATOR_NOTIFY_OTHER_WEBHOOK_URL=" + sink.URL + "/refuses"}, "notify", "-config", config, "-test")
	if r.code != exitFailed || strings.Count(r.out, "ok: sink ") != 3 || r.err != "failed: sink other: the answer is 403 Forbidden: \"not that one\"\n" {
		t.Errorf("%+v", r)
	}
	if want := []string{"/api/v2/alerts", "/hook", "/pd", "/other", "/api/v2/alerts", "/hook", "/pd", "/refuses"}; !slices.Equal(asked, want) {
		t.Errorf("%q", asked)
	}
}

// TestNotifyFaults: what is wrong with the command line, the config and the files that sinks name. run looks at none of these files.
func TestNotifyFaults(t *testing.T) {
	f := func(text, want string, args ...string) {
		t.Helper()
		config := servers.WriteFile(t, "c.yaml", text)
		for _, command := range [][]string{append([]string{"notify", "-config", config}, args...), {"check", "-config", config}} {
			if len(args) > 0 && command[0] == "check" {
				continue
			}
			if r := call("", nil, command...); r.code != exitUsage || !strings.Contains(r.err, want) {
				t.Errorf("%s: %+v", command[0], r)
			}
		}
		if _, bad := (&session{err: t.Output()}).loadConfig(config); len(bad) > 0 {
			t.Errorf("run would refuse it: %v", bad)
		}
	}
	const hook = "notify:\n  - {name: hook, webhook: {url: 'https://a.example'"
	f("notify: []", "there is no sink", "-test")
	f(hook+"}}", "is not an address to listen at", "-listen", "x")
	f(hook+", secret_file: nowhere}}", "c.yaml:2:67: notify[0].webhook.secret_file: open ")
	f(hook+", secret_file: c.yaml}}", "c.yaml:2:67: notify[0].webhook.secret_file: a line is not whsec_ and base64")
	f(hook+", secret: whsec_x}}", "c.yaml:2:62: notify[0].webhook.secret: a line is not whsec_ and base64")
	f(hook+", tls: {ca_file: nowhere}}}", "c.yaml:2:69: notify[0].webhook.tls.ca_file: open ")
	f("notify: [{name: pd, pagerduty: {routing_key_file: nowhere}}]", "c.yaml:1:51: notify[0].pagerduty.routing_key_file: open ")
	f("notify: [{name: pd, pagerduty: {routing_key: R123}}]", "c.yaml:1:46: notify[0].pagerduty.routing_key: this is no integration key")
	f("notify: [{name: pd, pagerduty: {routing_key_file: c.yaml}}]", "c.yaml:1:51: notify[0].pagerduty.routing_key_file: this is no integration key")
	if r := call("", nil, "notify"); r.code != exitUsage || !strings.Contains(r.err, "-config is missing") {
		t.Errorf("%+v", r)
	}
}

// TestNotifyListens: probes and metrics are at -listen, else at http.listen, else at a free port of its host.
func TestNotifyListens(t *testing.T) {
	addr, _ := crossingsBroker(t, 1)
	mine, other := servers.FreeAddr(t), servers.FreeAddr(t)
	config := servers.WriteFile(t, "c.yaml", fmt.Sprintf(
		"kafka: {brokers: [%q]}\nhttp: {listen: %q}\nnotify:\n  - {name: hook, webhook: {url: 'https://127.0.0.1:1'}}\n", addr, mine))
	listens := func(args ...string) (at string) {
		t.Helper()
		p := start(t, nil, append([]string{"notify", "-config", config}, args...)...)
		p.err.Await(t, limit, "it has started", func(log string) bool {
			_, rest, found := strings.Cut(log, `"http":"`)
			at, _, _ = strings.Cut(rest, `"`)
			return found
		})
		servers.Await(t, limit, 10*time.Millisecond, "it is ready", func() bool {
			res, err := http.Get("http://" + at + "/readyz?verbose")
			if err != nil {
				return false
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			return res.StatusCode == http.StatusOK && strings.Contains(string(body), "groups: ok, partitions by sink: hook ") && strings.Contains(string(body), "\nsink hook: ok\n")
		})
		return at
	}
	if at := listens("-listen", other); at != other {
		t.Errorf("-listen %s: it listens at %s", other, at)
	}
	if at := listens(); at != mine {
		t.Errorf("http.listen is %s: it listens at %s", mine, at)
	}
	if at := listens(); at == mine || !strings.HasPrefix(at, "127.0.0.1:") {
		t.Errorf("http.listen is taken: it listens at %s", at)
	}
}

// TestIdleSinks: check warns of patterns that fit no rule.
func TestIdleSinks(t *testing.T) {
	config := servers.WriteFile(t, "c.yaml", `notify:
  - {name: a, webhook: {url: "https://a.example"}, rules: ["art3-*", "nothing-*", "Art3-clicks"]}
  - {name: b, webhook: {url: "https://a.example"}}
`)
	r := call("", nil, "check", "-config", config)
	if r.code != exitFine || strings.Count(r.err, "fits no rule") != 2 ||
		!strings.Contains(r.err, `c.yaml:2:59: notify[0].rules: warning: "nothing-*" fits no rule of these packs`) || !strings.Contains(r.err, `"Art3-clicks" fits`) {
		t.Errorf("%+v", r)
	}
	r = call("", []string{"AGGREGATOR_NOTIFY_B_RULES=x"}, "check", "-config", config)
	if !strings.Contains(r.err, `env AGGREGATOR_NOTIFY_B_RULES: warning: "x" fits no rule`) {
		t.Errorf("%+v", r)
	}
}
