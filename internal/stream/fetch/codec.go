package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"
)

// The codecs a batch's attributes name.
const (
	codecNone = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
)

// bounds are what reading holds of a batch at most, whatever batches and records claim.
type bounds struct {
	piece  int   // about how much of a batch is decompressed at once, in bytes
	batch  int64 // how much of one is at all, in bytes
	record int   // the longest record that is handed out whole, in bytes
}

// usual are the bounds. Most batches are one piece: 1 MiB, Kafka's default for message.max.bytes,
// would have to decompress to four times as much to be more. A record of 1 MiB is more than a dead
// letter can carry. A batch ends at 1 GiB, so that a batch of some KB cannot keep a core busy for
// long.
var usual = bounds{piece: 4 << 20, batch: 1 << 30, record: 1 << 20}

var errInflated = fmt.Errorf("the batch becomes more than %d bytes when it is decompressed", usual.batch)

// source is a batch that has more to decompress.
type source interface {
	// more appends the next piece of the batch, of about most bytes, to dst. dst ends in what was
	// given before: reach bytes of it, or all if it was less. io.EOF: nothing follows.
	more(ctx context.Context, dst []byte, most int) ([]byte, error)
	// reach is how far back what follows may refer, in bytes.
	reach() int
	// close lets go of what the source holds beside its own memory.
	close()
}

// decoder decompresses one batch at a time, piece by piece, into a buffer of its own.
type decoder struct {
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

func newDecoder() *decoder { return &decoder{bounds: usual, err: io.EOF} }

// open begins a batch and returns what there is of it without decompressing: all, or nothing yet.
func (d *decoder) open(codec int16, src []byte) ([]byte, error) {
	d.close()
	if codec == codecNone {
		return src, nil
	}
	if cap(d.buf) > keepDecoded {
		d.buf = nil
	}
	d.buf, d.made = d.buf[:0], 0
	switch codec {
	case codecGzip:
		d.from = d.gzip.open(src)
	case codecSnappy:
		d.from = d.snappy.open(src)
	case codecLZ4:
		d.from = d.lz4.open(src)
	case codecZstd:
		d.from = d.zstd.open(src)
	default:
		return nil, fmt.Errorf("unknown compression codec %d", codec)
	}
	d.err = nil
	return nil, nil
}

// close ends a batch: nothing follows then.
func (d *decoder) close() {
	if d.from != nil {
		d.from.close()
	}
	d.from, d.err = nil, io.EOF
}

// more returns rest, the end of what was decompressed so far, followed by more of the batch: n
// bytes in all, or more. If it returns fewer, the error says why: io.EOF at the end of the batch.
// What was returned before is no longer valid.
func (d *decoder) more(ctx context.Context, rest []byte, n int) ([]byte, error) {
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

// gunzip is a batch in gzip, of one member or several.
type gunzip struct {
	in    bytes.Reader
	out   *gzip.Reader
	begun bool
}

func (z *gunzip) open(src []byte) source {
	z.in.Reset(src)
	z.begun = false
	return z
}

func (z *gunzip) reach() int { return 0 }
func (z *gunzip) close()     { z.in.Reset(nil) }

func (z *gunzip) more(_ context.Context, dst []byte, most int) ([]byte, error) {
	if !z.begun {
		if err := z.begin(); err != nil {
			return dst, err
		}
		z.begun = true
	}
	first := max(4*int(z.in.Size()), 1024)
	for end := len(dst) + most; len(dst) < end; {
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, min(first, end-len(dst)))
		}
		n, err := z.out.Read(dst[len(dst):min(cap(dst), end)])
		dst = dst[:len(dst)+n]
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (z *gunzip) begin() (err error) {
	if z.out == nil {
		z.out, err = gzip.NewReader(&z.in)
		return err
	}
	return z.out.Reset(&z.in)
}
