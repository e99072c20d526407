package thresholds

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

// Value is what a counter says at some time.
type Value struct {
	Value   uint64
	AtLeast bool  // the true value may be larger
	Since   int64 // Unix nanoseconds: the counter began then, later than its window's start; 0: complete
}
