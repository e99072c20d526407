package servers

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// procAttr makes the kernel kill a child when the test process dies, however it dies. The signal is
// tied to the thread that started the child. The Go runtime ends a thread early only under a
// goroutine that locked it and returned, which no test here does. A group of its own lets a signal
// reach the children that the server forked.
func procAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

var portLocks struct {
	sync.Mutex
	held []net.Listener
}

// lockPort claims a port among the test processes of this machine until this
// process ends. The claim is an abstract socket: the kernel drops it by itself.
func lockPort(port int) bool {
	ln, err := net.Listen("unix", fmt.Sprintf("@aggregator-test-port-%d", port))
	if err != nil {
		return false
	}
	portLocks.Lock()
	defer portLocks.Unlock()
	portLocks.held = append(portLocks.held, ln)
	return true
}

// peakMemory reads the most memory of a live process that was resident at any
// time, in bytes. (The figure of wait4 would include its parent's at the fork.)
func peakMemory(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read peak memory: %w", err)
	}
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	if !found {
		return 0, fmt.Errorf("read peak memory of %d: it has ended", pid)
	}
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read peak memory of %d: %w", pid, err)
	}
	return kib << 10, nil
}

// cpuTime reads the CPU time that a live process used so far, in user and
// system mode, its waited-for children not included. Its resolution is 10 ms.
func cpuTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read cpu time: %w", err)
	}
	// The name in parentheses may hold blanks. utime and stime are the 12th and 13th fields after
	// it (proc(5), fields 14 and 15), in 1/100 s.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var ticks int
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("read cpu time of %d: %w", pid, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}
