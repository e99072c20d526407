package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
)

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

// Next is the offset after the record, or after what it stands for.
func (r *Record) Next() int64 {
	if r.Fault != nil {
		return r.Fault.Next
	}
	return r.Offset + 1
}

var errOdd = errors.New("records have an offset that another one of their batch has")

// surplus returns an error if records of the batch were passed over, or something follows its last
// record.
func (s *Set) surplus(ctx context.Context) error {
	rest, err := s.dec.more(ctx, s.rest, 1)
	switch {
	case len(rest) > 0:
		s.odd++
		return errTrailing
	case !errors.Is(err, io.EOF):
		return err
	case s.odd > 0:
		return errOdd
	}
	return nil
}

// leave ends the batch being read, which could not be read whole, and makes r say so. Or ctx has
// ended.
func (s *Set) leave(ctx context.Context, r *Record, cause error) (bool, error) {
	if s.err = ctx.Err(); s.err != nil {
		return false, s.err
	}
	s.inside, s.rest, s.left = false, nil, 0
	s.dec.close()
	*r = Record{Offset: s.at, Timestamp: s.base, Headers: r.Headers[:0], Fault: &s.fault}
	s.fault = Fault{Kind: Unreadable, Next: s.end, Value: -1, PassedOver: s.odd, Cause: fmt.Errorf(
		"of the batch of offsets %d to %d those from %d on are not read: %w", s.first, s.end-1, s.at, cause)}
	if s.at >= s.end {
		s.fault.Kind, s.fault.PassedOver, s.fault.Cause = Surplus, max(s.odd, 1), fmt.Errorf(
			"of the batch of offsets %d to %d something was passed over: %w", s.first, s.end-1, cause)
	}
	s.at = s.end
	return true, nil
}

// What is kept of a record that is too large, in bytes.
const (
	largeHead = 64       // no less than attributes, deltas and the length of the key take
	largeKey  = 64 << 10 // the longest key
)

// large reads a record of length bytes, which are too many. It keeps what is small.
func (s *Set) large(ctx context.Context, r *Record, length int64) error {
	*r = Record{Headers: r.Headers[:0], Fault: &s.fault}
	s.fault = Fault{Kind: TooLarge, Cause: fmt.Errorf(
		"the record has %d bytes; of one of more than %d the value is left out", length, s.dec.record)}
	if err := s.want(ctx, int(min(length, largeHead))); err != nil {
		return err
	}
	b := s.rest[:min(length, largeHead)]
	stamp, i := varint(b, 1)
	delta, i := varint(b, i)
	key, i := varint(b, i)
	if i > len(b) {
		return errRecord
	}
	if err := s.setOffset(r, stamp, delta); err != nil {
		return err
	}
	s.fault.Next = r.Offset + 1
	s.rest = s.rest[i:]
	return s.largeRest(ctx, r, length-int64(i), key)
}

// largeRest reads what follows the length of the key. Where the batch is decompressed no further,
// the record is what is too large; what follows the record is not read then.
func (s *Set) largeRest(ctx context.Context, r *Record, left, key int64) (err error) {
	if r.Key, left, err = s.small(ctx, left, key, largeKey); err == nil {
		err = s.want(ctx, int(min(left, largeHead)))
	}
	value, i := varint(s.rest, 0)
	if err == nil && int64(i) > min(left, int64(len(s.rest))) {
		err = errRecord
	}
	if err == nil {
		s.fault.Value = max(value, -1)
		s.rest = s.rest[i:]
		_, left, err = s.small(ctx, left-int64(i), value, 0)
	}
	if err == nil && left > maxHeaderBytes {
		_, _, err = s.small(ctx, left, left, 0)
	} else if err == nil {
		err = s.largeHeaders(ctx, r, int(left))
	}
	if errors.Is(err, errInflated) {
		return nil
	}
	return err
}

// largeHeaders reads the number of headers and the headers, which take left bytes.
func (s *Set) largeHeaders(ctx context.Context, r *Record, left int) error {
	if err := s.want(ctx, left); err != nil {
		return err
	}
	b := s.rest[:left]
	s.rest = s.rest[left:]
	n, i := varint(b, 0)
	switch {
	case i > len(b) || n < 0 || n > int64((len(b)-i)/2):
		return errRecord
	case n > maxHeaders:
		return nil
	}
	return readHeaders(r, b[i:], n)
}

// small reads n of the left bytes of a record; nil, if n is more than most, or negative.
func (s *Set) small(ctx context.Context, left, n int64, most int) ([]byte, int64, error) {
	switch {
	case n < 0:
		return nil, left, nil
	case n > left:
		return nil, left, errRecord
	case n > int64(most):
		return nil, left - n, s.skip(ctx, n)
	}
	if err := s.want(ctx, int(n)); err != nil {
		return nil, left, err
	}
	b := append([]byte{}, s.rest[:n]...) // what is read next takes its place
	s.rest = s.rest[n:]
	return b, left - n, nil
}

// skip passes over n bytes of the batch.
func (s *Set) skip(ctx context.Context, n int64) error {
	for n > int64(len(s.rest)) {
		n -= int64(len(s.rest))
		s.rest = s.rest[len(s.rest):]
		if err := s.want(ctx, 1); err != nil {
			return err
		}
	}
	s.rest = s.rest[n:]
	return nil
}
