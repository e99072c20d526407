package servers

import (
	"fmt"
	"syscall"
	"testing"
)

// SmallDisk mounts a file system of its own, in memory, of so many bytes, and
// returns its directory. It goes with the test. An error says that this user may
// not mount.
func SmallDisk(tb testing.TB, bytes int) (dir string, err error) {
	tb.Helper()
	dir = tb.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		return "", fmt.Errorf("mount a small disk: %w", err)
	}
	tb.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			tb.Errorf("unmount the small disk: %v", err)
		}
	})
	return dir, nil
}
