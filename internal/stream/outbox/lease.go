package outbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Lease is a relay's right to publish the outbox of its shard. It is noted in the store, by the
// generation of the group. A process that woke up after its partitions went to another still
// believes in its own generation for a moment. It would publish what the other is about to.
type Lease struct {
	Name  []byte    // ours, as stored: the generation, then the process; nil: nobody else is about
	Seen  time.Time // when the store last said that the outbox is ours
	rival []byte    // who else was met, of our generation or a newer one
	since time.Time // since when the rival has been the same one
}

// NewLease makes the lease of a process in a generation of the group. It is not taken yet.
func NewLease(generation int32, process uint64) Lease {
	return Lease{Name: binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(generation)), process)}
}

const (
	// LeaseFresh is how long after the store was asked a relay may publish. It is
	// less than the group takes to give a silent member's partitions to another.
	LeaseFresh = 3 * time.Second
	// LeaseOutlives is how long a rival's lease that does nothing stands: longer than a session of
	// the group. It takes so long if the group was recreated, which then counts its generations
	// from the start.
	LeaseOutlives = 12 * time.Second
)

// errNotOurs: a newer generation publishes the outbox.
var errNotOurs = errors.New("another process publishes the outbox now")

// Fresh reports whether the right is certain enough to publish now, and gives the time until which it is; zero: for ever.
func (c *Lease) Fresh() (notAfter time.Time, fresh bool) {
	if c.Name == nil {
		return time.Time{}, true
	}
	notAfter = c.Seen.Add(LeaseFresh)
	return notAfter, time.Now().Before(notAfter)
}

// yields reports whether the stored lease goes before ours; the store was asked for it at asked. An
// older lease does not, nor does a lease that is gone with what a store lost. A rival is met when
// the answer is there. A process that slept between asking and that does not know for how long the
// rival has been about.
func (c *Lease) yields(stored []byte, asked time.Time) bool {
	if len(stored) != len(c.Name) || bytes.Compare(stored[:8], c.Name[:8]) < 0 {
		return false
	}
	if !bytes.Equal(c.rival, stored) {
		c.rival, c.since = bytes.Clone(stored), time.Now()
	}
	return asked.Sub(c.since) < LeaseOutlives
}

// hold makes sure of the right to publish, given what the store held when it
// was asked at some time.
func (r *Relay) hold(ctx context.Context, stored []byte, asked time.Time) error {
	c := &r.Lease
	if c.Name == nil {
		return nil
	}
	if !bytes.Equal(stored, c.Name) {
		if c.yields(stored, asked) {
			return errNotOurs
		}
		res, err := r.Store.Commit(ctx, r.Shard, &windowstore.Commit{Fences: []windowstore.Fence{{Key: r.leaseKey(), From: stored, To: c.Name}}})
		if err != nil {
			return r.failed(ctx, fmt.Errorf("claim outbox of shard %d: %w", r.Shard, err))
		}
		if res.Outcome != windowstore.Done {
			return errNotOurs
		}
	}
	c.Seen, c.rival = asked, nil
	return nil
}

func (r *Relay) leaseKey() []byte { return r.Keys.AppendLeaseKey(nil, r.Shard) }
