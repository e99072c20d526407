package records

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// transactions are the aborted ones of a set, and those of them that the
// walk is in.
type transactions struct {
	list []Aborted // by first offset
	next int       // the first of list not begun
	open map[int64]struct{}
}

// begin takes the aborted transactions of another set.
func (t *transactions) begin(list []Aborted) {
	t.list, t.next = list, 0
	clear(t.open)
	slices.SortFunc(list, func(x, y Aborted) int { return cmp.Compare(x.First, y.First) })
}

// visible reports whether a reader of committed records sees the records of a batch, decompressed by d. The algorithm
// is nextFetchedRecord of Kafka's CompletedFetch. A transaction listed as aborted hides its producer's transactional
// batches from its first offset on, up to the producer's abort marker.
func (t *transactions) visible(ctx context.Context, h *batch, d *Decoder) (bool, error) {
	if h.producer < 0 {
		return !h.control(), nil
	}
	if !h.control() {
		return !t.hide(h), nil
	}
	t.upTo(h.last)
	abort, err := abortMarker(ctx, h, d)
	if abort {
		delete(t.open, h.producer)
	}
	return false, err
}

// hide reports whether a batch of records is of an aborted transaction.
func (t *transactions) hide(h *batch) bool {
	t.upTo(h.last)
	if !h.transactional() {
		return false
	}
	_, is := t.open[h.producer]
	return is
}

// upTo begins the transactions whose first offset is not above last.
func (t *transactions) upTo(last int64) {
	for t.next < len(t.list) && t.list[t.next].First <= last {
		if t.open == nil {
			t.open = make(map[int64]struct{})
		}
		t.open[t.list[t.next].Producer] = struct{}{}
		t.next++
	}
}

// markerHead is no less than what stands before the end of a marker's key, in bytes.
const markerHead = 64

// abortMarker reports whether a control batch ends an aborted transaction. The key of its first
// record is two int16, a version and a type; type 0 is abort.
func abortMarker(ctx context.Context, h *batch, d *Decoder) (bool, error) {
	if h.count == 0 {
		return false, nil
	}
	b, err := d.open(h.codec(), h.payload)
	if err == nil {
		b, err = d.more(ctx, b, markerHead)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("control batch of offset %d: %w", h.first, err)
	}
	_, i := varint(b, 0)  // length
	_, i = varint(b, i+1) // after the attributes, the timestamp's delta
	_, i = varint(b, i)   // the offset's delta
	n, i := varint(b, i)
	if n < 4 || i > len(b)-4 {
		return false, fmt.Errorf("control batch of offset %d: %w", h.first, errRecord)
	}
	return binary.BigEndian.Uint16(b[i+2:]) == 0, nil
}
