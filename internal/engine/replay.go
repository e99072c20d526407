package engine

import (
	"cmp"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// Replay applies events one at a time, in order, as one partition whose Kafka
// timestamps are the events' times. It keeps everything in memory, and belongs
// to one goroutine.
type Replay struct {
	// In is the way of its events up to their operations.
	In *Intake
	// Stats counts what came.
	Stats ReplayStats
	// Doubts are of the first unmatched event of each type, as Unmatched says it, of few types. A type that is usual and that
	// no rule counts is not among them: that is no mistake.
	Doubts []string

	doubted  map[string]bool // types of Doubts
	apply    Applier
	now      int64 // ns; what `ahead` is measured against
	subjects [thresholds.NumKinds]map[string]*Subject
	queue    dueQueue
	event    []*Subject // of the event being applied
	pending  []thresholds.Crossing
	clearing bool
	emit     func(*thresholds.Crossing)
}

// ReplayStats counts events by what became of them.
type ReplayStats struct {
	Matched, Unmatched, Duplicate, Malformed, Ahead int
	Canary                                          int // not counted; they moved the stream's time
	Late, Refused                                   int // of the operations (an event for one subject)
}

// NewReplay makes a replay. now (ns) is what `ahead` is measured against. emit takes
// each crossing, which is valid during the call only.
func NewReplay(p *Program, o IntakeOptions, now int64, emit func(*thresholds.Crossing)) *Replay {
	r := &Replay{In: NewIntake(p, Secret{}, o), doubted: map[string]bool{}, now: now, emit: emit}
	r.apply = Applier{Program: p, Emit: r.announce}
	for k := range r.subjects {
		r.subjects[k] = map[string]*Subject{}
	}
	return r
}

// Line applies one line, an event or a structured CloudEvent. The error says why it was
// malformed or ahead; the replay goes on after either.
func (r *Replay) Line(line []byte) error {
	if err := r.In.Decoder.Decode(&r.In.Event, line); err != nil {
		if v, _ := Refusal(err); v == Ahead {
			r.Stats.Ahead++
		} else {
			r.Stats.Malformed++
		}
		return err
	}
	return r.take(&r.In.Event)
}

func (r *Replay) take(e *event.Event) error {
	switch {
	case r.In.TooNew(r.now):
		r.Stats.Ahead++
		return aheadOfNow(e.Time, r.now, r.In.MaxAhead)
	case r.In.Repeated(Milliseconds(e.Time)):
		r.Stats.Duplicate++
		return nil
	}
	ops, v := r.In.Operations()
	switch v {
	case Unmatched:
		r.Stats.Unmatched++
		r.doubt(e)
		return nil
	case Canary:
		r.Stats.Canary++
	default:
		r.Stats.Matched++
	}
	r.event = r.event[:0]
	for i := range ops {
		r.event = append(r.event, r.subject(ops[i].Kind, ops[i].ID))
	}
	r.clearDue(ops)
	for i := range ops {
		r.operation(r.event[i], &ops[i])
	}
	return nil
}

// doubt notes why an event is not counted, if that may be a mistake.
func (r *Replay) doubt(e *event.Event) {
	const few = 5
	if len(r.Doubts) == few || r.doubted[string(e.Type)] {
		return
	}
	p := r.apply.Program
	if usual, _ := thresholds.UsualType(string(e.Type)); usual && len(p.types[string(e.Type)]) == 0 {
		return
	}
	r.doubted[string(e.Type)] = true
	r.Doubts = append(r.Doubts, p.Unmatched(e))
}

func (r *Replay) operation(s *Subject, o *Operation) {
	out := r.apply.Apply(s, o, Moment{Time: r.In.Newest, Known: r.In.Newest})
	if out.Late {
		r.Stats.Late++
	}
	if out.Refused {
		r.Stats.Refused++
	}
	r.queue.put(s)
}

func (r *Replay) subject(kind thresholds.Kind, id []byte) *Subject {
	if s, ok := r.subjects[kind][string(id)]; ok {
		return s
	}
	key := string(id)
	s := NewSubject(windows.NewSubject(&r.apply.Program.Kinds[kind].Layout), kind, key)
	r.subjects[kind][key] = s
	return s
}

// clearDue ends every episode that is due, in order of date, kind, subject and pack. The stream's
// time makes episodes due, and the time of the event's operations makes due those of their
// subjects.
func (r *Replay) clearDue(ops []Operation) {
	r.clearing = true
	for s := r.queue.take(r.In.Newest); s != nil; s = r.queue.take(r.In.Newest) {
		r.apply.Clear(s, s.Reached(r.In.Newest))
		r.queue.put(s)
	}
	for i := range ops {
		r.apply.Clear(r.event[i], ops[i].Time)
	}
	r.clearing = false
	slices.SortStableFunc(r.pending, func(a, b thresholds.Crossing) int { // of one subject and date in the packs' order already
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Rule.By, b.Rule.By), cmp.Compare(a.Subject, b.Subject))
	})
	for i := range r.pending {
		r.emit(&r.pending[i])
	}
	r.pending = r.pending[:0]
}

// announce hands a crossing on; clears are put in order first.
func (r *Replay) announce(_ *Subject, c *thresholds.Crossing) {
	if !r.clearing {
		r.emit(c)
		return
	}
	kept := *c
	kept.Values = slices.Clone(c.Values)
	r.pending = append(r.pending, kept)
}

// Counts calls yield with the counts lines of everything the replay has kept.
func (r *Replay) Counts(yield func(line []byte) bool) {
	var all []*Subject
	for k := range r.subjects {
		for _, s := range r.subjects[k] {
			all = append(all, s)
		}
	}
	r.apply.Program.Counts(all, yield)
}
