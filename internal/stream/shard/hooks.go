package shard

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// Hooks are where the simulation and tests put their own chance and time.
type Hooks struct {
	Version func() [windows.VersionSize]byte // of a record to be written; random
	Now     func() time.Time                 // for `detected` and ages only
}

// realHooks are those of everything except tests.
func realHooks() Hooks { return Hooks{Version: NewVersion, Now: time.Now} }

// NewVersion is a random version.
func NewVersion() (v [windows.VersionSize]byte) {
	if _, err := rand.Read(v[:]); err != nil {
		panic("BUG: no random bytes: " + err.Error())
	}
	return v
}

// NewWriterID is a random number for a process.
func NewWriterID() uint64 {
	v := NewVersion()
	return binary.BigEndian.Uint64(v[:])
}
