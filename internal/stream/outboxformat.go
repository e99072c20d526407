package stream

import (
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
)

// While a deployment is updated, its group has members of the version before, and these would take an entry of the outbox in a format that
// they do not know for a damaged one. So entries are written in a new format only while all members read it.
//
// What members say of themselves in the group (see kinOf) has no room for that: earlier versions would take it for the name of another store.
// But a member offers the group balancers by name, and the group takes one that all members offer. So a balancer of a new name, offered first,
// is taken if and only if all members are of a version that offers it.
//
// A process of the version before may come back while an update is under way: whoever supervises it starts it again. It would meet entries
// that were written without it. So all members must have read the new format for a day.

// updated is how long all members must have been of a version that reads a new format before entries are written in it.
const updated = 24 * time.Hour

// agreement is what the members of a group all read.
type agreement struct {
	patience   time.Duration // see updated
	generation atomic.Int64  // of those that this process took part in; 0: none, or it is ending
	begun      atomic.Int64  // when, Unix ns
	headers    atomic.Int64  // the generation all of whose members read outbox.FormatHeader, as last seen
	since      atomic.Int64  // since when none was seen that does not, Unix ns; 0: the last time one was
}

// begin is told that a generation begins: what its members read is not known yet.
func (a *agreement) begin(generation int64) {
	a.generation.Store(0)
	a.begun.Store(time.Now().UnixNano())
	a.generation.Store(generation)
}

// end is told that the generation ends: the next one may have members that read less.
func (a *agreement) end() { a.generation.Store(0) }

// saw is told what was seen of the group after a generation had begun.
func (a *agreement) saw(c *census, generation int64) {
	if c.settled && c.protocol == headersRead {
		a.since.CompareAndSwap(0, time.Now().UnixNano())
		a.headers.Store(generation)
	} else if c.settled {
		a.headers.Store(0)
		a.since.Store(0)
	}
}

// format is the format of new entries. It is the old one until the relays of the generation have had time to take their outboxes over:
// one of a member of before that does not know yet that it is none any more publishes until then.
func (a *agreement) format() outbox.Format {
	g, since := a.generation.Load(), a.since.Load()
	if g == 0 || a.headers.Load() != g || passed(a.begun.Load()) < outbox.LeaseFresh || since == 0 || passed(since) < a.patience {
		return outbox.FormatRecord
	}
	return outbox.FormatHeader
}

// passed is how long ago a time was, Unix ns.
func passed(then int64) time.Duration { return time.Since(time.Unix(0, then)) }
