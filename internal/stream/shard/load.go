package shard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// loader is the scratch memory of a shard's reads.
type loader struct {
	of      []*Entry // by operation of the run; nil: before the offset from which on it is filled, or gone, since the shard was reset
	entries []*Entry // to be read
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
	entry *Entry
	part  windows.Part
}

type wantKey struct {
	entry *Entry
	part  windows.Part
}

// fill reads what the operations of r from offset on need and the shard does
// not have: records first, then their parts.
func (s *Shard) fill(ctx context.Context, r *Chunk, offset int64) error {
	s.load.entries, s.load.of = s.load.entries[:0], s.load.of[:0]
	for i := range r.Ops {
		o := &r.Ops[i]
		if o.offset < offset {
			s.load.of = append(s.load.of, nil)
			continue
		}
		e := s.entry(s.NameOf(o.kind, r.id(o)))
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
		if s.due(&s.Batch, point{place: afterRead}, time.Time{}) != notDue {
			if err := s.Commit(ctx); err != nil {
				return err
			}
		}
	}
}

// pending marks an entry that is about to be read.
const pending = ^uint32(0)

// entry returns the entry of a name, a new one if there is none. A new one must
// be read before it is used.
func (s *Shard) entry(name []byte) *Entry {
	if e, ok := s.Subjects[string(name)]; ok {
		return e
	}
	e := &Entry{Name: string(name)}
	s.Subjects[e.Name] = e
	return e
}

func (e *Entry) kindAndID() (kind byte, id string) { return e.Name[0], e.Name[1:] }

// readRecords reads the records of s.load.entries.
func (s *Shard) readRecords(ctx context.Context) error {
	l := &s.load
	for start := 0; start < len(l.entries); start += MaxLoadKeys {
		some := l.entries[start:min(start+MaxLoadKeys, len(l.entries))]
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
func (l *loader) wantsOf(r *Chunk, of []*Entry, o *engine.Operation) {
	l.wants = l.wants[:0]
	clear(l.seen)
	for i, e := range of {
		if e == nil || e.Whole() {
			continue
		}
		r.Operation(i, o)
		if !l.complete(e, o) {
			for _, p := range l.parts {
				l.want(e, p)
			}
		}
	}
}

// complete says whether e has all that o needs.
func (l *loader) complete(e *Entry, o *engine.Operation) bool {
	l.parts = e.NeedsHistory(l.parts[:0])
	for _, a := range o.Adds {
		l.parts = e.Needs(l.parts, a.Counter, a.Key)
	}
	return len(l.parts) == 0
}

func (l *loader) want(e *Entry, p windows.Part) {
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
func (s *Shard) readParts(ctx context.Context) error {
	l := &s.load
	for start := 0; start < len(l.wants); start += MaxLoadKeys {
		some := l.wants[start:min(start+MaxLoadKeys, len(l.wants))]
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

func (s *Shard) takeParts(some []want) error {
	n, same := 0, false
	for i, w := range some {
		if i == 0 || some[i-1].entry != w.entry {
			record := s.load.values[n]
			same = SameVersion(record, w.entry.version)
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
func (s *Shard) refresh(e *Entry, record []byte) error {
	if e.dirty {
		s.Batch.conflict = true
		return nil
	}
	e.reread = s.load.round
	return s.decode(e, record)
}

func SameVersion(record, version []byte) bool {
	if version == nil || record == nil {
		return version == nil && record == nil
	}
	return bytes.HasPrefix(record, version)
}

// decode makes the entry of a record; nil: there is none.
func (s *Shard) decode(e *Entry, record []byte) error {
	kind, id := e.kindAndID()
	layout := &s.Program.Kinds[kind].Layout
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
		e.foreign = e.foreign || ws.Writer() != s.Writer
	}
	e.Subject = *engine.NewSubject(ws, thresholds.Kind(kind), id)
	e.indexed = e.Delay()
	e.loaded, e.used = true, s.Batch.Number
	s.count(e)
	return nil
}

// damaged is the error of a record that cannot be read: the subject is not
// counted on top of what is unknown, so the shard stands still.
func (s *Shard) damaged(e *Entry, err error) error {
	kind, _ := e.kindAndID()
	what := ErrDamaged
	if errors.Is(err, windows.ErrNewer) {
		what = errNewer
	}
	return fmt.Errorf("load shard %d, a subject of kind %d: %w: %w", s.Number, kind, what, err)
}

// ErrDamaged is a stored record or part that cannot be read.
var ErrDamaged = errors.New("the store holds a damaged record (restore it, or delete the subject's keys to count it anew)")

// errNewer is a stored record that a later version of the program wrote.
var errNewer = errors.New("the store holds a record of a later version of the program (bring this process up to that version; delete nothing)")

// read loads the keys gathered into s.load.values, trying until it works.
func (s *Shard) read(ctx context.Context) error {
	l := &s.load
	l.keys = resolve(l.keys[:0], l.arena, l.spans)
	defer s.Pulse.At(s.Pulse.At(watchdog.StepLoad))
	return s.Retrier.Retry(ctx, metrics.OperationLoad, s.Number, func() (err error) {
		l.values, err = s.Store.Load(ctx, s.Number, l.keys, l.values[:0])
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

func (s *Shard) appendRecordKey(dst []byte, e *Entry) []byte {
	kind, id := e.kindAndID()
	return s.Keys.AppendRecordKey(dst, s.Number, thresholds.Kind(kind).String(), []byte(id))
}

func (s *Shard) appendPartKey(dst []byte, e *Entry, p windows.Part) []byte {
	kind, id := e.kindAndID()
	s.load.partID = e.PartID(s.load.partID[:0], p)
	return s.Keys.AppendPartKey(dst, s.Number, s.load.partID, thresholds.Kind(kind).String(), []byte(id))
}
