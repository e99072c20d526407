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
	patience   time.Duration          // see updated
	generation atomic.Int64           // of those that this process took part in; 0: none, or it is ending
	begun      atomic.Int64           // when, Unix ns
	seen       atomic.Pointer[agreed] // nil: nothing, or members that know no format but the oldest
	since      atomic.Int64           // since when none was seen that knows no other, Unix ns; 0: the last time one was
}

// agreed is what all members of a generation read, as last seen.
type agreed struct {
	generation int64
	formats    outbox.Formats
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
	if !c.settled {
		return
	}
	formats, known := formatsRead[c.protocol]
	if !known {
		a.seen.Store(nil)
		a.since.Store(0)
		return
	}
	a.since.CompareAndSwap(0, time.Now().UnixNano())
	a.seen.Store(&agreed{generation, formats})
}

// formats are those in which entries may be written. They are the oldest until the relays of the generation have had time to take their
// outboxes over: one of a member of before that does not know yet that it is none any more publishes until then.
// A canary does not wait for the day that a crossing waits. Of versions that do not know it, those that know no header take it for damaged,
// and lose nothing that anybody waits for; the others wait at it until a version comes that does.
func (a *agreement) formats() outbox.Formats {
	g, seen, since := a.generation.Load(), a.seen.Load(), a.since.Load()
	if g == 0 || seen == nil || seen.generation != g || passed(a.begun.Load()) < outbox.LeaseFresh {
		return outbox.OldestFormats()
	}
	f := seen.formats
	f.Header = f.Header && since != 0 && passed(since) >= a.patience
	return f
}

// passed is how long ago a time was, Unix ns.
func passed(then int64) time.Duration { return time.Since(time.Unix(0, then)) }
