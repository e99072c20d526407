package records

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// The codecs a batch's attributes name.
const (
	codecNone = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
)

var errInflated = fmt.Errorf("the batch becomes more than %d bytes when it is decompressed", usual.batch)

// source is a batch that has more to decompress.
type source interface {
	// open begins a batch.
	open(src []byte)
	// more appends the next piece of the batch, of about most bytes, to dst. dst ends in what was
	// given before: reach bytes of it, or all if it was less. io.EOF: nothing follows.
	more(ctx context.Context, dst []byte, most int) ([]byte, error)
	// reach is how far back what follows may refer, in bytes.
	reach() int
	// close lets go of what the source holds beside its own memory.
	close()
}

// Decoder decompresses one batch at a time, piece by piece, into a buffer of its own. Sets of which
// one is read at a time may share it.
type Decoder struct {
	bounds
	buf  []byte // the last piece, after what is kept of those before
	made int64  // bytes of the batch that were decompressed
	from source // nil: there is none
	err  error  // why nothing follows: io.EOF, or what is wrong

	gzip   gunzip
	snappy unsnappy
	lz4    unlz4
	zstd   unzstd
}

// NewDecoder returns a decoder without a batch.
func NewDecoder() *Decoder { return &Decoder{bounds: usual, err: io.EOF} }

// open begins a batch and returns what there is of it without decompressing: all, or nothing yet.
func (d *Decoder) open(codec int16, src []byte) ([]byte, error) {
	d.close()
	if codec == codecNone {
		return src, nil
	}
	if cap(d.buf) > keepDecoded {
		d.buf = nil
	}
	d.buf, d.made = d.buf[:0], 0
	from := d.source(codec)
	if from == nil {
		return nil, fmt.Errorf("unknown compression codec %d", codec)
	}
	from.open(src)
	d.from, d.err = from, nil
	return nil, nil
}

func (d *Decoder) source(codec int16) source {
	switch codec {
	case codecGzip:
		return &d.gzip
	case codecSnappy:
		return &d.snappy
	case codecLZ4:
		return &d.lz4
	case codecZstd:
		return &d.zstd
	}
	return nil
}

// close ends a batch: nothing follows then.
func (d *Decoder) close() {
	if d.from != nil {
		d.from.close()
	}
	d.from, d.err = nil, io.EOF
}

// more returns rest, the end of what was decompressed so far, followed by more of the batch: n
// bytes in all, or more. If it returns fewer, the error says why: io.EOF at the end of the batch.
// What was returned before is no longer valid.
func (d *Decoder) more(ctx context.Context, rest []byte, n int) ([]byte, error) {
	for len(rest) < n {
		if d.err != nil {
			return rest, d.err
		}
		if err := ctx.Err(); err != nil {
			return rest, err
		}
		keep := max(len(rest), min(len(d.buf), d.from.reach()))
		d.buf = d.buf[:copy(d.buf, d.buf[len(d.buf)-keep:])]
		out, err := d.from.more(ctx, d.buf, d.piece)
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return rest, err
		}
		d.made += int64(len(out) - len(d.buf))
		if over := d.made - d.batch; over > 0 {
			out, err = out[:int64(len(out))-over], errInflated
		} else if err != nil && !errors.Is(err, io.EOF) {
			err = fmt.Errorf("decompress: %w", err)
		}
		rest = out[len(d.buf)-len(rest):]
		d.buf, d.err = out, err
	}
	return rest, nil
}
