package engine

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

// NoTime stands for "no event yet" where a newest time is kept.
const NoTime = windows.NoTime

// Verdict is what became of a record.
type Verdict uint8

const (
	Matched Verdict = iota
	Unmatched
	Duplicate
	Malformed
	Ahead
	NumVerdicts // how many verdicts a record can end with
	// Accepted is a record that is to be matched. It ends as Matched or Unmatched.
	Accepted
)

var VerdictNames = [NumVerdicts]string{"matched", "unmatched", "duplicate", "malformed", "ahead"}

// Intake is the way of the records of one partition up to their operations.
// It belongs to one goroutine.
type Intake struct {
	Decoder  event.Decoder
	Event    event.Event
	Matcher  matcher
	IDs      Duplicates
	MaxAhead time.Duration
	Newest   int64 // the newest time matched, ns; noTime: none
	identity []byte
}

func NewIntake(p *Program, secret Secret, o IntakeOptions) *Intake {
	o = o.WithDefaults()
	return &Intake{
		Decoder:  event.Decoder{Types: o.Types},
		Matcher:  matcher{Program: p, secret: secret},
		IDs:      NewDuplicates(o.DedupeWindow.Milliseconds(), o.MaxIDs),
		MaxAhead: o.MaxAhead,
		Newest:   NoTime,
	}
}

// TooNew says whether the event lies too far ahead of now (ns).
func (in *Intake) TooNew(now int64) bool {
	return tooNew(in.Event.Time, now, in.MaxAhead)
}

// Repeated notes the event's identity at the given Kafka timestamp (ms) and says whether it
// is a duplicate.
func (in *Intake) Repeated(timestamp int64) bool {
	in.identity = in.Event.AppendIdentity(in.identity[:0])
	s := in.Matcher.secret
	return in.IDs.Seen(siphash.Hash(s.K0, s.K1, in.identity), timestamp)
}

// Operations matches the event and moves the newest time.
func (in *Intake) Operations() []Operation {
	ops := in.Matcher.match(&in.Event)
	if len(ops) > 0 && in.Event.Time > in.Newest {
		in.Newest = in.Event.Time
	}
	return ops
}
