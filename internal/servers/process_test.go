package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func program(t *testing.T, command ...string) *process {
	return &process{
		name:    "program",
		dir:     t.TempDir(),
		command: func() *exec.Cmd { return exec.Command(command[0], command[1:]...) },
		ready:   func(context.Context) error { return errors.New("never ready") },
	}
}

func TestProcessThatEndsAtOnce(t *testing.T) {
	err := program(t, "sh", "-c", "echo no such option; exit 1").run()
	if !errors.Is(err, errEnded) || !strings.Contains(err.Error(), "no such option") {
		t.Errorf("got %v", err)
	}
}

func TestProcessPortTaken(t *testing.T) {
	Require(t, "redis-server", "redis-cli")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	r := newRedis(t, ln.Addr().(*net.TCPAddr).Port, nil)
	r.proc.ready = func(context.Context) error { return errors.New("not ours") }
	if err := r.proc.run(); !errors.Is(err, errPortTaken) {
		t.Errorf("got %v, want %v", err, errPortTaken)
	}
}

func TestProcessStopsWhatIgnoresNothing(t *testing.T) {
	p := program(t, "sleep", "600")
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	if err := p.start(); err == nil {
		t.Error("started twice")
	}
	if p.pid() == 0 {
		t.Error("a running program has no pid")
	}
	p.stop()
	if p.pid() != 0 {
		t.Error("a stopped program has a pid")
	}
	p.stop() // once more does no harm
	p.kill()
}

func TestProcessKillsItsChildrenToo(t *testing.T) {
	p := program(t, "sh", "-c", "sleep 600 & echo $!; wait")
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := poll(ctx, func(context.Context) error { return written(p.tail()) }); err != nil {
		t.Fatal(err)
	}
	child := strings.TrimSpace(string(p.tail()))
	t.Cleanup(func() { endChild(t, child) })
	p.kill()
	err := poll(ctx, func(context.Context) error {
		status, err := os.ReadFile("/proc/" + child + "/status")
		if err == nil && !strings.Contains(string(status), "State:\tZ") {
			return errors.New("child " + child + " lives")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// endChild ends a child that outlived its parent, so that a test that failed leaves nothing behind.
func endChild(t *testing.T, pid string) {
	command, err := os.ReadFile("/proc/" + pid + "/cmdline")
	if err != nil || string(command) != "sleep\x00600\x00" {
		return // it has ended, as it should
	}
	n, err := strconv.Atoi(pid)
	if err == nil {
		err = syscall.Kill(n, syscall.SIGKILL)
	}
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Errorf("end child %s: %v", pid, err)
	}
}

func written(log []byte) error {
	if !strings.HasSuffix(string(log), "\n") {
		return errors.New("nothing written yet")
	}
	return nil
}

// TestNothingOutlivesAKilledTest starts this test again in a process of its own,
// which starts a server and is killed in the middle.
func TestNothingOutlivesAKilledTest(t *testing.T) {
	if os.Getenv("SERVERS_TEST_VICTIM") == "1" {
		r := Redis(t, RedisOptions{})
		fmt.Println("\nlistening", r.Addr())
		select {}
	}
	Require(t, "redis-server", "redis-cli")
	victim := exec.Command(os.Args[0], "-test.run=^TestNothingOutlivesAKilledTest$")
	victim.Env = append(os.Environ(), "SERVERS_TEST_VICTIM=1", "TMPDIR="+t.TempDir())
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	addr := waitAddr(bufio.NewScanner(out))
	_ = victim.Process.Kill()
	_ = victim.Wait() // "signal: killed"
	if addr == "" {
		t.Fatal("the victim started no server")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := poll(ctx, func(context.Context) error { return refused(addr) }); err != nil {
		t.Error(err)
	}
}

func waitAddr(lines *bufio.Scanner) string {
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			return addr
		}
	}
	return ""
}

func refused(addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil
	}
	conn.Close()
	return errors.New(addr + " still answers")
}
