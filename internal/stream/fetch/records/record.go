package records

// Record is one record of a set. Key, Value and Headers point into the set, or
// into its batch decompressed, and are valid until the next call of Read. A nil
// Key or Value is Kafka's null.
type Record struct {
	Offset    int64
	Timestamp int64 // milliseconds
	Key       []byte
	Value     []byte
	Headers   []Header // reused by the next record; at most 1,000, of 64 KiB together
	Fault     *Fault   // nil: the record is here as it was written
}

// Header is one header of a record.
type Header struct {
	Key, Value []byte
}

// Next is the offset after the record, or after what it stands for.
func (r *Record) Next() int64 {
	if r.Fault != nil {
		return r.Fault.Next
	}
	return r.Offset + 1
}

// Fault is the part of a record that is left out, or the part of a batch that cannot be read though
// it is as its producer wrote it. It is an error, whose text is for the producer.
type Fault struct {
	Kind FaultKind
	// Next is the offset after what the fault is about.
	Next int64
	// Value is the length of the value that was left out, in bytes; -1: none was.
	Value int64
	// PassedOver is how many records of the batch were passed over: they have the offset of another
	// record, or come after the last.
	PassedOver int
	Cause      error
}

// FaultKind is what a Fault is about.
type FaultKind uint8

// The kinds.
const (
	// TooLarge is one record. Its value, or its headers, are left out, and a large key.
	TooLarge FaultKind = iota
	// Unreadable is the end of a batch, from the record's offset up to Next: none of it was read.
	// The record stands for it, with the timestamp that the batch counts from.
	Unreadable
	// Surplus is a batch with records or bytes passed over, though all its offsets were read. The
	// record's offset is Next.
	Surplus
)

// Error returns the cause.
func (f *Fault) Error() string { return f.Cause.Error() }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Cause }
