package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestMain ends the Kafka that tests share, and removes the binary that they run.
func TestMain(m *testing.M) {
	code := servers.Suite{M: m}.Run()
	for _, b := range []*product{binary, deadlyBinary} {
		if b.dir != "" {
			_ = os.RemoveAll(b.dir) // in the system's temporary directory, which is emptied anyhow
		}
	}
	os.Exit(code)
}

// product is the program, built once for all tests of the package.
type product struct {
	sync.Once
	tags      string // of the build
	dir, path string
	err       error
}

var binary, deadlyBinary = &product{}, &product{tags: "faultpoints"}

// made builds the program, with the race detector if the tests have it.
func (b *product) made(t *testing.T) string {
	t.Helper()
	b.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "aggregator-binary-"); b.err != nil {
			return
		}
		b.path = filepath.Join(b.dir, "aggregator")
		args := []string{"build", "-tags", b.tags, "-o", b.path}
		if underRace {
			args = append(args, "-race")
		}
		if out, err := exec.Command("go", append(args, "../../cmd/aggregator")...).CombinedOutput(); err != nil {
			b.err = fmt.Errorf("build the program: %w: %s", err, out)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.path
}

// patience is how long a test waits for anything that a daemon does. Nothing comes near it that works.
const patience = 3 * time.Minute

// daemon is one process of `aggregator run`.
type daemon struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	log  *watched // stderr
	http string   // host:port
	done chan struct{}
	// lame: it may log errors, since the test breaks something on purpose.
	lame bool
}

// startDaemon starts `aggregator run`, with variables that override the config, and returns when it has said that
// it started. It ends with the test.
func startDaemon(t *testing.T, name, config string, environ ...string) *daemon {
	t.Helper()
	d := launch(t, binary, name, config, environ...)
	t.Cleanup(d.cleanup)
	d.http = d.awaitLog("started")["http"].(string)
	return d
}

// launch starts a process of the program and does not wait for it.
func launch(t *testing.T, b *product, name, config string, environ ...string) *daemon {
	t.Helper()
	return launchWith(t, b, name, config, nil, environ...)
}

// launchWith is launch with more flags.
func launchWith(t *testing.T, b *product, name, config string, flags []string, environ ...string) *daemon {
	t.Helper()
	return launchAs(t, name, exec.Command(b.made(t), append([]string{"run", "-config", config}, flags...)...), environ...)
}

// launchAs starts a command that becomes a process of the program, and does not wait for it.
func launchAs(t *testing.T, name string, cmd *exec.Cmd, environ ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, name: name, cmd: cmd, log: newWatched(), done: make(chan struct{})}
	d.cmd.Env = append(os.Environ(), environ...)
	d.cmd.Stderr, d.cmd.Stdout, d.cmd.SysProcAttr = d.log, d.log, daemonAttr()
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(d.done)
		_ = d.cmd.Wait() // its state says how it ended
	}()
	return d
}

// cleanup kills what still runs, and looks for what must never be in a log.
func (d *daemon) cleanup() {
	d.signal(syscall.SIGKILL)
	<-d.done
	log := d.log.String()
	for _, bad := range []string{"DATA RACE", "panic: ", "BUG: ", "goroutine "} {
		if strings.Contains(log, bad) {
			d.t.Errorf("%s: %q in its log", d.name, bad)
		}
	}
	if !d.lame && strings.Contains(log, `"level":"ERROR"`) {
		d.t.Errorf("%s: an error in its log", d.name)
	}
	if d.t.Failed() {
		d.t.Logf("%s: its log ends:\n%s", d.name, log[max(0, len(log)-6000):])
	}
}

func (d *daemon) signal(sig os.Signal) { _ = d.cmd.Process.Signal(sig) } // it may have ended

// awaitLog waits for a line of the log with that message and returns its members.
func (d *daemon) awaitLog(message string) (line map[string]any) {
	d.t.Helper()
	d.log.await(d.t, fmt.Sprintf("%s: line %q", d.name, message), func(text string) bool {
		for s := range strings.Lines(text) {
			line = nil
			if json.Unmarshal([]byte(s), &line) == nil && line["msg"] == message {
				return true
			}
		}
		return false
	})
	return line
}

// stop ends the daemon by SIGTERM, which must work.
func (d *daemon) stop() {
	d.t.Helper()
	d.signal(syscall.SIGTERM)
	d.awaitEnd()
}

// awaitEnd waits for the end of a daemon that was told to stop.
func (d *daemon) awaitEnd() {
	d.t.Helper()
	select {
	case <-d.done:
	case <-time.After(patience):
		d.t.Fatalf("%s does not end after SIGTERM", d.name)
	}
	if code := d.cmd.ProcessState.ExitCode(); code != exitFine {
		d.t.Errorf("%s: exit code %d after SIGTERM", d.name, code)
	}
}

// kill ends the daemon by SIGKILL.
func (d *daemon) kill() {
	d.signal(syscall.SIGKILL)
	<-d.done
}

// cpu is the time that an ended daemon used, in user and system mode.
func (d *daemon) cpu() time.Duration {
	return d.cmd.ProcessState.UserTime() + d.cmd.ProcessState.SystemTime()
}

// get asks the daemon's HTTP server. The status is 0 if it does not answer.
func (d *daemon) get(path string) (status int, body string) { return d.getAs(path, "") }

// getAs is get with a token, if there is one.
func (d *daemon) getAs(path, token string) (status int, body string) {
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	req, err := http.NewRequest(http.MethodGet, "http://"+d.http+path, nil)
	if err != nil {
		return 0, err.Error()
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// awaitReady waits until /readyz says 200.
func (d *daemon) awaitReady() {
	d.t.Helper()
	eventually(d.t, d.name+" is ready", func() bool {
		status, _ := d.get("/readyz")
		return status == http.StatusOK
	})
}

// metric is the sum of the series of a metric whose labels hold all of some texts, as `reason="utf8"`.
func (d *daemon) metric(name string, labels ...string) float64 {
	d.t.Helper()
	sum, _ := d.sum(name, labels...)
	return sum
}

func (d *daemon) sum(name string, labels ...string) (sum float64, series int) {
	d.t.Helper()
	_, text := d.get("/metrics")
	for line := range strings.Lines(text) {
		labelled, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if base, _, _ := strings.Cut(labelled, "{"); base != name || !containsAll(labelled, labels) {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			d.t.Fatalf("%s: metric %q: %v", d.name, line, err)
		}
		sum += n
		series++
	}
	return sum, series
}

func containsAll(s string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

// eventually waits until f holds.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	if !within(patience, f) {
		t.Fatalf("it did not come within %v: %s", patience, what)
	}
}

// within waits until f holds, so long at most, and says whether it does.
func within(limit time.Duration, f func() bool) bool {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(limit)
	for !f() {
		select {
		case <-tick.C:
		case <-late:
			return false
		}
	}
	return true
}
