package windows

// Op is what a counter keeps in each of its buckets.
//
// There is no room for a fifth. The first byte of a counter in a record (head.go) has two bits for
// the operation, and its other six are in use. One more needs recordFormat 2. Versions before it
// take that for a later version's format and leave it alone (ErrNewer).
type Op uint8

// The operations.
const (
	Sum      Op = iota // the sum of the numbers added
	Distinct           // how many keys were last seen there
	Weighted           // the same, and the sum of their weights, which is the counter's value
	First              // the earliest time of any event: it answers Preceded and has no value
)

// Spec is the definition of a counter.
type Spec struct {
	ID   uint64 // hash of what it counts; the counter is stored under it
	Op   Op
	Step int64 // nanoseconds; 0: one bucket for all time
	N    int64 // buckets covered before that of T; 0 with Step 0
	Cap  int   // Distinct, Weighted: the most keys kept
}

// Layout is what is kept for one kind of subject. It has its counters by number, and the ids
// (hashes) of the rules whose states it keeps, by number. A record may hold more, of another pack:
// that is carried along untouched.
type Layout struct {
	Counters []Spec
	Rules    []uint64

	Sizes Sizes // default: 20 members in a record, 128 in a chunk, 256 bytes of history
}

// RuleState is what was announced of a rule for a subject: its level, and the number of its episode.
type RuleState struct {
	Level   uint64 // 1/10,000 of the limit; 0: none
	Episode uint64 // 0 is written for 1, the first
}
