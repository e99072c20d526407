package thresholds

import "slices"

// Kind is a kind of subject. The order is the one in which the crossings of
// one event are announced.
type Kind uint8

// The kinds of subject.
const (
	Incident Kind = iota
	Account
	Content
	Group
	NumKinds
)

var kindNames = [NumKinds]string{"incident", "account", "content", "group"}

// String is the kind's name in packs, keys and records.
func (k Kind) String() string { return kindNames[k] }

// ParseKind is the kind of a name; false if it is none.
func ParseKind(name string) (Kind, bool) {
	i := slices.Index(kindNames[:], name)
	return Kind(max(i, 0)), i >= 0
}

// Level is a progress that is announced, in 1/10,000 of the limit: 8,000 is 0.8.
// 0 is "none announced" in a State and "cleared" in a Crossing.
type Level uint64

// LevelOne is the limit itself.
const LevelOne Level = 10_000

// MaxValue is the largest value of a counter and the largest limit, 2^53 - 1:
// the largest integer that JSON readers keep exactly.
const MaxValue = 1<<53 - 1

// Op is what a measure does with the events that match it.
type Op uint8

// The operations of measures.
const (
	Sum      Op = iota // adds the number Number
	Distinct           // counts keys once, each weighing 1, or its largest Number
)

// Measure is what is counted.
type Measure struct {
	Name   string
	Op     Op
	Types  []TypeKey // the types of event it counts, sorted by type
	Number string    // Sum: the integer field added. Distinct: the field that weighs a key, "" for 1
	Where  []Filter  // all must match; sorted by field
	After  *Measure  // count only after an event of this one; nil: always
}

// TypeKey is a type of event and, for Distinct, the string field that holds the key.
type TypeKey struct {
	Type string
	Key  string
}

// Filter is a condition on a string field.
type Filter struct {
	Field  string
	Values []string // sorted
	Not    bool     // the field's value must not be one of Values; an absent field matches
}

// Limit is a measure of a rule with its limit.
type Limit struct {
	Measure *Measure
	Value   uint64 // 1 to MaxValue
}

// Combine says how the measures of a rule make one progress.
type Combine uint8

// The ways to combine.
const (
	Any     Combine = iota // the largest value/limit
	All                    // the smallest
	AtLeast                // the K-th largest
	Ratio                  // the sum
)

// Rule is measures with limits over a sliding window, for one kind of subject.
type Rule struct {
	ID, Title, Cite string
	Pack            *Pack
	By              Kind
	Window          int64   // seconds; 0: all, since the subject's first event
	WindowText      string  // the window as the pack writes it: "730d", "all"
	Step            int64   // seconds; divides Window; 0 with Window 0
	Limits          []Limit // in the pack's order
	Combine         Combine
	K               int     // of AtLeast
	Levels          []Level // rising
	Clear           Level   // under this progress it re-arms; 0: never

	ratio ratio

	line, column int // of its id in Pack.File
	// While reading: levels, or clear, were faulty. What rests on them is not looked at.
	levelsUnread, clearUnread bool
}

// Pack is a file of rules.
type Pack struct {
	Name     string
	Hash     string // SHA-256 of the file's bytes, in hexadecimal
	File     string
	Measures []*Measure
	Rules    []*Rule
	Tests    []Test

	line, column int // of its name in File
}

// Value is what a counter says at some time.
type Value struct {
	Value   uint64
	AtLeast bool  // the true value may be larger
	Since   int64 // Unix nanoseconds: the counter began then, later than its window's start; 0: complete
}

// State is what was announced of a rule for a subject.
type State struct {
	Level   Level  // the highest level announced in this episode; 0: none
	Episode uint64 // 1 at first, one more after each clear
}
