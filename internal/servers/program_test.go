package servers

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell starts a script as a program.
func shell(t testing.TB, script string, env ...string) *Program {
	return StartProgram(t, ProgramOptions{Name: "script", Command: []string{"sh", "-c", script}, Env: env})
}

func TestProgramLog(t *testing.T) {
	p := shell(t, `echo plain; echo '{"msg":"started","http":"'$PLACE'"}' >&2; exec sleep 600`, "PLACE=127.0.0.1:1")
	if line := p.AwaitLog("started"); line["http"] != "127.0.0.1:1" {
		t.Errorf("got %v", line)
	}
	if !strings.HasPrefix(p.Log.String(), "plain\n") {
		t.Errorf("its log is %q", p.Log)
	}
	if p.Ended() {
		t.Error("it has ended")
	}
	if p.Kill(); !p.Ended() || p.ExitCode() != -1 {
		t.Errorf("exit code %d after SIGKILL", p.ExitCode())
	}
	p.Kill() // again
	p.Signal(syscall.SIGTERM)
}

// TestProgramLogTwice: a line that has a member twice is a fault of the program.
func TestProgramLogTwice(t *testing.T) {
	f := func(want, line string) {
		t.Helper()
		got := outcome(t, func(tb testing.TB) {
			p := shell(tb, "echo '"+line+"'")
			<-p.Done()
			p.checkLog()
		})
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
	f("ran", `{"level":"INFO","msg":"m","in":{"level":1},"list":[{"msg":2}]}`)
	f("ran", `{"level":"INFO","msg":"m"`)
	f("ran", `level=INFO level=1`)
	f(`fail: script: its log has "level" twice`, `{"level":"INFO","msg":"m","level":1}`)
}

func TestProgramStop(t *testing.T) {
	f := func(want, script string, codes ...int) {
		t.Helper()
		got := outcome(t, func(tb testing.TB) {
			p := shell(tb, script)
			p.Log.Await(tb, time.Minute, "begin", func(text string) bool { return text == "begun\n" })
			p.Stop(codes...)
		})
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s %v: got %q, want %q", script, codes, got, want)
		}
	}
	ends := func(code int) string {
		return fmt.Sprintf("trap 'kill $!; exit %d' TERM; sleep 600 >&- 2>&- & echo begun; wait", code)
	}
	f("ran", ends(0))
	f("fail: script: it ended with", ends(1))
	f("ran", ends(143), 0, 143)
	f("fail: script: it ended with", ends(0), 143)
	f("fail: script: it ended with", "echo begun; exec sleep 600") // a signal ends it
}

func TestProgramHTTP(t *testing.T) {
	ready := http.StatusServiceUnavailable
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(ready)
			ready = http.StatusOK
			return
		}
		fmt.Fprintf(w, "events_total{by=%q} 3\n", r.Header.Get("Authorization"))
	}))
	p := shell(t, "exec sleep 600")
	p.HTTP = strings.TrimPrefix(server.URL, "http://")
	p.AwaitReady()
	if status, text := p.GetAs("/metrics", "t"); status != http.StatusOK || text != "events_total{by=\"Bearer t\"} 3\n" {
		t.Errorf("got %d %q", status, text)
	}
	if n := p.Metrics().Sum("events_total"); n != 3 {
		t.Errorf("got %v", n)
	}
	server.Close()
	if status, text := p.Get("/"); status != 0 || text == "" {
		t.Errorf("a server that is gone: got %d %q", status, text)
	}
	if m := p.Metrics(); m != nil {
		t.Errorf("a server that is gone: got %v", m)
	}
}

func TestOutput(t *testing.T) {
	var o Output
	written := make(chan struct{})
	go func() {
		defer close(written)
		for range 100 {
			fmt.Fprint(&o, "line\n")
		}
	}()
	text := o.Await(t, time.Minute, "all lines", func(text string) bool { return strings.Count(text, "\n") == 100 })
	if <-written; text != o.String() {
		t.Errorf("got %q", text)
	}
	if got := outcome(t, func(tb testing.TB) {
		o.Await(tb, time.Millisecond, "more", func(string) bool { return false })
	}); got == "ran" {
		t.Error("what does not come was waited for")
	}
}

func TestMetrics(t *testing.T) {
	m, err := parseMetrics(`# HELP a_total A, "{quoted} 1".
# TYPE a_total counter
a_total{result="one"} 1
a_total{result="one more",topic="t"} 2
a_total_other 100
d_seconds_bucket{le="0.1"} 0
d_seconds_bucket{le="0.2"} 50
d_seconds_bucket{le="0.4"} 90
d_seconds_bucket{le="+Inf"} 100
d_seconds_sum 25
d_seconds_count 100
b 1e+06
c NaN
`)
	if err != nil {
		t.Fatal(err)
	}
	sum := func(want float64, series int, name string, labels ...string) {
		t.Helper()
		if got, n := m.Sum(name, labels...), m.Series(name, labels...); got != want || n != series {
			t.Errorf("%s %v: got %v of %d series, want %v of %d", name, labels, got, n, want, series)
		}
	}
	sum(3, 2, "a_total")
	sum(2, 1, "a_total", `topic="t"`)
	sum(2, 1, "a_total", `topic="t"`, `result="one more"`)
	sum(0, 0, "a_total", `result="two"`)
	sum(1e6, 1, "b")
	sum(0, 0, "a")
	if n := m.Sum("c"); !math.IsNaN(n) {
		t.Errorf("c: got %v", n)
	}
	if count, sum := m.Histogram("d_seconds"); count != 100 || sum != 25 {
		t.Errorf("histogram: got %v, %v", count, sum)
	}
	quantile := func(q, want float64) {
		t.Helper()
		if got := m.Quantile("d_seconds", q); math.Abs(got-want) > 1e-9 {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
	quantile(0.25, 0.15)
	quantile(0.5, 0.2)
	quantile(0.7, 0.3)
	quantile(0.99, 0.4)
	for _, bad := range []string{"a", "5", "a x", `a{b="c"}`} {
		if _, err := parseMetrics(bad); err == nil {
			t.Errorf("%q is a metric", bad)
		}
	}
}

func TestBuild(t *testing.T) {
	b := &Build{Package: "../house/testdata/nothing"}
	if got := outcome(t, func(tb testing.TB) { b.Path(tb) }); got == "ran" {
		t.Error("what is not there was built")
	}
	b.Remove()
	if _, err := os.Stat(b.dir); !os.IsNotExist(err) {
		t.Errorf("%s: %v", b.dir, err)
	}
	(&Build{}).Remove()
}
