//go:build unix

package httpserver

import "golang.org/x/sys/unix"

// descriptors is how many files and connections the system lets the process have open.
func descriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return int(min(uint64(limit.Cur), 1<<20)) //nolint:unconvert // some systems have a signed one
}
