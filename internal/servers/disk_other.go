//go:build !linux

package servers

import (
	"errors"
	"testing"
)

// SmallDisk can be had on Linux only.
func SmallDisk(testing.TB, int) (dir string, err error) {
	return "", errors.New("mount a small disk: not on this system")
}
