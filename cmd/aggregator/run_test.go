package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
)

// logged is the value of a field in the first line of a log that has a message.
func logged(t *testing.T, log, message, field string) string {
	t.Helper()
	for line := range strings.Lines(log) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("stderr holds %q", line)
		}
		if m["msg"] == message {
			return fmt.Sprint(m[field])
		}
	}
	t.Fatalf("no %q in:\n%s", message, log)
	return ""
}

func says(message string) func(string) bool {
	return func(log string) bool { return strings.Contains(log, `"msg":"`+message+`"`) }
}

// site is the address of a running service.
func (p *process) site(t *testing.T) string {
	t.Helper()
	return "http://" + logged(t, p.err.Await(t, limit, "start", says("started")), "started", "http")
}

// await asks url until it answers with a status.
func await(t *testing.T, url string, status int) {
	t.Helper()
	late := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got := statusOf(url)
		if got == status {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s answers %d, want %d", url, got, status)
		}
	}
}

func statusOf(url string) int {
	res, err := http.Get(url)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// TestRun: from a record to a crossing, on a real Redis, and a stop in order.
func TestRun(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	redis := servers.Redis(t, servers.RedisOptions{})
	addr, config := fakeKafka(t, redis.Addr())
	if r := call("", nil, "topics", "-config", config, "-partitions", "2"); r.code != exitFine {
		t.Fatalf("got %+v", r)
	}
	p := start(t, nil, "run", "-config", config)
	site := p.site(t)
	await(t, site+"/readyz", http.StatusOK)
	produce(t, addr, "dissemination-events", clickOver, "no event")
	for i, want := range []string{"0.5", "0.8", "1"} {
		got := consume(t, addr, "threshold-crossings", 3)[i]
		if !strings.HasPrefix(got, `{"schema":1,"id":"art3-clicks/incident/A/1/`+want+`"`) {
			t.Errorf("got %s, want level %s", got, want)
		}
	}
	if got := consume(t, addr, "dissemination-events.dlq", 1)[0]; got != "no event" {
		t.Errorf("got %q", got)
	}

	// SIGTERM, as Kubernetes sends it: this process takes it for the command.
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.exit(t); code != exitFine || p.out.String() != "" {
		t.Errorf("got %d, %q", code, p.out)
	}
	if log := p.err.String(); !says("stopping")(log) || !says("stopped")(log) || strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("got:\n%s", log)
	}
	if statusOf(site+"/livez") != 0 {
		t.Error("it answers after the end")
	}
}

