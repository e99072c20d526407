package servers

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

const (
	// ProgramLimit bounds every wait for a program. Nothing that works comes near it.
	ProgramLimit = 3 * time.Minute
	// lookEvery is the pause between two looks at a program that is waited for.
	lookEvery = 5 * time.Millisecond
)

// Program is one process of a program under test. It is a service that logs lines of JSON and
// serves HTTP, or a command that ends by itself. It ends with the test.
type Program struct {
	Name string  // for messages
	Log  *Output // what it writes, unless it writes elsewhere
	HTTP string  // host:port of its HTTP server, once known

	tb   testing.TB
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// ProgramOptions say how to start a Program.
type ProgramOptions struct {
	Name           string   // for messages; default: Command[0]
	Command        []string // file and arguments
	Env            []string // NAME=value, after those of the test; the last of a name wins
	Stdin          io.Reader
	Stdout, Stderr io.Writer // default: the Program's Log
}

// StartProgram starts a process and does not wait for it.
func StartProgram(tb testing.TB, o ProgramOptions) *Program {
	tb.Helper()
	p := &Program{Name: o.Name, Log: &Output{}, tb: tb, done: make(chan struct{})}
	if p.Name == "" {
		p.Name = o.Command[0]
	}
	p.cmd = exec.Command(o.Command[0], o.Command[1:]...)
	p.cmd.Env, p.cmd.SysProcAttr = append(os.Environ(), o.Env...), procAttr()
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = o.Stdin, o.Stdout, o.Stderr
	if o.Stdout == nil {
		p.cmd.Stdout = p.Log
	}
	if o.Stderr == nil {
		p.cmd.Stderr = p.Log
	}
	if err := p.cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", p.Name, err)
	}
	go reap(p.cmd, p.done)
	tb.Cleanup(func() {
		p.Kill()
		p.checkLog()
	})
	return p
}

// PID is the process id, also of a process that has ended.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Program) Done() <-chan struct{} { return p.done }

// Ended reports whether the process has ended.
func (p *Program) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// ExitCode is the exit code of a process that has ended; -1: a signal ended it.
func (p *Program) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// CPU is the time that a process which has ended used, in user and system mode.
func (p *Program) CPU() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// CPUNow is the time that the process, which still runs, has used so far.
func (p *Program) CPUNow() (time.Duration, error) { return cpuTime(p.PID()) }

// PeakMemory is the most memory of the process, which still runs, that was resident
// at any time, in bytes.
func (p *Program) PeakMemory() (int64, error) { return peakMemory(p.PID()) }

// Signal sends a signal. A process that has ended does not mind.
func (p *Program) Signal(sig os.Signal) { _ = p.cmd.Process.Signal(sig) }

// Kill ends the process by SIGKILL.
func (p *Program) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// Stop ends the process by SIGTERM, to which it must answer with exit code 0, or with
// one of the codes if there are any.
func (p *Program) Stop(codes ...int) {
	p.tb.Helper()
	p.Signal(syscall.SIGTERM)
	p.AwaitEnd(codes...)
}

// AwaitEnd waits for the end of a process that is to end with exit code 0, or with one of codes if
// there are any.
func (p *Program) AwaitEnd(codes ...int) {
	p.tb.Helper()
	select {
	case <-p.done:
	case <-time.After(ProgramLimit):
		p.tb.Fatalf("%s does not end", p.Name)
	}
	if len(codes) == 0 {
		codes = []int{0}
	}
	for _, code := range codes {
		if p.ExitCode() == code {
			return
		}
	}
	p.tb.Errorf("%s: it ended with %v, want exit code %v\n%s", p.Name, p.cmd.ProcessState, codes, p.Log)
}

// Get asks the HTTP server. The status is 0 if it does not answer.
func (p *Program) Get(path string) (status int, body string) { return p.GetAs(path, "") }

// GetAs is Get with a bearer token, if there is one.
func (p *Program) GetAs(path, token string) (status int, body string) {
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	req, err := http.NewRequest(http.MethodGet, "http://"+p.HTTP+path, nil)
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

// AwaitReady waits until /readyz says 200.
func (p *Program) AwaitReady() {
	p.tb.Helper()
	Await(p.tb, ProgramLimit, lookEvery, p.Name+" to be ready", func() bool {
		status, _ := p.Get("/readyz")
		return status == http.StatusOK
	})
}

// Metrics is what /metrics says. It is empty if the server does not answer.
func (p *Program) Metrics() Metrics {
	p.tb.Helper()
	status, text := p.Get("/metrics")
	if status != http.StatusOK {
		return nil
	}
	m, err := parseMetrics(text)
	if err != nil {
		p.tb.Fatalf("%s: %v", p.Name, err)
	}
	return m
}
