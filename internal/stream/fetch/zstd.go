package fetch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/semaphore"
)

// wholeZstd serves all partitions for batches that are one piece, which are most: DecodeAll may be called by several
// goroutines and starts none, and a decoder's tables are too large to have one a partition. It needs no window: what
// it refers to is in the piece.
var wholeZstd = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(uint64(usual.piece)))
})

// What a larger batch refers to is held in a window of its decoder. Its frames say how large that is, up to 128 MiB
// for other clients, and all partitions may be in the middle of such a batch at once. So all
// windows of the process together take no more than one of the largest; who needs one waits. A batch that is
// not read on for a while gives its window back, and is decompressed again from its start to where it was: so nobody
// waits for a partition that itself waits for others.
const (
	usualWindow   = 8 << 20
	widestWindow  = 1 << 27
	windowOutlast = 250 * time.Millisecond
)

var zstdWindows = semaphore.NewWeighted(widestWindow)

// unzstd is a batch in zstd.
type unzstd struct {
	src   []byte
	begun bool

	mu     sync.Mutex // guards what follows
	stream *zstd.Decoder
	window int64 // that stream has
	given  int64 // how much of the batch was
	used   time.Time
	timer  *time.Timer
}

func (z *unzstd) open(src []byte) source {
	z.src, z.begun, z.window, z.given = src, false, usualWindow, 0
	return z
}

func (z *unzstd) reach() int { return 0 }

func (z *unzstd) close() {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.giveUp()
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

// read fills b, unless the batch ends before. Under z.mu.
func (z *unzstd) read(ctx context.Context, b []byte) (n int, err error) {
	if z.stream == nil {
		if err := z.begin(ctx); err != nil {
			return 0, err
		}
	}
	for n < len(b) && err == nil { // it gives a block at a time
		var some int
		some, err = z.stream.Read(b[n:])
		n += some
	}
	if err != nil {
		z.giveUp()
		return n, err
	}
	z.used = time.Now()
	if z.timer == nil {
		z.timer = time.AfterFunc(windowOutlast, z.outlasted)
	} else {
		z.timer.Reset(windowOutlast)
	}
	return n, nil
}

// begin makes a stream, and goes with it to where the one before was. Under z.mu.
func (z *unzstd) begin(ctx context.Context) error {
	if err := zstdWindows.Acquire(ctx, z.window); err != nil {
		return err
	}
	stream, err := zstd.NewReader(bytes.NewReader(z.src), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(uint64(z.window)))
	if err != nil {
		zstdWindows.Release(z.window)
		return err
	}
	z.stream = stream
	for left := z.given; left > 0; {
		n, err := io.CopyN(io.Discard, stream, min(left, int64(usual.piece)))
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			z.giveUp()
			return err
		}
		left -= n
	}
	return nil
}

// giveUp gives the window back. Under z.mu.
func (z *unzstd) giveUp() {
	if z.stream == nil {
		return
	}
	z.stream.Close()
	z.stream = nil
	zstdWindows.Release(z.window)
}

// outlasted gives the window back, if the batch was not read on for a while.
func (z *unzstd) outlasted() {
	z.mu.Lock()
	defer z.mu.Unlock()
	if time.Since(z.used) >= windowOutlast {
		z.giveUp()
	}
}
