package records

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// walk is where Read stands in a batch.
type walk struct {
	dec     *Decoder
	inside  bool   // there is a batch
	rest    []byte // its records not read yet, as far as they are decompressed
	left    int32  // how many they are
	first   int64  // offset they count from
	next    int64  // offset that the next one has at least
	end     int64  // offset after the batch, also of a batch passed over
	base    int64  // timestamp they count from
	stamped bool   // base is the timestamp of all: LogAppendTime
	odd     int    // records passed over, since they have the offset of another one
	fault   Fault  // of the record handed out
}

var (
	errOdd      = errors.New("records have an offset that another one of their batch has")
	errTrailing = errors.New("bytes behind the last record of a batch")
)

// begin begins a batch.
func (w *walk) begin(h *batch) error {
	rest, err := w.dec.open(h.codec(), h.payload)
	if err != nil {
		return fmt.Errorf("batch of offset %d: %w", h.first, err)
	}
	w.stand(h)
	w.inside, w.rest, w.left = true, rest, h.count
	return nil
}

// stand takes what the header of a batch says of all its records.
func (w *walk) stand(h *batch) {
	w.first, w.next, w.end, w.odd = h.first, h.first, h.last+1, 0
	w.base, w.stamped = h.base, h.appendTime()
	if w.stamped {
		w.base = h.newest
	}
}

// setOffset gives a record its offset and timestamp. A record whose offset is taken is passed over, as
// other consumers do. An offset that is not in the batch is replaced by the next offset. Kafka
// checks the offsets of compressed batches only.
func (w *walk) setOffset(r *Record, stamp, delta int64) error {
	r.Timestamp = w.base
	if !w.stamped {
		r.Timestamp += stamp
	}
	if r.Offset = w.first + delta; delta >= w.end-w.first {
		r.Offset = w.next
	}
	if r.Offset >= w.next && r.Offset < w.end {
		w.next = r.Offset + 1
		return nil
	}
	r.Offset = -1
	if w.odd++; w.odd > mostOdd {
		return errOdd
	}
	return nil
}

// want has more of the batch decompressed, until rest has n bytes.
func (w *walk) want(ctx context.Context, n int) (err error) {
	if w.rest, err = w.dec.more(ctx, w.rest, n); errors.Is(err, io.EOF) {
		return errRecord
	}
	return err
}

// small reads n of the left bytes of a record; nil, if n is more than most, or negative.
func (w *walk) small(ctx context.Context, left, n int64, most int) ([]byte, int64, error) {
	switch {
	case n < 0:
		return nil, left, nil
	case n > left:
		return nil, left, errRecord
	case n > int64(most):
		return nil, left - n, w.skip(ctx, n)
	}
	if err := w.want(ctx, int(n)); err != nil {
		return nil, left, err
	}
	b := append([]byte{}, w.rest[:n]...) // what is read next takes its place
	w.rest = w.rest[n:]
	return b, left - n, nil
}

// skip passes over n bytes of the batch.
func (w *walk) skip(ctx context.Context, n int64) error {
	for n > int64(len(w.rest)) {
		n -= int64(len(w.rest))
		w.rest = w.rest[len(w.rest):]
		if err := w.want(ctx, 1); err != nil {
			return err
		}
	}
	w.rest = w.rest[n:]
	return nil
}

// surplus returns an error if records of the batch were passed over, or something follows its last
// record.
func (w *walk) surplus(ctx context.Context) error {
	rest, err := w.dec.more(ctx, w.rest, 1)
	switch {
	case len(rest) > 0:
		w.odd++
		return errTrailing
	case !errors.Is(err, io.EOF):
		return err
	case w.odd > 0:
		return errOdd
	}
	return nil
}

// abandon ends the batch, which could not be read whole from offset at on, and makes r say so.
func (w *walk) abandon(r *Record, at int64, cause error) {
	w.inside, w.rest, w.left = false, nil, 0
	w.dec.close()
	*r = Record{Offset: at, Timestamp: w.base, Headers: r.Headers[:0], Fault: &w.fault}
	w.fault = Fault{Kind: Unreadable, Next: w.end, Value: -1, PassedOver: w.odd, Cause: fmt.Errorf(
		"of the batch of offsets %d to %d those from %d on are not read: %w", w.first, w.end-1, at, cause)}
	if at >= w.end {
		w.fault.Kind, w.fault.PassedOver, w.fault.Cause = Surplus, max(w.odd, 1), fmt.Errorf(
			"of the batch of offsets %d to %d something was passed over: %w", w.first, w.end-1, cause)
	}
}
