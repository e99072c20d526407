package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// loader is the scratch memory of a shard's reads.
type loader struct {
	of      []*entry // by operation of the run; nil: before the offset from which on it is filled, or gone, since the shard was reset
	entries []*entry // to be read
	parts   []windows.Part
	wants   []want
	spans   []span
	keys    [][]byte
	arena   []byte
	values  [][]byte
	seen    map[wantKey]struct{}
	partID  []byte
	round   uint64 // number of the read
}

// want is a part that an entry needs.
type want struct {
	entry *entry
	part  windows.Part
}

type wantKey struct {
	entry *entry
	part  windows.Part
}

// A read asks for at most this many keys at once, so that Redis is not held up
// for more than about a millisecond.
const maxLoadKeys = 1_000

// fill reads what the operations of r from offset on need and the shard does
// not have: records first, then their parts.
func (s *shard) fill(ctx context.Context, r *chunk, offset int64) error {
	s.load.entries, s.load.of = s.load.entries[:0], s.load.of[:0]
	for i := range r.ops {
		o := &r.ops[i]
		if o.offset < offset {
			s.load.of = append(s.load.of, nil)
			continue
		}
		e := s.entry(s.nameOf(o.kind, r.id(o)))
		s.load.of = append(s.load.of, e)
		if !e.loaded && e.used != pending {
			e.used = pending
			s.load.entries = append(s.load.entries, e)
		}
	}
	if err := s.readRecords(ctx); err != nil {
		return err
	}
	for {
		s.load.wantsOf(r, s.load.of, &s.op)
		if len(s.load.wants) == 0 {
			return nil
		}
		if err := s.readParts(ctx); err != nil {
			return err
		}
		if s.batch.conflict {
			if err := s.commit(ctx); err != nil {
				return err
			}
		}
	}
}

// pending marks an entry that is about to be read.
const pending = ^uint32(0)

// entry returns the entry of a name, a new one if there is none. A new one must
// be read before it is used.
func (s *shard) entry(name []byte) *entry {
	if e, ok := s.subjects[string(name)]; ok {
		return e
	}
	e := &entry{name: string(name)}
	s.subjects[e.name] = e
	return e
}

func (e *entry) kindAndID() (kind byte, id string) { return e.name[0], e.name[1:] }

