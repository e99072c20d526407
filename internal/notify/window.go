package notify

import (
	"context"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// window is what was read of a partition and is not done, or is done after something that is not.
type window struct {
	now  func() time.Time
	room retry.Signal // raised when something is done

	mu      sync.Mutex
	began   int64    // the sink was told of nothing before
	base    int64    // everything before is done
	next    int64    // the offset after what was read
	entries []*entry // from base on, by offset
	bytes   int      // of those not done
	open    int      // how many of them are not done
	before  map[int64]bool
	marks   []mark // when base was where, the oldest first
}

// entry is a record of the window.
type entry struct {
	offset, next int64
	timestamp    int64              // Kafka's, ms
	crossing     *crossing.Crossing // nil: nothing is to be done
	done         bool
}

// mark says that everything before an offset was done at a time.
type mark struct {
	offset int64
	at     time.Time
}

const (
	// markEvery is how far apart marks are.
	markEvery = time.Minute
	// marksKept is how far back marks go at least: as far as somebody may want to know when something was first sent.
	marksKept = 15 * time.Minute
)

// newWindow is a window that goes on at an offset, with what the note beside it says.
func newWindow(from int64, n note, now func() time.Time) *window {
	if len(n.marks) == 0 {
		n.marks = []mark{{from, now()}}
	}
	return &window{now: now, room: retry.NewSignal(), began: n.began, base: from, next: from, before: n.done, marks: n.marks}
}

// add adds a record, once there is room for it. It reports whether there is something to be done.
func (w *window) add(ctx context.Context, e *entry) bool {
	for !w.tryAdd(e) {
		if w.room.Wait(ctx, time.Minute); ctx.Err() != nil {
			return false
		}
	}
	return !e.done
}

func (w *window) tryAdd(e *entry) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open > 0 && (w.open >= windowEntries || w.bytes >= windowBytes || e.offset-w.base >= windowSpan) {
		return false
	}
	if w.before[e.offset] {
		delete(w.before, e.offset)
		e.crossing = nil
	}
	w.entries, w.next = append(w.entries, e), e.next
	if e.crossing == nil {
		e.done = true
		w.move()
		return true
	}
	w.open++
	w.bytes += e.crossing.Size()
	return true
}

// finish notes that a record is done.
func (w *window) finish(e *entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
	w.bytes -= e.crossing.Size()
	e.done, e.crossing = true, nil
	w.move()
	w.room.Raise()
}

// read notes that there is nothing more before an offset.
func (w *window) read(next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = max(w.next, next)
	w.move()
}

// move moves the base behind all that is done.
func (w *window) move() {
	n := 0
	for n < len(w.entries) && w.entries[n].done {
		n++
	}
	w.entries = w.entries[n:]
	base := w.next
	if len(w.entries) > 0 {
		base = w.entries[0].offset
	}
	if base == w.base {
		return
	}
	w.base = base
	for offset := range w.before {
		if offset < base {
			delete(w.before, offset)
		}
	}
	w.markNow()
}

// markNow notes when the base came where it is. The newest mark moves along until it is markEvery away from the one before it.
func (w *window) markNow() {
	now := w.now()
	for len(w.marks) > 1 && now.Sub(w.marks[1].at) > marksKept {
		w.marks = w.marks[1:]
	}
	m := mark{w.base, now}
	if n := len(w.marks); n > 1 && w.marks[n-1].at.Sub(w.marks[n-2].at) < markEvery {
		w.marks[n-1] = m
		return
	}
	w.marks = append(w.marks, m)
}

// progress is what is to be committed.
func (w *window) progress() (offset int64, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := note{began: w.began, done: map[int64]bool{}, marks: w.marks}
	for offset := range w.before {
		n.done[offset] = true
	}
	for _, e := range w.entries {
		if e.done {
			n.done[e.offset] = true
		}
	}
	return w.base, n.encode(w.base)
}

// waiting is how many records are not done up to the end of the log, and the Kafka timestamp of the oldest, ms; 0: none is.
func (w *window) waiting(end int64) (records, oldest int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	records = max(0, end-w.next) + int64(w.open)
	if len(w.entries) > 0 {
		oldest = w.entries[0].timestamp
	}
	return records, oldest
}

// restart begins anew at an offset: what was not read yet is not there any more.
func (w *window) restart(at int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next, w.began = at, min(w.began, at)
	clear(w.before)
	w.move()
}
