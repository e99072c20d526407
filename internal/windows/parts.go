package windows

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// Part is a piece of a subject that has a key of its own: a chunk of the
// members of counter Counter, or its history with Chunk < 0. Counters of other
// layouts have numbers behind the layout's; their parts are only ever deleted.
type Part struct {
	Counter int
	Chunk   int
}

// The bytes of a part:
//
//	format      1 byte: partFormat
//	generation  number (see Subject.generations)
//	history     edition; 1 byte: 1 if wide, else 0; number of a bucket; the closed buckets, counted back from it
//	chunk       number of the newest bucket; the members
//
// The record says which parts there are, and is written in the same commit as
// they are. A key may still hold bytes of an earlier generation (of a set that emptied and
// grew again, of a subject that was deleted); they are never read: a part is read only if
// the record has it, and from the commit on in which the record got it, the key
// holds that part. Generation and edition are compared all the same, since a record and
// a part are read one after the other, with another process's commit in between perhaps.
const partFormat = 1

// PartID appends the end of the part's key, unique within the subject: the
// counter's id in URL-safe base64, a point, and the chunk's number or "h".
func (s *Subject) PartID(dst []byte, p Part) []byte {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], s.counterID(p.Counter))
	dst = base64.RawURLEncoding.AppendEncode(dst, id[:])
	dst = append(dst, '.')
	if p.Chunk < 0 {
		return append(dst, 'h')
	}
	return strconv.AppendInt(dst, int64(p.Chunk), 10)
}

func (s *Subject) counterID(i int) uint64 {
	if n := len(s.counters); i >= n {
		return s.foreign[i-n].id
	}
	return s.layout.Counters[i].ID
}

// Whole reports whether all parts are loaded: nothing is needed.
func (s *Subject) Whole() bool { return s.missing+s.absent == 0 }

// NeedsHistory appends the history parts that exist and are not loaded: they are
// needed before anything else.
func (s *Subject) NeedsHistory(dst []Part) []Part {
	if s.missing == 0 {
		return dst
	}
	for i, c := range s.counters {
		if c != nil && c.history.missing {
			dst = append(dst, Part{i, -1})
		}
	}
	return dst
}

// Needs appends the parts that Add(i, _, key, _) needs and that are not
// loaded; a set about to grow names the chunk to be split as well. It answers for
// the next Add only: after an Add, of another key too, ask again. While a history
// is missing the answer may be too short.
func (s *Subject) Needs(dst []Part, i int, key uint64) []Part {
	c := s.counters[i]
	if c == nil || c.members == nil || c.members.n == 0 {
		return dst
	}
	m := c.members
	at := place(key, m.n)
	if m.loaded(at) == nil {
		dst = append(dst, Part{i, at})
	}
	if !m.grows(int(c.total.keys)+1, c.sizes.Chunk) {
		return dst
	}
	if next, _ := m.next(); next != at && m.loaded(next) == nil {
		dst = append(dst, Part{i, next})
	}
	return dst
}

// Load takes the bytes of a part; nil: the key is absent, which is an error
// for a part that was once written. A part that is loaded, or no longer
// needed, is left as it is. Errors wrap ErrMissingPart or ErrCorrupt.
func (s *Subject) Load(p Part, value []byte) error {
	if p.Counter >= len(s.counters) || s.counters[p.Counter] == nil {
		return nil
	}
	c := s.counters[p.Counter]
	var err error
	switch m := c.members; {
	case p.Chunk < 0 && c.history.missing:
		err = s.loadHistory(c, value)
	case p.Chunk >= 0 && m != nil && p.Chunk < m.n && m.loaded(p.Chunk) == nil:
		if err = c.loadChunk(p.Chunk, value); err == nil {
			s.absent--
		}
	}
	if err != nil {
		return fmt.Errorf("load part %s: %w", s.PartID(nil, p), err)
	}
	return nil
}

// openPart reads the front of a part.
func openPart(value []byte, generation uint64) (decoder, error) {
	if value == nil {
		return decoder{}, fmt.Errorf("absent: %w", ErrMissingPart)
	}
	d := decoder{b: value}
	if f := d.byte(); d.err == nil && f != partFormat {
		d.fail("format %d", f)
	}
	if g := d.uvarint(math.MaxUint64); d.err == nil && g != generation {
		return d, fmt.Errorf("of life %d, not %d: %w", g, generation, ErrMissingPart)
	}
	return d, d.err
}

