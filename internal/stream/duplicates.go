package stream

// duplicates remembers the ids that came in a partition, for one window of its
// clock. It is exact (64-bit keyed fingerprints), unless more than max ids came within
// the window: then the oldest are forgotten and Shortened counts it.
//
// Ids are kept in generations of half a window: a whole generation is dropped
// when its youngest id has left the window, so nothing is ever searched for what is old.
type duplicates struct {
	window int64 // milliseconds
	max    int   // ids

	clock       int64 // the partition's: the running maximum of its timestamps, ms
	started     bool  // clock is set
	generations []idGeneration
	shortened   uint64
}

// idGeneration is the ids that came while the clock was in [from, from+window/2].
type idGeneration struct {
	from int64             // ms
	last int64             // clock of the youngest id, ms
	ids  map[uint64]uint32 // fingerprint to clock - from, ms
}

// seen notes an id that came with a record of the given timestamp (ms), and
// says whether it came before within the window. It moves the clock.
func (d *duplicates) seen(id uint64, timestamp int64) bool {
	if !d.started || timestamp > d.clock {
		d.clock, d.started = timestamp, true
		d.expire()
	}
	duplicate := d.known(id)
	d.note(id)
	return duplicate
}

// size is how many ids are remembered; one that came again may be counted in
// two generations.
func (d *duplicates) size() int {
	n := 0
	for i := range d.generations {
		n += len(d.generations[i].ids)
	}
	return n
}

func (d *duplicates) known(id uint64) bool {
	for i := len(d.generations) - 1; i >= 0; i-- {
		g := &d.generations[i]
		if at, ok := g.ids[id]; ok {
			return d.clock-(g.from+int64(at)) <= d.window
		}
	}
	return false
}

func (d *duplicates) note(id uint64) {
	if d.size() >= d.max && len(d.generations) > 0 {
		d.generations = append(d.generations[:0], d.generations[1:]...)
		d.shortened++
	}
	n := len(d.generations)
	if n == 0 || d.clock-d.generations[n-1].from > d.window/2 {
		d.generations = append(d.generations, idGeneration{from: d.clock, ids: map[uint64]uint32{}})
		n++
	}
	g := &d.generations[n-1]
	g.ids[id] = uint32(d.clock - g.from)
	g.last = d.clock
}

func (d *duplicates) expire() {
	old := 0
	for old < len(d.generations) && d.clock-d.generations[old].last > d.window {
		old++
	}
	d.generations = append(d.generations[:0], d.generations[old:]...)
}

// reset forgets everything, the clock too.
func (d *duplicates) reset() {
	d.generations, d.started, d.clock = nil, false, 0
}
