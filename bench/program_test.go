//go:build linux

package bench

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// waitLimit bounds every wait, except where another limit is given.
const waitLimit = 5 * time.Minute

// aggregator is the program.
var aggregator = &servers.Build{Package: "../cmd/aggregator"}

func TestMain(m *testing.M) {
	code := servers.Suite{M: m}.Run()
	aggregator.Remove()
	os.Exit(code)
}

// program is an `aggregator run` under way.
type program struct{ *servers.Program }

// startProgram starts the program and returns when it is ready to read.
func startProgram(b testing.TB, config string) *program {
	b.Helper()
	p := servers.StartProgram(b, servers.ProgramOptions{Name: "aggregator", Command: []string{aggregator.Path(b), "run", "-config", servers.WriteFile(b, "config.yaml", config)}})
	p.HTTP = p.AwaitLog("started")["http"].(string)
	p.AwaitReady()
	return &program{p}
}

// stop ends the program by SIGTERM and returns the CPU time it used in its life.
func (p *program) stop(b testing.TB) time.Duration {
	b.Helper()
	p.Stop()
	for line := range strings.Lines(p.Log.String()) {
		if strings.Contains(line, newGroup) {
			continue
		}
		if strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, `"level":"ERROR"`) {
			printf("the program logs: %s", strings.TrimSpace(line))
		}
	}
	return p.CPU()
}

// newGroup is the error that the first group of a new Kafka gets while its topic of offsets is made.
const newGroup = "Group Coordinator Not Available"

// peak is the most memory of a process that was resident at any time, in bytes.
func peak(b testing.TB, p *servers.Program) float64 {
	b.Helper()
	most, err := p.PeakMemory()
	if err != nil {
		b.Fatal(err)
	}
	return float64(most)
}

// metrics is a scrape.
func (p *program) metrics(b testing.TB) servers.Metrics {
	b.Helper()
	m := p.Metrics()
	if m == nil {
		b.Fatal("the program does not answer")
	}
	return m
}

// await asks again and again until f holds.
func await(b testing.TB, what string, every time.Duration, f func() bool) {
	b.Helper()
	servers.Await(b, waitLimit, every, what, f)
}

// readLimit is the time in which so many events must be read: waitLimit and more, as the program
// may be slow.
func readLimit(events int64) time.Duration {
	return waitLimit + time.Duration(events)*time.Second/5_000
}
