package servers

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// TearAOF cuts the newest part of the append-only file of a Redis that is down. A loss of power
// does this to what was not on the disk yet. keep gets the part's size and returns how many bytes
// of it stay. TearAOF returns how many were lost.
func (r *RedisServer) TearAOF(keep func(size int64) int64) (lost int64) {
	r.tb.Helper()
	if r.PID() != 0 {
		r.tb.Fatalf("tear the AOF of %s: it is running", r.proc.name)
	}
	lost, err := tearNewest(filepath.Join(r.Dir(), "appendonlydir", "*.incr.aof"), keep)
	if err != nil {
		r.tb.Fatalf("tear the AOF of %s: %v", r.proc.name, err)
	}
	return lost
}

func tearNewest(pattern string, keep func(size int64) int64) (lost int64, err error) {
	parts, err := filepath.Glob(pattern)
	if err != nil || len(parts) == 0 {
		return 0, fmt.Errorf("no part matches %s: %w", pattern, err)
	}
	newest := slices.MaxFunc(parts, func(a, b string) int { // their numbers have no leading zeros
		return cmp.Or(len(a)-len(b), strings.Compare(a, b))
	})
	info, err := os.Stat(newest)
	if err != nil {
		return 0, err
	}
	left := keep(info.Size())
	return info.Size() - left, os.Truncate(newest, left)
}
