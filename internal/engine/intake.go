package engine

import (
	"time"

	"github.com/dchest/siphash"

	"github.com/seed-afe14ff2/aggregator/internal/event"
)

// IntakeOptions is how events are taken in: what is refused, what is a repeat.
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
)

// WithDefaults is o with the defaults where it has nothing.
func (o *IntakeOptions) WithDefaults() IntakeOptions {
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

// Verdict is what became of a record.
type Verdict uint8

// The verdicts, in the order of VerdictNames.
const (
	Matched     Verdict = iota // a counter took it, or it was late for each
	Unmatched                  // no counter counts such events
	Duplicate                  // its id came before, within the window
	Malformed                  // it is no event
	Ahead                      // its time lies too far in the future
	Canary                     // it is a canary: no pack counts it, and it moves the stream's time
	NumVerdicts                // how many verdicts a record can end with
	// Accepted is a record that is to be matched. It ends as Matched, Unmatched or Canary.
	Accepted
)

// VerdictNames are the verdicts in metrics, logs and reports.
var VerdictNames = [NumVerdicts]string{"matched", "unmatched", "duplicate", "malformed", "ahead", "canary"}

// Intake is the way of the records of one partition up to their operations.
// It belongs to one goroutine.
type Intake struct {
	Program  *Program      // what events are matched by
	Decoder  event.Decoder // it fills Event
	Event    event.Event   // the one under way
	IDs      Duplicates    // the ids of late
	MaxAhead time.Duration // how far an event's time may lie after its Kafka timestamp
	Newest   int64         // the newest time matched, ns; NoTime: none
	Stamp    int64         // the Kafka timestamp of the record under way, ms
	Lag      int64         // how far the event that was newest came after its time, ns; canaries are none

	matcher  matcher
	canaries *canaries // nil: they are not counted
	identity []byte
}

// NewIntake makes an intake to which no event has come. Fingerprints are keyed by the secret.
func NewIntake(p *Program, secret Secret, o IntakeOptions) *Intake {
	o = o.WithDefaults()
	return &Intake{
		Program:  p,
		Decoder:  event.Decoder{Types: o.Types},
		matcher:  matcher{program: p, secret: secret},
		IDs:      newDuplicates(o.DedupeWindow.Milliseconds(), o.MaxIDs),
		MaxAhead: o.MaxAhead,
		Newest:   NoTime,
	}
}

// MatchBy has events matched by another program from now on. Which ids came before stays known.
func (in *Intake) MatchBy(p *Program) { in.Program, in.matcher.program = p, p }

// TooNew reports whether the event lies too far ahead of now (ns).
func (in *Intake) TooNew(now int64) bool {
	return tooNew(in.Event.Time, now, in.MaxAhead)
}

// Repeated notes the event's identity at the given Kafka timestamp (ms) and reports whether it
// is a duplicate.
func (in *Intake) Repeated(timestamp int64) bool {
	in.identity = in.Event.AppendIdentity(in.identity[:0])
	s := in.matcher.secret
	return in.IDs.seen(siphash.Hash(s.K0, s.K1, in.identity), timestamp)
}

// Operations matches the event and moves the newest time. The verdict is Matched, Unmatched or Canary. The operations are valid until
// the next call.
func (in *Intake) Operations() ([]Operation, Verdict) {
	ops, v := in.matcher.match(&in.Event), Matched
	if len(ops) == 0 {
		if !in.IsCanary() {
			return nil, Unmatched
		}
		ops, v = in.canaries.operations(&in.Event, in.Stamp), Canary
	}
	if v == Matched && in.Event.Time >= in.Newest {
		in.Lag = max(0, Nanoseconds(in.Stamp)-in.Event.Time)
	}
	in.Newest = max(in.Newest, in.Event.Time)
	return ops, v
}
