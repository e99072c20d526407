//go:build !linux

package servers

import (
	"errors"
	"syscall"
	"time"
)

// procAttr has no death signal here: a server outlives a test process that was
// killed.
func procAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// lockPort claims nothing here: two test processes may pick the same port, and
// the later one tries again.
func lockPort(int) bool { return true }

func peakMemory(int) (int64, error) {
	return 0, errors.New("read peak memory: only known on linux")
}

func cpuTime(int) (time.Duration, error) {
	return 0, errors.New("read cpu time: only known on linux")
}
