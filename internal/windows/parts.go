package windows

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
)

// Part is a piece of a subject that has a key of its own. It is a chunk of the members of counter
// Counter, or its history with Chunk < 0. Counters of other layouts have numbers after the
// layout's; their parts are only ever deleted.
type Part struct {
	Counter int
	Chunk   int
}

// PartID appends the end of the part's key, unique within the subject. It is the counter's id in
// URL-safe base64, a point, and the chunk's number or "h".
func (s *Subject) PartID(dst []byte, p Part) []byte {
	var id uint64
	if n := len(s.counters); p.Counter >= n {
		id = s.foreign[p.Counter-n].id
	} else {
		id = s.layout.Counters[p.Counter].ID
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], id)
	dst = base64.RawURLEncoding.AppendEncode(dst, b[:])
	dst = append(dst, '.')
	if p.Chunk < 0 {
		return append(dst, 'h')
	}
	return strconv.AppendInt(dst, int64(p.Chunk), 10)
}

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

// Needs appends the parts that Add(i, _, key, _) needs and that are not loaded. A set about to grow
// names the chunk to be split as well. It answers for the next Add only: after an Add, also of
// another key, ask again. While a history is missing the answer may be too short.
func (s *Subject) Needs(dst []Part, i int, key uint64) []Part {
	c := s.counters[i]
	if c == nil || c.members == nil || c.members.n == 0 {
		return dst
	}
	m := c.members
	at := chunkOf(key, m.n)
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
		if err = (body{c}).loadHistory(value); err == nil {
			s.missing--
			s.slideToTime(c)
		}
	case p.Chunk >= 0 && m != nil && p.Chunk < m.n && m.loaded(p.Chunk) == nil:
		if err = (body{c}).loadChunk(p.Chunk, value); err == nil {
			s.absent--
		}
	}
	if err != nil {
		return fmt.Errorf("load part %s: %w", s.PartID(nil, p), err)
	}
	return nil
}

// Dirty appends the parts changed since the last Clean.
func (s *Subject) Dirty(dst []Part) []Part {
	for i, c := range s.counters {
		if c == nil {
			continue
		}
		c.placeHistory()
		if c.history.part && c.history.dirty {
			s.generations.assign(&c.history.generation, s.time)
			dst = append(dst, Part{i, -1})
		}
		if c.chunks() == 0 {
			continue
		}
		s.generations.assign(&c.members.generation, s.time)
		for _, at := range c.members.dirty {
			dst = append(dst, Part{i, int(at)})
		}
	}
	return dst
}

// generations counts those given to parts.
type generations uint64

// assign gives parts a generation, if they have none. It is not below the subject's time in
// seconds. So it differs also from those of a subject of the same name that was deleted.
func (g *generations) assign(of *uint64, now int64) {
	if *of == 0 {
		*g = max(*g+1, generations(max(now, 0))/second)
		*of = uint64(*g)
	}
}

// AppendPart appends the bytes of a part; members that left the window are dropped.
func (s *Subject) AppendPart(dst []byte, p Part) []byte {
	c := s.counters[p.Counter]
	c.moveTo(s.time)
	dst = append(dst, partFormat)
	if p.Chunk < 0 {
		return body{c}.appendHistory(dst)
	}
	return body{c}.appendChunk(dst, p.Chunk)
}
