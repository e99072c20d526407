package stream

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// assignment is a relay's right to publish the outbox of its shard. It is noted in
// the store, by the generation of the group: a process that woke up after its
// partitions went to another still believes in its own generation for a moment,
// and would publish what the other is about to.
type lease struct {
	name  []byte    // ours, as stored: the generation, then the process; nil: nobody else is about
	seen  time.Time // when the store last said that the outbox is ours
	rival []byte    // who else was met, of our generation or a newer one
	since time.Time // since when the rival has been the same one
}

func newLease(generation int32, process uint64) lease {
	return lease{name: binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(generation)), process)}
}

const (
	// leaseFresh is how long after the store was asked a relay may publish. It is
	// less than the group takes to give a silent member's partitions to another.
	leaseFresh = 3 * time.Second
	// leaseOutlives is how long a rival's claim stands that does nothing: longer
	// than a session of the group. So long it takes if the group was made anew,
	// which then counts its generations from the start.
	leaseOutlives = 12 * time.Second
)

// errNotOurs: a newer generation publishes the outbox.
var errNotOurs = errors.New("another process publishes the outbox now")

// fresh says whether the right is certain enough to publish now, and gives what
// is published the time until which it is.
func (c *lease) fresh(ctx context.Context) (context.Context, bool) {
	if c.name == nil {
		return ctx, true
	}
	late := c.seen.Add(leaseFresh)
	return notAfter(ctx, late), time.Now().Before(late)
}

// yields says whether the lease stored, by a store that was asked at some time, goes before ours. One that is older, or
// gone with what a store lost, does not. A rival is met when the answer is there: who slept between asking and
// that does not know for how long the rival has been about.
func (c *lease) yields(stored []byte, asked time.Time) bool {
	if len(stored) != len(c.name) || bytes.Compare(stored[:8], c.name[:8]) < 0 {
		return false
	}
	if !bytes.Equal(c.rival, stored) {
		c.rival, c.since = bytes.Clone(stored), time.Now()
	}
	return asked.Sub(c.since) < leaseOutlives
}

// hold makes sure of the right to publish, given what the store held when it
// was asked at some time.
func (r *relay) hold(ctx context.Context, stored []byte, asked time.Time) error {
	c := &r.lease
	if c.name == nil {
		return nil
	}
	if !bytes.Equal(stored, c.name) {
		if c.yields(stored, asked) {
			return errNotOurs
		}
		res, err := r.store.Commit(ctx, r.shard, &windowstore.Commit{Fences: []windowstore.Fence{{Key: r.leaseKey(), From: stored, To: c.name}}})
		if err != nil {
			return r.failed(ctx, fmt.Errorf("claim outbox of shard %d: %w", r.shard, err))
		}
		if res.Outcome != windowstore.Done {
			return errNotOurs
		}
	}
	c.seen, c.rival = asked, nil
	return nil
}

func (r *relay) leaseKey() []byte { return r.keys.AppendClaimKey(nil, r.shard) }
