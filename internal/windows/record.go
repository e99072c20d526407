package windows

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// VersionSize is the length of the random version that every record begins with, in bytes.
const VersionSize = 8

// The bytes of a record, numbers as varints unless said:
//
//	version      8 bytes, random
//	format       1 byte: recordFormat
//	flags        1 byte: hasTime, hasFirst, hasDelay
//	writer       8 bytes
//	time         8 bytes, with hasTime
//	first        time before that, with hasFirst
//	delay        with hasDelay; otherwise it is 0
//	generations  see Subject
//	states       number; each: id of the rule (8 bytes), level, episode
//	counters     number; each: id (8 bytes), length, and so many bytes (see head)
//
// Fixed numbers are little-endian.
const (
	recordFormat = 1
	hasTime      = 1
	hasFirst     = 2
	hasDelay     = 4
)

// AppendRecord appends the record: it begins with version (VersionSize bytes),
// and names writer as its last writer. To be called after AppendPart of all dirty parts.
func (s *Subject) AppendRecord(dst []byte, version [VersionSize]byte, writer uint64) []byte {
	s.writer = writer
	return record{s}.append(dst, version)
}

// WriterOf is the last writer that a record names; 0: it is none, or of a later form.
func WriterOf(bytes []byte) uint64 {
	d := decoder{b: bytes}
	d.take(VersionSize)
	format := d.byte()
	d.byte()
	writer := d.uint64()
	if d.err != nil || format != recordFormat {
		return 0
	}
	return writer
}

// DecodeSubject reads a record (the bytes AppendRecord made, of this layout or
// another).
func DecodeSubject(l *Layout, bytes []byte) (*Subject, error) {
	s := NewSubject(l)
	d := decoder{b: bytes}
	record{s}.decode(&d)
	d.end()
	if d.err != nil {
		return nil, fmt.Errorf("decode record: %w", d.err)
	}
	return s, nil
}

// record is a subject as its bytes see it.
type record struct{ *Subject }

func (s record) append(dst []byte, version [VersionSize]byte) []byte {
	dst = append(dst, version[:]...)
	flags := byte(0)
	if s.timed {
		flags |= hasTime
	}
	if s.touched {
		flags |= hasFirst
	}
	if s.delay > 0 {
		flags |= hasDelay
	}
	dst = append(dst, recordFormat, flags)
	dst = binary.LittleEndian.AppendUint64(dst, s.writer)
	if s.timed {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(s.time))
	}
	if s.touched {
		dst = binary.AppendVarint(dst, s.time-s.first) // may wrap around, and back
	}
	if s.delay > 0 {
		dst = binary.AppendUvarint(dst, s.delay)
	}
	dst = binary.AppendUvarint(dst, uint64(s.generations))
	dst = s.ruleStates.append(dst, s.layout.Rules)
	return s.appendCounters(dst)
}

// appendCounters appends the counters: the layout's, then the others.
func (s record) appendCounters(dst []byte) []byte {
	at, n := len(dst), 0
	for i, c := range s.counters {
		if c == nil {
			continue
		}
		c.moveTo(s.time)
		h := body{c}.head()
		if h.blank() {
			continue
		}
		n++
		dst = binary.LittleEndian.AppendUint64(dst, s.layout.Counters[i].ID)
		from := len(dst)
		dst = prefixLength(body{c}.append(dst, &h), from)
	}
	for i := range s.foreign {
		f := &s.foreign[i]
		if f.head.blank() {
			continue
		}
		n++
		dst = binary.LittleEndian.AppendUint64(dst, f.id)
		dst = binary.AppendUvarint(dst, uint64(len(f.body)))
		dst = append(dst, f.body...)
	}
	return prefix(dst, at, uint64(n))
}

// prefixLength puts the length of what follows from in front of it.
func prefixLength(dst []byte, from int) []byte {
	return prefix(dst, from, uint64(len(dst)-from))
}

func prefix(dst []byte, at int, x uint64) []byte {
	var b [binary.MaxVarintLen64]byte
	return slices.Insert(dst, at, b[:binary.PutUvarint(b[:], x)]...)
}

func (s record) decode(d *decoder) {
	d.take(VersionSize)
	if f := d.byte(); d.err == nil && f != recordFormat {
		d.newer("format %d", f)
	}
	flags := d.byte()
	s.timed, s.touched = flags&hasTime != 0, flags&hasFirst != 0
	if flags&^(hasTime|hasFirst|hasDelay) != 0 {
		d.newer("flags %08b", flags)
	}
	s.writer = d.uint64()
	if s.timed {
		s.time = int64(d.uint64())
	}
	if s.touched {
		s.first = s.time - d.varint()
	}
	if flags&hasDelay != 0 {
		s.decodeDelay(d)
	}
	s.generations = generations(d.uvarint(math.MaxUint64))
	s.ruleStates.decode(d, s.layout)
	s.decodeCounters(d)
}

func (s record) decodeDelay(d *decoder) {
	if s.delay = d.uvarint(math.MaxUint64); s.delay == 0 {
		d.fail("no delay")
	}
}

func (s record) decodeCounters(d *decoder) {
	n := d.count(10)
	if n > 0 && !s.timed {
		d.fail("counters without a time")
	}
	for i := -1; n > 0 && d.err == nil; n-- {
		id := d.uint64()
		body := decoder{b: d.take(d.count(1))}
		if d.err != nil {
			return
		}
		if i = s.layout.counter(id, i); i < len(s.counters) {
			s.decodeCounter(&body, i)
		} else {
			s.decodeForeign(&body, id)
		}
		if body.err != nil {
			d.err = fmt.Errorf("counter %016x: %w", id, body.err)
		}
	}
}

// counter is the number of the counter with an id, or the number of counters. Records are
// written in the order of the layout: the search begins after the counter found last.
func (l *Layout) counter(id uint64, last int) int {
	n := len(l.Counters)
	for i := range n {
		if at := (last + 1 + i) % n; l.Counters[at].ID == id {
			return at
		}
	}
	return n
}

// decodeCounter reads a counter of the layout.
func (s record) decodeCounter(d *decoder, i int) {
	sp := &s.layout.Counters[i]
	h := decodeHead(d, s.time, uint64(s.generations))
	switch {
	case d.err != nil:
		return
	case s.counters[i] != nil:
		d.fail("twice")
		return
	case h.op != sp.Op || h.step != sp.Step || sp.Step > 0 && h.n != sp.N:
		d.fail("operation %d, step %d, n %d of another definition", h.op, h.step, h.n)
		return
	}
	c := newCounter(sp, s.layout.pieceSizes())
	body{c}.decode(d, &h)
	d.end()
	if d.err != nil {
		return
	}
	s.counters[i] = c
	if c.history.missing {
		s.missing++
	}
	s.absent += c.absent()
	s.slideToTime(c)
}
