package store

import (
	"bytes"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// Len is how many keys the commit names, at most MaxCommitKeys.
func (c *Commit) Len() int {
	return len(c.Fences) + len(c.Records) + len(c.Puts) + len(c.Deletes)
}

// Bytes is the size of the keys and of what is written to them.
func (c *Commit) Bytes() int {
	n := 0
	for i := range c.Fences {
		n += len(c.Fences[i].Key) + len(c.Fences[i].To)
	}
	for i := range c.Records {
		n += len(c.Records[i].Key) + len(c.Records[i].Value)
	}
	for i := range c.Puts {
		n += len(c.Puts[i].Key) + len(c.Puts[i].Value)
	}
	for _, key := range c.Deletes {
		n += len(key)
	}
	return n
}

// Compares is how many of the keys are compared; they come first in the script's KEYS.
func (c *Commit) Compares() int { return len(c.Fences) + len(c.Records) }

// MustBeValid panics on a commit that no store could apply as it is meant.
func (c *Commit) MustBeValid() {
	if n := c.Len(); n > MaxCommitKeys {
		panic(fmt.Sprintf("BUG: a commit of %d keys, the most is %d", n, MaxCommitKeys))
	}
	if len(c.Deletes) > 0 && c.writes() {
		panic("BUG: a commit that both writes and deletes")
	}
	for i := range c.Records {
		c.Records[i].mustBeValid()
	}
}

func (r *Record) mustBeValid() {
	if r.Version != nil && len(r.Version) != windows.VersionSize {
		panic(fmt.Sprintf("BUG: the version of record %q has %d bytes", r.Key, len(r.Version)))
	}
	if r.Value != nil && len(r.Value) < windows.VersionSize {
		panic(fmt.Sprintf("BUG: record %q has no version", r.Key))
	}
}

// writes reports whether anything is written.
func (c *Commit) writes() bool {
	for i := range c.Fences {
		if c.Fences[i].To != nil {
			return true
		}
	}
	for i := range c.Records {
		if c.Records[i].Value != nil {
			return true
		}
	}
	return len(c.Puts) > 0
}

// holds reports whether the fence's key is as expected. value is nil if the key is absent.
func (f *Fence) holds(value []byte) bool {
	return (f.From == nil) == (value == nil) && bytes.Equal(f.From, value)
}

// holds reports whether the record's key is as expected. value is nil if the key is absent.
func (r *Record) holds(value []byte) bool {
	return (r.Version == nil) == (value == nil) && bytes.HasPrefix(value, r.Version)
}
