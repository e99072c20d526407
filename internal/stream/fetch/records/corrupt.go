package records

import "fmt"

// Corrupt is returned by Set.Read for bytes that are no sound record batch, and by who fetches where the broker gives no
// batch though the log has more. A producer does not cause this, but a disk may. (What a producer does is a Record's
// Fault.)
//
// Every record below Offset was handed out. To leave the batch out, one reads on past it.
type Corrupt struct {
	Topic     string
	Partition int
	Offset    int64 // the first offset that could not be read
	End       int64 // offset after its batch, by a header that is no sounder than the batch; 0: it is not known
	Cause     error
}

func (e *Corrupt) Error() string {
	return fmt.Sprintf("read %s/%d at offset %d: %v", e.Topic, e.Partition, e.Offset, e.Cause)
}

// Unwrap returns the cause.
func (e *Corrupt) Unwrap() error { return e.Cause }

// unsound is a batch whose CRC does not match.
type unsound struct{ first, end int64 }

func (e *unsound) Error() string {
	return fmt.Sprintf("crc of the batch of offset %d does not match", e.first)
}
