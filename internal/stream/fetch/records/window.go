package records

import (
	"context"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// A window holds what a larger batch refers to: the window of zstd's Decoder, or of snappy that
// refers far back. It may be up to 128 MiB large, and all partitions may be in the middle of such a
// batch at once. So all windows of the process together take no more than one of the largest; who
// needs one waits.
//
// A batch that is not read on for a while gives its window back. It is decompressed again later,
// from its start to where it was. So nobody waits for a partition that itself waits for others.
const (
	windowOutlast = 250 * time.Millisecond
)

var windowRoom = semaphore.NewWeighted(widestWindow)

// windowed decompresses with a window, as long as it may have one.
type windowed struct {
	from windowSource

	mu     sync.Mutex // guards what follows
	stream io.ReadCloser
	window int64 // that stream has
	given  int64 // how much of the batch was
	used   time.Time
	timer  *time.Timer
}

// windowSource is what is decompressed, as often as it must be.
type windowSource interface {
	// decode begins at the start, with a window of so many bytes.
	decode(window int64) (io.ReadCloser, error)
}

// start begins with another source.
func (z *windowed) start(window int64, from windowSource) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.giveUp()
	z.from, z.window, z.given = from, window, 0
}

// end gives the window back for good.
func (z *windowed) end() {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.giveUp()
}

// read fills b, unless the batch ends before. Under z.mu.
func (z *windowed) read(ctx context.Context, b []byte) (n int, err error) {
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
func (z *windowed) begin(ctx context.Context) error {
	if err := windowRoom.Acquire(ctx, z.window); err != nil {
		return err
	}
	stream, err := z.from.decode(z.window)
	if err != nil {
		windowRoom.Release(z.window)
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
func (z *windowed) giveUp() {
	if z.stream == nil {
		return
	}
	_ = z.stream.Close() // it is in memory
	z.stream = nil
	windowRoom.Release(z.window)
}

// outlasted gives the window back, if the batch was not read on for a while.
func (z *windowed) outlasted() {
	z.mu.Lock()
	defer z.mu.Unlock()
	if time.Since(z.used) >= windowOutlast {
		z.giveUp()
	}
}
