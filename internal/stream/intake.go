package stream

import (
	"time"

	"github.com/dchest/siphash"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// IntakeOptions says how events are taken in: what is refused, what is a repeat.
type IntakeOptions struct {
	// MaxAhead is how far an event's time may lie after its Kafka timestamp. Default 5 min.
	MaxAhead time.Duration
	// DedupeWindow is how long an id is remembered, by the partition's clock. Default 10 min.
	DedupeWindow time.Duration
	// MaxIDs bounds the ids remembered for a partition. Default 4,000,000, which take
	// up to 64 MB (16 bytes each); at the bound the window shortens.
	MaxIDs int
	// Types maps CloudEvents types to the program's.
	Types map[string]string
}

// The defaults of an Intake.
const (
	DefaultMaxAhead     = 5 * time.Minute
	DefaultDedupeWindow = 10 * time.Minute
	DefaultMaxIDs       = 4_000_000
)

func (o *IntakeOptions) withDefaults() IntakeOptions {
	r := *o
	if r.MaxAhead == 0 {
		r.MaxAhead = DefaultMaxAhead
	}
	if r.DedupeWindow == 0 {
		r.DedupeWindow = DefaultDedupeWindow
	}
	if r.MaxIDs == 0 {
		r.MaxIDs = DefaultMaxIDs
	}
	return r
}

// noTime stands for "no event yet" where a newest time is kept.
const noTime = windows.NoTime

// verdict is what became of a record.
type verdict uint8

const (
	matched verdict = iota
	unmatched
	duplicate
	malformed
	ahead
	numVerdicts
)

var verdictNames = [numVerdicts]string{"matched", "unmatched", "duplicate", "malformed", "ahead"}

// Intake is the way of the records of one partition up to their operations.
// It belongs to one goroutine.
type Intake struct {
	decoder  event.Decoder
	event    event.Event
	matcher  matcher
	ids      duplicates
	maxAhead time.Duration
	newest   int64 // the newest time matched, ns; noTime: none
	identity []byte
}

func NewIntake(p *Program, secret Secret, o IntakeOptions) *Intake {
	o = o.withDefaults()
	return &Intake{
		decoder:  event.Decoder{Types: o.Types},
		matcher:  matcher{program: p, secret: secret},
		ids:      newDuplicates(o.DedupeWindow.Milliseconds(), o.MaxIDs),
		maxAhead: o.MaxAhead,
		newest:   noTime,
	}
}

// tooNew says whether the event lies too far ahead of now (ns).
func (in *Intake) tooNew(now int64) bool {
	return tooNew(in.event.Time, now, in.maxAhead)
}

// repeated notes the event's identity at the given Kafka timestamp (ms) and says whether it
// is a duplicate.
func (in *Intake) repeated(timestamp int64) bool {
	in.identity = in.event.AppendIdentity(in.identity[:0])
	s := in.matcher.secret
	return in.ids.seen(siphash.Hash(s.k0, s.k1, in.identity), timestamp)
}

// operations matches the event and moves the newest time.
func (in *Intake) operations() []operation {
	ops := in.matcher.match(&in.event)
	if len(ops) > 0 && in.event.Time > in.newest {
		in.newest = in.event.Time
	}
	return ops
}