// TestRunWithoutServers: it says what is missing, lives, is not ready, and waits; and
// it can be stopped while it does.
func TestRunWithoutServers(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	noLeaks(t)
	addr := servers.FreeAddr(t)
	config := servers.WriteFile(t, "c.yaml", fmt.Sprintf("kafka: {brokers: [%q]}\nredis: {addrs: [%q]}\nhttp: {listen: \"127.0.0.1:0\"}\n", addr, addr))
	p := start(t, nil, "run", "-config", config)
	site := p.site(t)
	log := p.err.Await(t, limit, "warning", says("redis does not answer: trying until it does"))
	if why := logged(t, log, "redis does not answer: trying until it does", "error"); !strings.Contains(why, addr) {
		t.Errorf("got %s", why)
	}
	await(t, site+"/livez", http.StatusOK)
	await(t, site+"/readyz", http.StatusServiceUnavailable)
	await(t, site+"/metrics", http.StatusOK)
	p.stop()
	if code := p.exit(t); code != exitFine {
		t.Errorf("got %d:\n%s", code, p.err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestRunWaits: Redis and the topics may come later.
func TestRunWaits(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	redis := servers.Redis(t, servers.RedisOptions{})
	_, config := fakeKafka(t, redis.Addr())
	redis.Stop()
	p := start(t, nil, "run", "-config", config)
	site := p.site(t)
	p.err.Await(t, limit, "warning", says("redis does not answer: trying until it does"))
	redis.Restart()
	p.err.Await(t, limit, "topic missed", func(s string) bool { return strings.Contains(s, "make it with `aggregator topics`") })
	await(t, site+"/readyz", http.StatusServiceUnavailable)
	if r := call("", nil, "topics", "-config", config, "-partitions", "1"); r.code != exitFine {
		t.Fatalf("got %+v", r)
	}
	await(t, site+"/readyz", http.StatusOK)
	p.stop()
	if code := p.exit(t); code != exitFine {
		t.Errorf("got %d:\n%s", code, p.err)
	}
}

// TestRunStopsWaiting: a signal ends it while it waits for Redis, and the log says so.
func TestRunStopsWaiting(t *testing.T) {
	_, config := fakeKafka(t, servers.FreeAddr(t))
	p := start(t, nil, "run", "-config", config)
	p.err.Await(t, limit, "warning", says("redis does not answer: trying until it does"))
	p.stop()
	code := p.exit(t)
	if why := logged(t, p.err.String(), "stopped", "while"); code != exitFine || why != "waiting for redis" {
		t.Errorf("got %d, stopped while %s", code, why)
	}
	if packs, rules := logged(t, p.err.String(), "started", "packs"), logged(t, p.err.String(), "started", "rules"); packs != "[cn-2019-15]" || rules != "17" {
		t.Errorf("the log names the packs %s with %s rules", packs, rules)
	}
}

// TestRunTestsPacks: packs whose own tests fail are refused as check refuses them, unless rules.tests is warn.
func TestRunTestsPacks(t *testing.T) {
	pack := servers.WriteFile(t, "own.yaml", strings.Replace(ownPack, "at: 2", "at: 1", 1))
	config := servers.WriteFile(t, "c.yaml", fmt.Sprintf("redis: {addrs: [%q]}\nhttp: {listen: \"127.0.0.1:0\"}\nrules: {packs: [], files: [%s]}\n", servers.FreeAddr(t), pack))
	checked, ran := call("", nil, "check", "-config", config), call("", nil, "run", "-config", config)
	if ran.code != exitUsage || ran != checked || !strings.Contains(ran.err, `tests[0]: "ten": crossing 1: want`) {
		t.Errorf("run: %+v\ncheck: %+v", ran, checked)
	}
	p := start(t, []string{"AGGREGATOR_RULES_TESTS=warn"}, "run", "-config", config)
	log := p.err.Await(t, limit, "start", says("started"))
	if why := logged(t, log, "test of a pack fails: the pack is used all the same, as rules.tests says", "problem"); why+"\n" != checked.err {
		t.Errorf("got %s, want %s", why, checked.err)
	}
	p.stop()
	if code := p.exit(t); code != exitFine {
		t.Errorf("got %d:\n%s", code, p.err)
	}
}

// TestRunHangup: SIGHUP ends nothing, also while nothing runs yet whose rules could be read again.
func TestRunHangup(t *testing.T) {
	_, config := fakeKafka(t, servers.FreeAddr(t))
	p := start(t, nil, "run", "-config", config)
	p.err.Await(t, limit, "start", says("started"))
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil { // this process takes it for the command
		t.Fatal(err)
	}
	p.err.Await(t, limit, "that it waits", says("redis does not answer: trying until it does"))
	p.stop()
	if code := p.exit(t); code != exitFine {
		t.Errorf("got %d:\n%s", code, p.err)
	}
}

// TestRunFails: what waiting does not mend ends it with 1.
func TestRunFails(t *testing.T) {
	redis := servers.Redis(t, servers.RedisOptions{Args: []string{"--requirepass", "right"}})
	_, config := fakeKafka(t, redis.Addr(), kfake.SeedTopics(1, "dissemination-events", "dissemination-events.dlq", "threshold-crossings"))
	f := func(want string, environ ...string) {
		t.Helper()
		p := start(t, environ, "run", "-config", config)
		if code := p.exit(t); code != exitFailed || !strings.Contains(p.err.String(), want) {
			t.Errorf("%q: got %d:\n%s", environ, code, p.err)
		}
	}
	f(`"msg":"ended","error":"connect to redis`)
	f("WRONGPASS", "AGGREGATOR_REDIS_PASSWORD=wrong")
	right := "AGGREGATOR_REDIS_PASSWORD=right"
	if _, err := redis.Try("-a", "right", "CONFIG", "SET", "maxmemory-policy", "allkeys-lru"); err != nil {
		t.Fatal(err)
	}
	f("maxmemory-policy is allkeys-lru", right)
	f("http: listen tcp 192.0.2.1:80", right, "AGGREGATOR_HTTP_LISTEN=192.0.2.1:80")
}

// slowWorker needs a moment to stop.
type slowWorker struct {
	stops chan struct{} // closed when it has to stop
	done  chan struct{} // it stops when this is closed
	err   error
}

func (w *slowWorker) Run(ctx context.Context) error {
	<-ctx.Done()
	close(w.stops)
	<-w.done
	return w.err
}

// TestStopDeadline: there is time for all steps of a stop.
func TestStopDeadline(t *testing.T) {
	if stopDeadline <= stream.StopTimeout {
		t.Errorf("the deadline is %v, and a stop may take %v", stopDeadline, stream.StopTimeout)
	}
}

// TestServeStops: not ready from the signal on; and it does not wait forever.
func TestServeStops(t *testing.T) {
	f := func(finishes bool, failure error, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			w := &slowWorker{make(chan struct{}), make(chan struct{}), failure}
			ready := &httpserver.Readiness{}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- serve(ctx, w, ready, newLog(io.Discard, "info", "json")) }()
			cancel()
			<-w.stops
			synctest.Wait()
			probe := httptest.NewRecorder()
			ready.ServeHTTP(probe, httptest.NewRequest(http.MethodGet, "/readyz", nil))
			if !strings.Contains(probe.Body.String(), "not ready: running: draining\n") {
				t.Errorf("it is ready while it stops: %s", probe.Body)
			}
			if finishes {
				close(w.done)
			}
			began := time.Now()
			err := <-ended
			if fmt.Sprint(err) != want {
				t.Errorf("got %v, want %s", err, want)
			}
			if waited := time.Since(began); finishes != (waited < stopDeadline) {
				t.Errorf("it waited for %v", waited)
			}
			if !finishes {
				close(w.done)
			}
		})
	}
	f(true, nil, "<nil>")
	f(true, errors.New("broken"), "broken")
	f(false, nil, "not stopped within 20s: what was not stored yet is read again at the next start")
}

// TestRunNoticesSettings: a policy of Redis that somebody changes under the service is logged within a minute, and ends nothing.
func TestRunNoticesSettings(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	redis := servers.Redis(t, servers.RedisOptions{})
	_, config := fakeKafka(t, redis.Addr())
	if r := call("", nil, "topics", "-config", config, "-partitions", "1"); r.code != exitFine {
		t.Fatalf("got %+v", r)
	}
	p := start(t, []string{"AGGREGATOR_LOG_FORMAT=json"}, "run", "-config", config)
	site := p.site(t)
	await(t, site+"/readyz", http.StatusOK)
	redis.Do("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	p.err.Await(t, limit, "word of it", says("store is not fit to keep counts any more"))
	await(t, site+"/readyz", http.StatusOK)
	redis.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	p.err.Await(t, limit, "word of its end", says("store is fit again"))
	p.stop()
	if code := p.exit(t); code != exitFine {
		t.Errorf("got %d:\n%s", code, p.err)
	}
}