func (s *Subject) loadHistory(c *counter, value []byte) error {
	d, err := openPart(value, c.history.generation)
	if err != nil {
		return err
	}
	edition := d.uvarint(math.MaxUint64)
	if d.err == nil && edition != c.history.edition {
		return fmt.Errorf("edition %d, not %d: %w", edition, c.history.edition, ErrMissingPart)
	}
	wide := d.uvarint(1) == 1
	from := d.bucket()
	bs := c.spec.decodeClosed(&d, from, wide)
	d.end()
	switch {
	case d.err != nil:
	case wide && c.spec.Op != Weighted:
		d.fail("wide")
	case bs.newest() >= c.buckets.newest():
		d.fail("closed bucket %d, newest %d", bs.newest(), c.buckets.newest())
	}
	if d.err != nil {
		return d.err
	}
	// What left the window since the part was written no longer counts for the sum's limit.
	was := c.buckets
	c.buckets = append(bs[bs.expired(c.lowest()):], was...)
	if c.sum(&d); d.err != nil {
		c.buckets = was
		return d.err
	}
	c.history.missing = false
	s.missing--
	s.settle(c)
	return nil
}

// bucket reads the number of a bucket, with room below for a window.
func (d *decoder) bucket() int64 {
	b := d.varint()
	if b < math.MinInt64+maxBuckets {
		d.fail("bucket %d", b)
	}
	return b
}

func (c *counter) loadChunk(at int, value []byte) error {
	d, err := openPart(value, c.members.generation)
	if err != nil {
		return err
	}
	newest := d.bucket()
	if newest > satAdd(c.lowest(), math.MaxUint32) {
		d.fail("bucket %d", newest)
	}
	k := decodeMembers(&d, c.spec.Op == Weighted, newest, c.spec.N)
	d.end()
	for _, print := range k.prints {
		if place(print, c.members.n) != at {
			d.fail("member %016x of chunk %d", print, place(print, c.members.n))
		}
	}
	if d.err != nil {
		return d.err
	}
	k.sweep(c.lowest())
	c.members.put(at, k)
	return nil
}

// Pending is how many parts Dirty would name, at most. Unlike Dirty it costs nothing.
func (s *Subject) Pending() int { return s.pending }

// PendingBytes is about what they take when they are written, their keys included but for the subject's name, and
// what the record has grown by since the last Clean.
func (s *Subject) PendingBytes() int { return max(s.bytes, 0) }

// Dirty appends the parts changed since the last Clean.
func (s *Subject) Dirty(dst []Part) []Part {
	for i, c := range s.counters {
		if c == nil {
			continue
		}
		c.placeHistory()
		if c.history.part && c.history.dirty {
			s.assignGeneration(&c.history.generation)
			dst = append(dst, Part{i, -1})
		}
		if c.chunks() == 0 {
			continue
		}
		s.assignGeneration(&c.members.generation)
		for _, at := range c.members.dirty {
			dst = append(dst, Part{i, int(at)})
		}
	}
	return dst
}

// assignGeneration gives parts a generation, if they have none. It is not below the subject's time in seconds: that
// tells them also from those of a subject of the same name that was deleted.
func (s *Subject) assignGeneration(g *uint64) {
	if *g == 0 {
		s.generations = max(s.generations+1, uint64(max(s.time, 0))/second)
		*g = s.generations
	}
}

// AppendPart appends the bytes of a part; members that left the window are dropped.
func (s *Subject) AppendPart(dst []byte, p Part) []byte {
	c := s.counters[p.Counter]
	c.moveTo(s.time)
	dst = append(dst, partFormat)
	if p.Chunk < 0 {
		return c.appendHistory(dst)
	}
	dst = binary.AppendUvarint(dst, c.members.generation)
	k := c.members.chunks[p.Chunk]
	k.sweep(c.lowest())
	newest := k.newest()
	dst = binary.AppendVarint(dst, newest)
	return k.appendMembers(dst, newest)
}

func (c *counter) appendHistory(dst []byte) []byte {
	closed := c.buckets.closed()
	wide := closed.wide()
	dst = binary.AppendUvarint(dst, c.history.generation)
	dst = binary.AppendUvarint(dst, c.history.edition)
	dst = append(dst, 0)
	if wide {
		dst[len(dst)-1] = 1
	}
	newest := c.buckets.newest()
	dst = binary.AppendVarint(dst, newest)
	return c.spec.appendClosed(dst, newest, closed, wide)
}
