package shard

import (
	"time"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Policy is when a batch is committed. A commit writes all that has changed since the last one, so each one more costs.
// Each one fewer delays crossings, and what other processes know.
type Policy struct {
	MaxAge     time.Duration // of a batch; a second by default
	MaxEvents  int           // operations of a batch; 0, the default: any
	SubjectMax int           // subjects of a batch, which are in memory beside CacheBytes; 0, the default: any
	KeptMax    int           // operations kept for subjects that others write too; KeptOperations by default
	EventKeys  int           // that one event adds to a commit, at most
}

// place is where a shard asks whether to commit.
type place uint8

const (
	afterEvent  place = iota // more of the chunk may follow, or of the sweep
	afterChunk               // at the end of a chunk
	afterSweep               // at the end of a sweep
	afterTurn                // at the end of each turn of the loop
	afterVerify              // the fences in the store are those that the shard knows
	afterRead                // subjects were read
)

// point is a place, with what matters there of the partition that is read.
type point struct {
	place    place
	ended    bool // the chunk goes up to the end of its partition
	deferred bool // an event of the partition crossed in this batch
}

// reason is why a batch is committed.
type reason string

const (
	notDue       reason = ""
	isFull       reason = "the next event may not fit"
	isPressing   reason = "a crossing waits that is pressing, or one may be near"
	atEnd        reason = "its crossings wait for more of a partition, and there is no more"
	hasCrossings reason = "a sweep had crossings"
	isOld        reason = "it has waited long enough"
	isIdle       reason = "nothing is in it: only fences are moved"
	isStale      reason = "another process wrote a subject of it: the commit will be refused, and what is stored is read"
)

// due is why the batch is to be committed, if it is. Only after a turn it looks at now.
// What it does not decide: a shard that gives a partition up commits, and so does one for which another waits.
func (p *Policy) due(b *batch, at point, now time.Time) reason {
	switch at.place {
	case afterEvent:
		return given(isFull, p.full(b))
	case afterChunk:
		if b.urgent {
			return isPressing
		}
		return given(atEnd, at.ended && at.deferred)
	case afterSweep:
		return given(hasCrossings, len(b.crossings) > 0)
	case afterTurn:
		return given(isOld, !b.begun.IsZero() && now.Sub(b.begun) >= p.MaxAge)
	case afterVerify:
		return given(isIdle, b.begun.IsZero())
	default:
		return given(isStale, b.conflict)
	}
}

func given(why reason, so bool) reason {
	if so {
		return why
	}
	return notDue
}

// full reports whether the batch must be committed before the next event: the most that one event can add is left free.
// Where other processes write the same subjects, so is room for sets of theirs that have grown meanwhile.
func (p *Policy) full(b *batch) bool {
	if p.MaxEvents > 0 && b.ops >= p.MaxEvents || p.SubjectMax > 0 && len(b.entries) >= p.SubjectMax {
		return true
	}
	keys := b.commitKeys() + p.EventKeys
	if b.kept > 0 {
		keys += windowstore.MaxCommitKeys / 8
	}
	return keys > windowstore.MaxCommitKeys || b.bytes >= windowstore.MaxCommitBytes || b.kept >= p.KeptMax
}

// pressing reports whether a crossing is to be committed at once. During catch-up it is not: if the
// event's record is already older than 10 x MaxAge, waiting for the batch adds at most 10 % to its
// delay. Committing per crossing would rewrite every changed subject each time, which is most of
// what a backlog costs if it has many. It is given how many crossings wait, whether the chunk ends
// its partition, and how long the event's record has lain in Kafka.
func (p *Policy) pressing(crossings int, ended bool, lain time.Duration) bool {
	return ended || crossings >= DeferredMost || lain <= 10*p.MaxAge
}