// readRecords reads the records of s.load.entries.
func (s *shard) readRecords(ctx context.Context) error {
	l := &s.load
	for start := 0; start < len(l.entries); start += maxLoadKeys {
		some := l.entries[start:min(start+maxLoadKeys, len(l.entries))]
		l.begin()
		for _, e := range some {
			l.key(s.appendRecordKey(l.arena, e))
		}
		if err := s.read(ctx); err != nil {
			return err
		}
		for i, e := range some {
			if err := s.decode(e, l.values[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// wantsOf lists the parts that the operations of r need of their entries and that are not loaded. It uses o.
func (l *loader) wantsOf(r *chunk, of []*entry, o *operation) {
	l.wants = l.wants[:0]
	clear(l.seen)
	for i, e := range of {
		if e == nil || e.Whole() {
			continue
		}
		r.operation(i, o)
		if !l.complete(e, o) {
			for _, p := range l.parts {
				l.want(e, p)
			}
		}
	}
}

// complete says whether e has all that o needs.
func (l *loader) complete(e *entry, o *operation) bool {
	l.parts = e.NeedsHistory(l.parts[:0])
	for _, a := range o.adds {
		l.parts = e.Needs(l.parts, a.counter, a.key)
	}
	return len(l.parts) == 0
}

func (l *loader) want(e *entry, p windows.Part) {
	if l.seen == nil {
		l.seen = map[wantKey]struct{}{}
	}
	k := wantKey{e, p}
	if _, ok := l.seen[k]; !ok {
		l.seen[k] = struct{}{}
		l.wants = append(l.wants, want{e, p})
	}
}

// readParts reads s.load.wants. Each read takes the subjects' records along:
// a subject that another process has written since is read afresh, since its parts
// would not fit the record in memory.
func (s *shard) readParts(ctx context.Context) error {
	l := &s.load
	for start := 0; start < len(l.wants); start += maxLoadKeys {
		some := l.wants[start:min(start+maxLoadKeys, len(l.wants))]
		l.begin()
		for i, w := range some {
			if i == 0 || some[i-1].entry != w.entry {
				l.key(s.appendRecordKey(l.arena, w.entry))
			}
			l.key(s.appendPartKey(l.arena, w.entry, w.part))
		}
		if err := s.read(ctx); err != nil {
			return err
		}
		if err := s.takeParts(some); err != nil {
			return err
		}
	}
	return nil
}

func (s *shard) takeParts(some []want) error {
	n, same := 0, false
	for i, w := range some {
		if i == 0 || some[i-1].entry != w.entry {
			record := s.load.values[n]
			same = sameVersion(record, w.entry.version)
			n++
			if !same {
				if err := s.refresh(w.entry, record); err != nil {
					return err
				}
			}
		}
		value := s.load.values[n]
		n++
		if !same || w.entry.reread == s.load.round {
			continue // the part was asked for by what the record said before
		}
		if err := w.entry.Load(w.part, value); err != nil {
			return s.damaged(w.entry, err)
		}
	}
	return nil
}

// refresh takes a record that another process wrote since it was read. If the
// batch has changed the subject, the commit, which will be refused, puts it right.
func (s *shard) refresh(e *entry, record []byte) error {
	if e.dirty {
		s.batch.conflict = true
		return nil
	}
	e.reread = s.load.round
	return s.decode(e, record)
}

func sameVersion(record, version []byte) bool {
	if version == nil || record == nil {
		return version == nil && record == nil
	}
	return bytes.HasPrefix(record, version)
}

// decode makes the entry of a record; nil: there is none.
func (s *shard) decode(e *entry, record []byte) error {
	kind, id := e.kindAndID()
	layout := &s.program.kinds[kind].layout
	var ws *windows.Subject
	e.version, e.wrote, e.shared = nil, len(record), sharedCommits
	if record == nil {
		ws = windows.NewSubject(layout)
	} else {
		var err error
		if ws, err = windows.DecodeSubject(layout, record); err != nil {
			return s.damaged(e, err)
		}
		e.version = append(e.version, record[:windows.VersionSize]...)
		e.foreign = e.foreign || ws.Writer() != s.writer
	}
	e.subject = *s.apply.open(ws, thresholds.Kind(kind), id)
	e.indexed = e.Delay()
	e.loaded, e.used = true, s.batch.number
	s.count(e)
	return nil
}

// damaged is the error of a record that cannot be read: the subject is not
// counted on top of what is unknown, so the shard stands still.
func (s *shard) damaged(e *entry, err error) error {
	kind, _ := e.kindAndID()
	what := errDamaged
	if errors.Is(err, windows.ErrNewer) {
		what = errNewer
	}
	return fmt.Errorf("load shard %d, a subject of kind %d: %w: %w", s.number, kind, what, err)
}

// errDamaged is a stored record or part that cannot be read.
var errDamaged = errors.New("the store holds a damaged record (restore it, or delete the subject's keys to count it anew)")

// errNewer is a stored record that a later version of the program wrote.
var errNewer = errors.New("the store holds a record of a later version of the program (bring this process up to that version; delete nothing)")

// read loads the keys gathered into s.load.values, trying until it works.
func (s *shard) read(ctx context.Context) error {
	l := &s.load
	l.keys = resolve(l.keys[:0], l.arena, l.spans)
	defer s.pulse.at(s.pulse.at(stepLoad))
	return s.retrier.retry(ctx, operationLoad, s.number, func() (err error) {
		l.values, err = s.store.Load(ctx, s.number, l.keys, l.values[:0])
		return err
	})
}

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

func (s *shard) appendRecordKey(dst []byte, e *entry) []byte {
	kind, id := e.kindAndID()
	return s.keys.AppendRecordKey(dst, s.number, thresholds.Kind(kind).String(), []byte(id))
}

func (s *shard) appendPartKey(dst []byte, e *entry, p windows.Part) []byte {
	kind, id := e.kindAndID()
	s.load.partID = e.PartID(s.load.partID[:0], p)
	return s.keys.AppendPartKey(dst, s.number, s.load.partID, thresholds.Kind(kind).String(), []byte(id))
}
