package stream

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// hooks are where the simulation and tests put their own chance and time.
type hooks struct {
	version func() [windows.VersionSize]byte // of a record to be written; random
	now     func() time.Time                 // for `detected` and ages only
}

// realHooks are those of everything except tests.
func realHooks() hooks { return hooks{version: newVersion, now: time.Now} }

func newVersion() (v [windows.VersionSize]byte) {
	if _, err := rand.Read(v[:]); err != nil {
		panic("BUG: no random bytes: " + err.Error())
	}
	return v
}

func newWriterID() uint64 {
	v := newVersion()
	return binary.BigEndian.Uint64(v[:])
}
