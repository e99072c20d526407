package partition

import (
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// decider decides what each record of a partition is, in their order. It knows what it decided before a rewind.
type decider struct {
	in        *engine.Intake
	clock     int64  // running maximum of the timestamps of the records decided, ms
	shortened uint64 // of in.IDs, as told to the metrics
	headers   []event.Header
	committed func() (low int64, ok bool) // offset before which no rewind goes; false: not known yet
	accepted  bool                        // the record decided last was
	decisions
}

// decisions is what was decided about the records of a partition by their ids, for those that are read again.
type decisions struct {
	decidedTo  int64   // offset up to which duplicates were decided; -1: nothing was
	knownFrom  int64   // offset from which repeats is complete
	repeats    []int64 // offsets in [knownFrom, decidedTo) of duplicates, rising
	reportedTo int64   // offset up to which records were reported to the metrics
}

func newDecider(p *engine.Program, o *Options, committed func() (int64, bool)) decider {
	return decider{in: engine.NewIntake(p, o.Secret, o.Intake), committed: committed, decisions: decisions{decidedTo: -1}}
}

// rewind sets the clocks to a position's.
func (d *decider) rewind(at position.Position) {
	d.clock, d.in.Newest, d.in.Lag = at.Clock, at.Newest, 0
	if at.Newest != engine.NoTime { // canaries keep the two as far apart as events did
		d.in.Lag = max(0, engine.Nanoseconds(at.Clock)-at.Newest)
	}
}

// verdict is what a record is: malformed, ahead or a duplicate, with the reason. Otherwise it is accepted: its event is
// in d.in, and is to be matched.
func (d *decider) verdict(r *records.Record) (engine.Verdict, error) {
	d.accepted = false
	if err := d.decode(r); err != nil {
		return engine.Refusal(err)
	}
	if d.in.TooNew(engine.Nanoseconds(r.Timestamp)) {
		return engine.Ahead, engine.AheadOf(d.in.Event.Time, r.Timestamp, d.in.MaxAhead)
	}
	d.clock, d.in.Stamp = max(d.clock, r.Timestamp), r.Timestamp
	if d.repeated(r) {
		return engine.Duplicate, nil
	}
	d.accepted = true
	return engine.Accepted, nil
}

// decode reads a record into d.in.Event, if it is an event and has a timestamp.
func (d *decider) decode(r *records.Record) error {
	if r.Fault != nil {
		return faulty(r.Fault)
	}
	if r.Timestamp == engine.NoTimestamp {
		return engine.ErrNoTimestamp
	}
	d.headers = d.headers[:0]
	for _, h := range r.Headers {
		d.headers = append(d.headers, event.Header{Key: h.Key, Value: h.Value})
	}
	return d.in.Decoder.DecodeRecord(&d.in.Event, r.Value, d.headers)
}

// faulty is why a record that was not read, or not whole, is no event.
func faulty(f *records.Fault) error {
	reason := event.ReasonTooLarge
	if f.Kind == records.Unreadable {
		reason = event.ReasonUnreadable
	}
	return &event.Malformed{Reason: reason, Offset: -1, Detail: f.Error()}
}

// counts reports whether a record is an event that counts for the clock, and reads it.
func (d *decider) counts(r *records.Record) bool {
	return d.decode(r) == nil && !d.in.TooNew(engine.Nanoseconds(r.Timestamp))
}

// note notes the id of a record, if it is an event that counts for the clock.
func (d *decider) note(r *records.Record) {
	if d.counts(r) {
		d.in.Repeated(r.Timestamp)
	}
}

// repeated reports whether a record is a duplicate. What was decided before a
// rewind stays so: the memory of ids has moved on since.
func (d *decider) repeated(r *records.Record) bool {
	if r.Offset < d.decidedTo {
		_, was := slices.BinarySearch(d.repeats, r.Offset)
		return was
	}
	d.decidedTo = r.Offset + 1
	if !d.in.Repeated(r.Timestamp) {
		return false
	}
	d.repeats = append(d.repeats, r.Offset)
	d.forget()
	return true
}

// forgetEvery is after how many duplicates those are dropped that no rewind can come back to.
const forgetEvery = 1024

// forget drops the duplicates that no rewind can come back to.
func (d *decider) forget() {
	if len(d.repeats)%forgetEvery != 0 {
		return
	}
	if low, ok := d.committed(); ok {
		i, _ := slices.BinarySearch(d.repeats, low)
		d.repeats = append(d.repeats[:0], d.repeats[i:]...)
		d.knownFrom = max(d.knownFrom, low)
	}
}

// decided reports whether all duplicates from an offset on were decided, as far as anything was.
func (d *decisions) decided(offset int64) bool {
	return d.decidedTo >= 0 && offset >= d.knownFrom && offset <= d.decidedTo
}

// first reports whether a record was not reported yet. It is now: what is read again after a rewind was reported then.
func (d *decisions) first(r *records.Record) bool {
	if r.Offset < d.reportedTo {
		return false
	}
	d.reportedTo = r.Next()
	return true
}

// newlyShortened is how many ids were forgotten early since it was last asked.
func (d *decider) newlyShortened() uint64 {
	n := d.in.IDs.Shortened - d.shortened
	d.shortened = d.in.IDs.Shortened
	return n
}
