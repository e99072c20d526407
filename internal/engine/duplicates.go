package engine

import "math"

// Duplicates remembers the ids that came in a partition, for one window of its
// clock. It is exact (64-bit keyed fingerprints), unless more than max ids came within
// the window: then the oldest is forgotten, and Shortened counts it.
//
// Ids leave in the order in which they came, so an id that is there came within the window.
type Duplicates struct {
	Window    int64  // how long an id is remembered, ms
	Shortened uint64 // ids that were forgotten within the window, since newDuplicates

	max     int   // ids
	clock   int64 // the partition's: the running maximum of its timestamps, ms
	started bool  // clock is set
	came    idRing
	places  idIndex
}

// newDuplicates remembers ids for a window (ms), at most so many.
func newDuplicates(window int64, most int) Duplicates {
	span := uint64(most) + uint64(window)/idGap + 2 // what the queue may hold, pauses included
	return Duplicates{Window: window, max: most, places: newIDIndex(span)}
}

// seen notes an id that came with a record of the given timestamp (ms), and
// reports whether it came before within the window. It moves the clock.
func (d *Duplicates) seen(id uint64, timestamp int64) bool {
	if !d.started || timestamp > d.clock {
		d.clock, d.started = timestamp, true
		d.expire()
	}
	duplicate := d.places.put(&d.came, id, d.came.push(id, d.clock))
	if d.came.ids > d.max {
		d.shorten()
	}
	return duplicate
}

// Size is how many ids are remembered; an id that came again is counted as often.
func (d *Duplicates) Size() int { return d.came.ids }

// expire forgets what left the window.
func (d *Duplicates) expire() {
	for d.came.length() > 0 && apart(d.came.first, d.clock) > uint64(d.Window) {
		d.forget()
	}
}

// shorten forgets the id that is one too many.
func (d *Duplicates) shorten() {
	for d.came.ids > d.max {
		d.forget()
	}
	d.Shortened++
}

// forget forgets the oldest entry, be it an id or a pause.
func (d *Duplicates) forget() {
	if id, at, ok := d.came.pop(); ok {
		d.places.drop(&d.came, id, at)
	}
}

// Reset forgets everything, the clock too.
func (d *Duplicates) Reset() {
	shortened := d.Shortened
	*d = newDuplicates(d.Window, d.max)
	d.Shortened = shortened
}

// apart is the time from a to b, not before it, ms: two timestamps may lie further apart than int64 says.
func apart(a, b int64) uint64 { return uint64(b) - uint64(a) }

// idRing is ids in the order in which they came, each with the time since the one
// before: 10 bytes an id.
type idRing struct {
	blocks      []*idBlock // of the places from start on
	spare       *idBlock
	start       uint64 // place of the first block's first entry; places count up for ever
	head, tail  uint64 // places: of the next entry, of the oldest
	first, last int64  // clocks of the oldest and of the newest entry, ms
	ids         int    // entries that are ids, not pauses
}

// idBlock is a stretch of the queue.
type idBlock struct {
	prints [idBlockSize]uint64
	gaps   [idBlockSize]uint16 // ms since the entry before; idGap: no id, only that much time
}

const (
	idBlockSize = 1 << 10
	idGap       = math.MaxUint16 // ms
)

func (q *idRing) length() uint64 { return q.head - q.tail }

// at is the fingerprint at a place.
func (q *idRing) at(place uint64) uint64 {
	i := place - q.start
	return q.blocks[i/idBlockSize].prints[i%idBlockSize]
}

// push appends an id that came at a clock, not before the newest, and returns its place.
func (q *idRing) push(id uint64, clock int64) uint64 {
	if q.length() == 0 {
		q.first, q.last = clock, clock
	}
	gap := apart(q.last, clock)
	for ; gap >= idGap; gap -= idGap {
		q.add(0, idGap)
	}
	q.add(id, uint16(gap))
	q.last = clock
	q.ids++
	return q.head - 1
}

func (q *idRing) add(id uint64, gap uint16) {
	i := q.head - q.start
	if i/idBlockSize == uint64(len(q.blocks)) {
		if q.spare == nil {
			q.spare = &idBlock{}
		}
		q.blocks, q.spare = append(q.blocks, q.spare), nil
	}
	b := q.blocks[i/idBlockSize]
	b.prints[i%idBlockSize], b.gaps[i%idBlockSize] = id, gap
	q.head++
}

// pop takes the oldest entry out: its id and its place; false: it was a pause.
func (q *idRing) pop() (id, place uint64, ok bool) {
	place = q.tail
	i := place - q.start
	b := q.blocks[i/idBlockSize]
	id, ok = b.prints[i%idBlockSize], b.gaps[i%idBlockSize] != idGap
	q.tail++
	if ok {
		q.ids--
	}
	if i+1 == idBlockSize {
		q.start, q.spare = q.start+idBlockSize, b
		q.blocks = q.blocks[:copy(q.blocks, q.blocks[1:])]
	}
	if q.length() > 0 {
		i = q.tail - q.start
		q.first += int64(q.blocks[i/idBlockSize].gaps[i%idBlockSize])
	}
	return id, place, ok
}
