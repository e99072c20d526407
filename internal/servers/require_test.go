package servers

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// recorder is a test that a test looks at: it keeps how it was ended.
type recorder struct {
	testing.TB
	outcome string
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) { r.end("skip: "+format, args...) }

func (r *recorder) Errorf(format string, args ...any) {
	r.outcome = fmt.Sprintf("fail: "+format, args...)
}

func (r *recorder) Fatalf(format string, args ...any) { r.end("fail: "+format, args...) }

func (r *recorder) Fatal(args ...any) { r.end("fail: %s", fmt.Sprint(args...)) }

func (r *recorder) end(format string, args ...any) {
	r.outcome = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// outcome runs f as a test and returns how it ended: "ran", or "skip: ..." or "fail: ...".
func outcome(t *testing.T, f func(testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t, outcome: "ran"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r.outcome
}

func TestRequire(t *testing.T) {
	f := func(require, name, want string) {
		t.Helper()
		t.Setenv("REQUIRE_SERVERS", require)
		got := outcome(t, func(tb testing.TB) { Require(tb, "go", name) })
		if !strings.HasPrefix(got, want) {
			t.Errorf("REQUIRE_SERVERS=%q, %s: got %q, want %q", require, name, got, want)
		}
	}
	f("", "go", "ran")
	f("1", "go", "ran")
	f("", "no-such-program", `skip: exec: "no-such-program"`)
	f("0", "no-such-program", `skip: exec: "no-such-program"`)
	f("1", "no-such-program", `fail: REQUIRE_SERVERS=1, but exec: "no-such-program"`)
}

func TestNeed(t *testing.T) {
	f := func(require string, err error, want string) {
		t.Helper()
		t.Setenv("REQUIRE_SERVERS", require)
		got := outcome(t, func(tb testing.TB) { Need(tb, err, "make tea") })
		if !strings.HasPrefix(got, want) {
			t.Errorf("REQUIRE_SERVERS=%q, %v: got %q, want %q", require, err, got, want)
		}
	}
	f("1", nil, "ran")
	f("", errEnded, "skip: it ended (make tea gets it")
	f("1", errEnded, "fail: REQUIRE_SERVERS=1, but it ended (make tea gets it")
}

func TestRequireKafkaJars(t *testing.T) {
	if find("java") != nil {
		t.Setenv("PATH", fakeJava(t))
	}
	t.Setenv("REQUIRE_SERVERS", "")
	t.Setenv("KAFKA_LIB", t.TempDir())
	got := outcome(t, func(tb testing.TB) { Require(tb, "kafka") })
	if !strings.HasPrefix(got, "skip: find kafka's jars: ") {
		t.Errorf("got %q", got)
	}
}

// fakeJava returns a directory with a program called java.
func fakeJava(t *testing.T) string {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/java", []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The jars that make install fetches are those the tests look for.
func TestKafkaVersionIsOne(t *testing.T) {
	MustHold(t, "../../scripts/kafka/pom.xml", "<kafka.version>"+KafkaVersion+"</kafka.version>")
	MustHold(t, "../../Makefile", "KAFKA     := "+KafkaVersion+"\n")
}

// The Kubernetes that make check-deploy builds is the one that the tests look for.
func TestKubernetesVersionIsOne(t *testing.T) {
	MustHold(t, "../../tools/kube/go.mod", "\tk8s.io/kubernetes "+KubernetesVersion+" ")
	MustHold(t, "../../Makefile", "KUBE      := "+KubernetesVersion+"\n")
}

// The model of Grafana that make install gets is the one that the tests look for.
func TestGrafanaVersionIsOne(t *testing.T) {
	MustHold(t, "../../scripts/grafana/requirements.txt", "!"+GrafanaVersion+" ")
	MustHold(t, "../../Makefile", "GRAFANA   := "+GrafanaVersion+"\n")
}

// So is the client of Kafka for Python.
func TestKafkaPythonVersionIsOne(t *testing.T) {
	MustHold(t, "../../scripts/kafka/requirements.txt", "kafka-python=="+KafkaPythonVersion+" ")
	MustHold(t, "../../Makefile", "PY_KAFKA  := "+KafkaPythonVersion+"\n")
}

func TestRequireGrafana(t *testing.T) {
	t.Setenv("REQUIRE_SERVERS", "")
	t.Setenv("GRAFANA_SDK", t.TempDir())
	got := outcome(t, func(tb testing.TB) { GrafanaPython(tb) })
	if !strings.HasPrefix(got, "skip: find grafana-sdk-"+GrafanaVersion+": ") {
		t.Errorf("got %q", got)
	}
}
