package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestMain ends the Kafka that tests share, and removes the binaries that they run.
func TestMain(m *testing.M) {
	code := servers.Suite{M: m}.Run()
	aggregator.Remove()
	faultAggregator.Remove()
	os.Exit(code)
}

// The program, with the race detector if the tests have it; faultBinary can kill itself
// at points in its code.
var (
	aggregator      = &servers.Build{Package: "../../cmd/aggregator", Race: underRace}
	faultAggregator = &servers.Build{Package: "../../cmd/aggregator", Race: underRace, Tags: "faultpoints"}
)

// waitLimit is how long a test waits for anything that a daemon does. A daemon that works comes nowhere near it.
const waitLimit = servers.ProgramLimit

// daemon is one process of `aggregator run`.
type daemon struct {
	*servers.Program
	t *testing.T
	// mayLogErrors: the test breaks something on purpose.
	mayLogErrors bool
}

// startDaemon starts `aggregator run`, with variables that override the config, and returns when it has logged that
// it started. It ends with the test.
func startDaemon(t *testing.T, name, config string, environ ...string) *daemon {
	t.Helper()
	d := launch(t, name, runCommand(t, aggregator, config), environ...)
	d.awaitStarted()
	return d
}

// runCommand is the command line of `aggregator run`.
func runCommand(t *testing.T, b *servers.Build, config string, flags ...string) []string {
	t.Helper()
	return append([]string{b.Path(t), "run", "-config", config}, flags...)
}

// launch starts a command that becomes a process of the program, and does not wait for it. Its log is looked at when
// the test ends.
func launch(t *testing.T, name string, command []string, environ ...string) *daemon {
	t.Helper()
	d := launchUnchecked(t, name, command, environ...)
	t.Cleanup(d.check)
	return d
}

// launchUnchecked is launch, except that the log is not looked at.
func launchUnchecked(t *testing.T, name string, command []string, environ ...string) *daemon {
	t.Helper()
	return &daemon{t: t, Program: servers.StartProgram(t, servers.ProgramOptions{Name: name, Command: command, Env: environ})}
}

// awaitStarted waits until the daemon has logged that it started, and where it serves HTTP.
func (d *daemon) awaitStarted() {
	d.t.Helper()
	d.HTTP = d.AwaitLog("started")["http"].(string)
}

// check kills a daemon that still runs, and looks for what must never be in a log.
func (d *daemon) check() {
	d.Kill()
	log := d.Log.String()
	for _, text := range mustNotLog(log) {
		d.t.Errorf("%s: %q in its log", d.Name, text)
	}
	if !d.mayLogErrors && strings.Contains(log, `"level":"ERROR"`) {
		d.t.Errorf("%s: an error in its log", d.Name)
	}
	if d.t.Failed() {
		d.t.Logf("%s: its log ends:\n%s", d.Name, logEnd(log))
	}
}

// mustNotLog are the texts in a log that must never be in one.
func mustNotLog(log string) (found []string) {
	for _, text := range []string{"DATA RACE", "panic: ", "BUG: ", "goroutine "} {
		if strings.Contains(log, text) {
			found = append(found, text)
		}
	}
	return found
}

func logEnd(log string) string { return log[max(0, len(log)-6000):] }

// awaitInLog waits for a text in the log.
func (d *daemon) awaitInLog(text string) {
	d.t.Helper()
	d.Log.Await(d.t, waitLimit, d.Name+": "+text, func(log string) bool { return strings.Contains(log, text) })
}

// metric is the sum of the series of a metric whose labels hold all of some texts, as `reason="utf8"`. It is 0 if the
// daemon does not answer.
func (d *daemon) metric(name string, labels ...string) float64 {
	d.t.Helper()
	return d.Metrics().Sum(name, labels...)
}

// eventually waits until f holds.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	servers.Await(t, waitLimit, 50*time.Millisecond, what, f)
}

// within waits until f holds, so long at most, and reports whether it does.
func within(limit time.Duration, f func() bool) bool {
	return servers.Within(limit, 50*time.Millisecond, f)
}

func containsAll(s string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}
