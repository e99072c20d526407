package records

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// wholeZstd serves all partitions for batches that are one piece, which are most. DecodeAll may be
// called by several goroutines and starts none. A Decoder's tables are too large to have one per
// partition. It needs no window: what it refers to is in the piece.
var wholeZstd = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(uint64(usual.piece)))
})

// unzstd is a batch in zstd.
type unzstd struct {
	src   []byte
	begun bool
	windowed
}

func (z *unzstd) open(src []byte) {
	z.src, z.begun = src, false
	z.start(usualWindow, z)
}

// decode makes a Decoder from the batch's start on.
func (z *unzstd) decode(window int64) (io.ReadCloser, error) {
	d, err := zstd.NewReader(bytes.NewReader(z.src), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(uint64(window)))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

func (z *unzstd) reach() int { return 0 }

func (z *unzstd) close() {
	z.end()
	z.src = nil
}

func (z *unzstd) more(ctx context.Context, dst []byte, most int) ([]byte, error) {
	if !z.begun {
		z.begun = true
		if out, err := z.whole(dst, most); err == nil {
			return out, io.EOF
		}
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	dst = slices.Grow(dst, most)
	for {
		n, err := z.read(ctx, dst[len(dst):len(dst)+most])
		dst, z.given = dst[:len(dst)+n], z.given+int64(n)
		if !tooWide(err) || z.window == widestWindow {
			return dst, err
		}
		z.giveUp()
		z.window = widestWindow
		if n > 0 {
			return dst, nil
		}
	}
}

// whole decompresses all of a batch, if it is no more than one piece.
func (z *unzstd) whole(dst []byte, most int) ([]byte, error) {
	d, err := wholeZstd()
	if err != nil {
		return nil, err
	}
	out, err := d.DecodeAll(z.src, dst)
	if err == nil && len(out)-len(dst) > most {
		err = zstd.ErrDecoderSizeExceeded
	}
	return out, err
}

func tooWide(err error) bool {
	return errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded)
}
