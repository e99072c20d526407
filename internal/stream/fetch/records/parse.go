package records

import (
	"context"
	"encoding/binary"
	"fmt"
)

// record reads one record of the batch, by Kafka's DefaultRecord: its length, and what parse reads.
func (w *walk) record(ctx context.Context, r *Record) error {
	length, i := varint(w.rest, 0)
	if i > len(w.rest) || length > int64(len(w.rest)-i) || length > int64(w.dec.record) {
		return w.gather(ctx, r)
	}
	if length < 1 {
		return errRecord
	}
	b := w.rest[i : i+int(length)]
	w.rest = w.rest[i+int(length):]
	w.left--
	return w.parse(b, r)
}

// gather is record for a record that is not whole in rest, or too large to be so.
func (w *walk) gather(ctx context.Context, r *Record) error {
	err := w.want(ctx, binary.MaxVarintLen64)
	length, i := varint(w.rest, 0)
	switch {
	case i > len(w.rest) && err != nil:
		return err
	case i > len(w.rest) || length < 1:
		return errRecord
	case length > int64(w.dec.record):
		w.rest = w.rest[i:]
		w.left--
		return w.large(ctx, r, length)
	}
	if err := w.want(ctx, i+int(length)); err != nil {
		return err
	}
	return w.record(ctx, r)
}

// parse reads a record: attributes, deltas of timestamp and offset, key, value, headers.
func (w *walk) parse(b []byte, r *Record) error {
	stamp, i := varint(b, 1)
	delta, i := varint(b, i)
	r.Key, i = field(b, i)
	r.Value, i = field(b, i)
	headers, i := varint(b, i)
	r.Headers, r.Fault = r.Headers[:0], nil
	if i > len(b) {
		return errRecord
	}
	if err := w.setOffset(r, stamp, delta); err != nil {
		return err
	}
	if headers != 0 {
		return w.headers(r, b[i:], headers)
	}
	if i < len(b) {
		return errRecord
	}
	return nil
}

// headers reads n headers, which must take all of b, unless they are too many.
func (w *walk) headers(r *Record, b []byte, n int64) error {
	if n < 0 || n > int64(len(b)/2) {
		return errRecord
	}
	if n > MaxHeaders || len(b) > MaxHeaderBytes {
		w.fault = Fault{Kind: TooLarge, Next: r.Offset + 1, Value: -1, Cause: fmt.Errorf(
			"the record has %d headers of %d bytes together; more than %d, or %d bytes, are left out", n, len(b), MaxHeaders, MaxHeaderBytes)}
		r.Fault = &w.fault
		return nil
	}
	return readHeaders(r, b, n)
}
