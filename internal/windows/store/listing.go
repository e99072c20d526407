package store

import "context"

// Listing is, for each rule and shard, a list of the subjects that are near the rule's limit. It
// is written in no commit, and a hint: what is shown of a subject is read from its record.
//
// A list is in the order of Row.Before: the largest progress first, then by the bytes of the id.
type Listing interface {
	// List applies changes to the lists of a shard, in their order. It is not atomic, and safe to call again.
	List(ctx context.Context, shard int, changes ...RowChange) error
	// Rows returns a stretch of each list that is asked for, in the order asked.
	Rows(ctx context.Context, asked ...RowsAsked) ([][]Row, error)
	// LookUp returns whether a shard lists each of these rows, and with which progress.
	LookUp(ctx context.Context, shard int, names ...RowName) ([]RowKept, error)
	// Sights returns what a shard keeps beside each of these rows; nil: nothing.
	Sights(ctx context.Context, shard int, names ...RowName) ([][]byte, error)
	// CountRows returns how many rows each list has of so much progress or more.
	CountRows(ctx context.Context, asked ...RowsCounted) ([]int, error)
	// Lists are the rules of which the shard has a list, in no order; also some whose lists are empty by now.
	Lists(ctx context.Context, shard int) ([]string, error)
	// DropStrays deletes sights that belong to no row of the list of a rule, of those that a step of a walk comes to. It returns from
	// where the next step goes on; 0 begins a walk, and ends it. A row that is listed meanwhile may lose its sights.
	DropStrays(ctx context.Context, shard int, rule string, from uint64) (next uint64, err error)
	// DropList deletes the list of a rule.
	DropList(ctx context.Context, shard int, rule string) error
}

// MostProgress is the most that a list distinguishes. More counts as so much.
const MostProgress = 1 << 53

// Row is a subject in the list of a rule.
type Row struct {
	ID       []byte // of the subject; the rule says of which kind
	Progress uint64 // 1/10,000 of the limit, MostProgress at most
}

// Before reports whether a row is before another in their list.
func (r Row) Before(o Row) bool { return r.compare(o) < 0 }

// RowName names a row of a shard.
type RowName struct {
	Rule string
	ID   []byte
}

// RowChange is what a row becomes.
type RowChange struct {
	RowName
	Progress uint64
	Sights   []byte // what is kept beside it; nil: as it was
	Gone     bool   // the row goes, and its sights with it
	Beside   bool   // only Sights change: the row is what it is, even none
	Old      bool   // it is listed, as far as is known: whether the list is known to Lists is not looked after
}

// RowKept is what is kept of a row.
type RowKept struct {
	Listed   bool
	Progress uint64
}

// RowsAsked asks for a stretch of a list.
type RowsAsked struct {
	Shard int
	Rule  string
	From  Place
	Skip  int // so many rows from there on are passed over; only from Top
	Limit int // at most so many rows; 1 or more
}

// Place is a place in a list: before the rows of Progress whose ids are ID or later.
type Place struct {
	Progress uint64
	ID       []byte
	After    bool // a row of just that ID is before the place
}

// Top is the place before all rows.
func Top() Place { return Place{Progress: MostProgress} }

// before reports whether the place is before a row.
func (p *Place) before(r *Row) bool {
	at := Row{ID: p.ID, Progress: min(p.Progress, MostProgress)}
	c := at.compare(*r)
	return c < 0 || c == 0 && !p.After
}

// RowsCounted asks how many rows of a list have Least or more.
type RowsCounted struct {
	Shard int
	Rule  string
	Least uint64
}
