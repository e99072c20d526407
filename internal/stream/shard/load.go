package shard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// loader is the scratch memory of a cache's reads.
type loader struct {
	entries []*Entry // to be read
	parts   []windows.Part
	wants   []want
	spans   []span
	keys    [][]byte
	arena   []byte
	values  [][]byte
	seen    map[want]struct{}
	round   uint64 // number of the read
}

// want is a part that an entry needs.
type want struct {
	entry *Entry
	part  windows.Part
}

// needs are entries with what is to be added to each.
type needs = iter.Seq2[*Entry, []engine.Addition]

// missing lists the parts that are needed and not loaded. The list is valid until the next call.
func (c *cache) missing(list needs) []want {
	l := &c.load
	l.wants = l.wants[:0]
	clear(l.seen)
	for e, adds := range list {
		if e.Whole() {
			continue
		}
		for _, p := range l.lacks(e, adds) {
			l.want(e, p)
		}
	}
	return l.wants
}

// complete reports whether e has all that the additions need.
func (c *cache) complete(e *Entry, adds []engine.Addition) bool {
	return e.Whole() || len(c.load.lacks(e, adds)) == 0
}

// lacks are the parts of e that additions need and that are not loaded.
func (l *loader) lacks(e *Entry, adds []engine.Addition) []windows.Part {
	l.parts = e.NeedsHistory(l.parts[:0])
	for _, a := range adds {
		l.parts = e.Needs(l.parts, a.Counter, a.Key)
	}
	return l.parts
}

func (l *loader) want(e *Entry, p windows.Part) {
	if l.seen == nil {
		l.seen = map[want]struct{}{}
	}
	w := want{e, p}
	if _, ok := l.seen[w]; !ok {
		l.seen[w] = struct{}{}
		l.wants = append(l.wants, w)
	}
}

// readParts reads parts. Each read takes the subjects' records along. A subject that another
// process has written since is read afresh, since its parts would not fit the record in memory. It
// reports whether such a subject is in the batch.
func (c *cache) readParts(ctx context.Context, wants []want) (conflict bool, err error) {
	l := &c.load
	for some := range slices.Chunk(wants, MaxLoadKeys) {
		l.begin()
		for i, w := range some {
			if i == 0 || some[i-1].entry != w.entry {
				l.key(c.keys.appendRecord(l.arena, w.entry))
			}
			l.key(c.keys.appendPart(l.arena, w.entry, w.part))
		}
		if err := c.fetch(ctx); err != nil {
			return conflict, err
		}
		met, err := c.takeParts(some)
		if conflict = conflict || met; err != nil {
			return conflict, err
		}
	}
	return conflict, nil
}

func (c *cache) takeParts(some []want) (conflict bool, err error) {
	n, same := 0, false
	for i, w := range some {
		if i == 0 || some[i-1].entry != w.entry {
			record := c.load.values[n]
			same = SameVersion(record, w.entry.version)
			n++
			if !same && w.entry.dirty {
				conflict = true // the commit, which will be refused, puts it right
			} else if !same {
				w.entry.reread = c.load.round
				if err := c.decode(w.entry, record); err != nil {
					return conflict, err
				}
			}
		}
		value := c.load.values[n]
		n++
		if !same || w.entry.reread == c.load.round {
			continue // the part was asked for by what the record said before
		}
		if err := w.entry.Load(w.part, value); err != nil {
			return conflict, c.damaged(w.entry, err)
		}
	}
	return conflict, nil
}

// SameVersion reports whether a record as stored has a version; nil is no record, and the version of none.
func SameVersion(record, version []byte) bool {
	if version == nil || record == nil {
		return version == nil && record == nil
	}
	return bytes.HasPrefix(record, version)
}

// decode makes the entry of a record; nil: there is none.
func (c *cache) decode(e *Entry, record []byte) error {
	kind, id := e.kindAndID()
	layout := &c.Program.Kinds[kind].Layout
	var ws *windows.Subject
	e.version, e.wrote, e.shared = nil, len(record), sharedCommits
	if record == nil {
		ws = windows.NewSubject(layout)
	} else {
		var err error
		if ws, err = windows.DecodeSubject(layout, record); err != nil {
			return c.damaged(e, err)
		}
		e.version = append(e.version, record[:windows.VersionSize]...)
		e.foreign = e.foreign || ws.Writer() != c.Writer
	}
	e.Subject.Reset(ws, thresholds.Kind(kind), id)
	e.indexed, e.begun = e.Delay(), false
	e.loaded, e.asked, e.used = true, false, c.batch
	c.count(e)
	return nil
}

// damaged is the error of a record that cannot be read. The subject is not counted on top of what
// is unknown, so the shard stops.
func (c *cache) damaged(e *Entry, err error) error {
	kind, _ := e.kindAndID()
	what := ErrDamaged
	if errors.Is(err, windows.ErrNewer) {
		what = errNewer
	}
	return fmt.Errorf("load shard %d, a subject of kind %d: %w: %w", c.number, kind, what, err)
}

// ErrDamaged is a stored record or part that cannot be read.
var ErrDamaged = errors.New("the store holds a damaged record (restore it, or delete the subject's keys to count it anew)")

// errNewer is a stored record that a later version of the program wrote.
var errNewer = errors.New("the store holds a record of a later version of the program (bring this process up to that version; delete nothing)")

func (l *loader) begin() {
	l.arena, l.spans = l.arena[:0], l.spans[:0]
	l.round++
}

// key notes that the arena, as grown by an append, ends in one more key.
func (l *loader) key(grown []byte) {
	l.spans = append(l.spans, span{int32(len(l.arena)), int32(len(grown))})
	l.arena = grown
}

// resolve makes slices of spans, once the arena grows no more.
func resolve(dst [][]byte, arena []byte, spans []span) [][]byte {
	for _, p := range spans {
		dst = append(dst, arena[p.start:p.end:p.end])
	}
	return dst
}
