package records

import (
	"context"
	"errors"
	"fmt"
)

// What is kept of a record that is too large, in bytes.
const (
	largeHead = 64       // no less than attributes, deltas and the length of the key take
	largeKey  = 64 << 10 // the longest key
)

// large reads a record of length bytes, which are too many. It keeps what is small.
func (w *walk) large(ctx context.Context, r *Record, length int64) error {
	*r = Record{Headers: r.Headers[:0], Fault: &w.fault}
	w.fault = Fault{Kind: TooLarge, Cause: fmt.Errorf(
		"the record has %d bytes; of one of more than %d the value is left out", length, w.dec.record)}
	if err := w.want(ctx, int(min(length, largeHead))); err != nil {
		return err
	}
	b := w.rest[:min(length, largeHead)]
	stamp, i := varint(b, 1)
	delta, i := varint(b, i)
	key, i := varint(b, i)
	if i > len(b) {
		return errRecord
	}
	if err := w.setOffset(r, stamp, delta); err != nil {
		return err
	}
	w.fault.Next = r.Offset + 1
	w.rest = w.rest[i:]
	return w.largeRest(ctx, r, length-int64(i), key)
}

// largeRest reads what follows the length of the key. Where the batch is decompressed no further,
// the record is what is too large; what follows the record is not read then.
func (w *walk) largeRest(ctx context.Context, r *Record, left, key int64) (err error) {
	if r.Key, left, err = w.small(ctx, left, key, largeKey); err == nil {
		err = w.want(ctx, int(min(left, largeHead)))
	}
	value, i := varint(w.rest, 0)
	if err == nil && int64(i) > min(left, int64(len(w.rest))) {
		err = errRecord
	}
	if err == nil {
		w.fault.Value = max(value, -1)
		w.rest = w.rest[i:]
		_, left, err = w.small(ctx, left-int64(i), value, 0)
	}
	if err == nil && left > MaxHeaderBytes {
		_, _, err = w.small(ctx, left, left, 0)
	} else if err == nil {
		err = w.largeHeaders(ctx, r, int(left))
	}
	if errors.Is(err, errInflated) {
		return nil
	}
	return err
}

// largeHeaders reads the number of headers and the headers, which take left bytes.
func (w *walk) largeHeaders(ctx context.Context, r *Record, left int) error {
	if err := w.want(ctx, left); err != nil {
		return err
	}
	b := w.rest[:left]
	w.rest = w.rest[left:]
	n, i := varint(b, 0)
	switch {
	case i > len(b) || n < 0 || n > int64((len(b)-i)/2):
		return errRecord
	case n > MaxHeaders:
		return nil
	}
	return readHeaders(r, b[i:], n)
}
