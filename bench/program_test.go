//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	dto "github.com/prometheus/client_model/go"
)

// patience bounds every wait, but for those that say.
const patience = 5 * time.Minute

// build makes the program and returns its path.
func build(b testing.TB) string {
	b.Helper()
	file := filepath.Join(b.TempDir(), "aggregator")
	if out, err := exec.Command("go", "build", "-o", file, "../cmd/aggregator").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return file
}

// process is a program under way.
type process struct {
	cmd  *exec.Cmd
	log  *output
	done chan error
}

// launch starts a process, which ends with the benchmark at the latest. Its log is what it writes.
func launch(b testing.TB, name string, args ...string) *process {
	b.Helper()
	log := &output{}
	p := launchTo(b, log, log, name, args...)
	p.log = log
	return p
}

// launchTo is launch with other places for what the process writes, and no log.
func launchTo(b testing.TB, stdout, stderr io.Writer, name string, args ...string) *process {
	b.Helper()
	p := &process{cmd: exec.Command(name, args...), done: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	b.Cleanup(func() { _ = p.cmd.Process.Kill() }) // it may have ended
	return p
}

// end ends a process by SIGTERM, to which it answers with one of these codes, and returns the CPU time it used in its life.
func (p *process) end(b testing.TB, codes ...int) time.Duration {
	b.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatalf("end %s: %v\n%s", p.cmd.Path, err, p.log)
	}
	err := <-p.done
	if !slices.Contains(codes, p.cmd.ProcessState.ExitCode()) {
		b.Fatalf("end %s: %v\n%s", p.cmd.Path, err, p.log)
	}
	return p.cpu()
}

// cpu is the CPU time that a process which has ended used in its life.
func (p *process) cpu() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// mustRun fails if the process has ended.
func (p *process) mustRun(b testing.TB) {
	b.Helper()
	select {
	case err := <-p.done:
		b.Fatalf("%s ended: %v\n%s", p.cmd.Path, err, p.log)
	default:
	}
}

// program is an `aggregator run` under way.
type program struct {
	*process
	site string
}

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var httpAddr = regexp.MustCompile(`"msg":"started".*"http":"([^"]+)"`)

// writeConfig writes a config into a file of its own.
func writeConfig(b testing.TB, config string) (file string) {
	b.Helper()
	file = filepath.Join(b.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	return file
}

// startProgram starts the binary and returns when it is ready to read.
func startProgram(b testing.TB, binary, config string) *program {
	b.Helper()
	p := &program{process: launch(b, binary, "run", "-config", writeConfig(b, config))}
	await(b, "the program's start", 5*time.Millisecond, func() bool {
		m := httpAddr.FindStringSubmatch(p.log.String())
		if m != nil {
			p.site = "http://" + m[1]
		}
		return m != nil
	})
	await(b, "the program to be ready", 5*time.Millisecond, p.ready)
	return p
}

func (p *program) ready() bool {
	res, err := http.Get(p.site + "/readyz")
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// stop ends the program by SIGTERM and returns the CPU time it used in its life.
func (p *program) stop(b testing.TB) time.Duration {
	b.Helper()
	used := p.end(b, 0)
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, newGroup) {
			continue
		}
		if strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, `"level":"ERROR"`) {
			say("the program says: %s", strings.TrimSpace(line))
		}
	}
	return used
}

// newGroup is what the first group of a new Kafka is told while its topic of offsets is made.
const newGroup = "Group Coordinator Not Available"

// peak is the most memory that was resident at any time, in bytes. (Wait's own
// figure would include the parent's at the fork.)
func (p *process) peak(b testing.TB) float64 {
	b.Helper()
	most, ok := p.resident()
	if !ok {
		b.Fatalf("%s has ended", p.cmd.Path)
	}
	return most
}

// resident is what peak tells; false: the process has ended.
func (p *process) resident() (most float64, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	_, rest, told := strings.Cut(string(text), "VmHWM:")
	if err != nil || !told {
		return 0, false
	}
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	return float64(kib) * 1024, err == nil
}

// metrics is a scrape.
type metrics map[string]*dto.MetricFamily

func (p *program) metrics(b testing.TB) metrics {
	b.Helper()
	res, err := http.Get(p.site + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return families
}

// sum is the value of a counter or gauge over all its labels.
func (m metrics) sum(name string) (total float64) {
	for _, x := range m[name].GetMetric() {
		total += x.GetCounter().GetValue() + x.GetGauge().GetValue()
	}
	return total
}

// histogram is the count and the sum of one.
func (m metrics) histogram(name string) (count, sum float64) {
	for _, x := range m[name].GetMetric() {
		count += float64(x.GetHistogram().GetSampleCount())
		sum += x.GetHistogram().GetSampleSum()
	}
	return count, sum
}

// quantile is the q-quantile of a histogram without labels, interpolated within
// its bucket; above the last bucket, that one's bound.
func (m metrics) quantile(name string, q float64) float64 {
	h := m[name].GetMetric()[0].GetHistogram()
	rank := q * float64(h.GetSampleCount())
	low, below := 0.0, 0.0
	for _, bucket := range h.GetBucket() {
		up, n := bucket.GetUpperBound(), float64(bucket.GetCumulativeCount())
		if n >= rank && n > below {
			return low + (min(up, 1e9)-low)*(rank-below)/(n-below)
		}
		low, below = up, n
	}
	return low
}

// await asks again and again until f says yes.
func await(b testing.TB, what string, every time.Duration, f func() bool) {
	b.Helper()
	awaitWithin(b, what, patience, every, f)
}

// awaitWithin is await with a patience of its own.
func awaitWithin(b testing.TB, what string, limit, every time.Duration, f func() bool) {
	b.Helper()
	tick := time.NewTicker(every)
	defer tick.Stop()
	late := time.After(limit)
	for !f() {
		select {
		case <-tick.C:
		case <-late:
			b.Fatalf("waited %v for %s", limit, what)
		}
	}
}

// patienceFor is patience until so many events are read, be it slowly.
func patienceFor(events int64) time.Duration {
	return patience + time.Duration(events)*time.Second/5_000
}
