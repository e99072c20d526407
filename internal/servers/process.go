package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	// startLimit bounds how long a server may take until it answers. A broker
	// takes 3 to 6 s, and much longer beside a build with the race detector.
	startLimit = 120 * time.Second
	// stopLimit is how long a server may take to end by itself after SIGTERM.
	stopLimit = 30 * time.Second
	// probeEvery is the pause between two looks at a server that is starting.
	probeEvery = 20 * time.Millisecond
)

// process is one server program: how it is started, how one sees that it
// answers, and its present life, if any. Its methods may be called from several
// goroutines.
type process struct {
	name    string                      // for messages: "redis 127.0.0.1:15001"
	dir     string                      // working directory; the log is in it
	command func() *exec.Cmd            // a fresh command for each start
	ready   func(context.Context) error // nil once the server answers

	mu   sync.Mutex
	cmd  *exec.Cmd     // nil before the first start
	done chan struct{} // closed when cmd has ended
}

// run starts the program and waits until it answers.
func (p *process) run() error {
	if err := p.start(); err != nil {
		return err
	}
	if err := p.await(); err != nil {
		p.kill()
		return err
	}
	return nil
}

// start starts the program and does not wait for it.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.aliveLocked() {
		return fmt.Errorf("start %s: it is running", p.name)
	}
	log, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	defer log.Close()
	cmd := p.command()
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = p.dir, log, log, procAttr()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.cmd, p.done = cmd, make(chan struct{})
	go reap(cmd, p.done)
	return nil
}

// reap waits for the end of cmd. It is owned by the process that started it and
// ends with it.
func reap(cmd *exec.Cmd, done chan<- struct{}) {
	_ = cmd.Wait() // how a server ended is in its log
	close(done)
}

// await waits until the program answers, or says why it does not.
func (p *process) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	ended := p.ended()
	err := poll(ctx, func(ctx context.Context) error {
		select {
		case <-ended:
			return errEnded
		default:
			return p.ready(ctx)
		}
	})
	if err == nil {
		return nil
	}
	log := p.tail()
	if errors.Is(err, errEnded) && bytes.Contains(bytes.ToLower(log), []byte("address already in use")) {
		err = errPortTaken
	}
	return fmt.Errorf("start %s: %w; its log ends:\n%s", p.name, err, log)
}

// errEnded stops a poll: what is waited for cannot come any more.
var errEnded = errors.New("it ended")

// poll calls probe until it returns nil or errEnded, or ctx ends.
func poll(ctx context.Context, probe func(context.Context) error) error {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		err := probe(ctx)
		if err == nil || errors.Is(err, errEnded) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("no answer in time: %w", err)
		}
	}
}

// stop asks the program to end, and kills it if it does not. A program that has
// ended, or never ran, is fine.
func (p *process) stop() {
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGCONT) // a stopped process does not see SIGTERM
	select {
	case <-p.ended():
	case <-time.After(stopLimit):
		p.kill()
	}
}

// kill ends the program at once and waits until it is gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended()
}

// signal sends sig to the program and to what it forked, if it is alive.
func (p *process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.aliveLocked() {
		_ = syscall.Kill(-p.cmd.Process.Pid, sig) // it may have ended this moment
	}
}

// ended returns a channel that is closed when the program is not running.
func (p *process) ended() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil {
		never := make(chan struct{})
		close(never)
		return never
	}
	return p.done
}

func (p *process) aliveLocked() bool {
	if p.done == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// pid returns the process id, or 0 if the program is not running.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.aliveLocked() {
		return 0
	}
	return p.cmd.Process.Pid
}

func (p *process) logPath() string { return filepath.Join(p.dir, "server.log") }

// tail returns the end of the program's log, at most 4 KiB.
func (p *process) tail() []byte {
	log, err := os.ReadFile(p.logPath())
	if err != nil {
		return []byte(err.Error())
	}
	return log[max(0, len(log)-4096):]
}
