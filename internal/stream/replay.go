package stream

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
	in       *Intake
	apply    applier
	now      int64 // ns; what `ahead` is measured against
	subjects [thresholds.NumKinds]map[string]*subject
	queue    dueQueue
	event    []*subject // of the event being applied
	pending  []thresholds.Crossing
	clearing bool
	emit     func(*thresholds.Crossing)

	// Stats counts what came.
	Stats ReplayStats
	// Unusual is the type of the first unmatched event that has none of the usual types of event, nor one that a
	// pack names; "" if there was none.
	Unusual string
}

// ReplayStats counts events by what became of them.
type ReplayStats struct {
	Matched, Unmatched, Duplicate, Malformed, Ahead int
	Late, Refused                                   int // of the operations (an event for one subject)
}

// NewReplay makes a replay. now (ns) is what `ahead` is measured against. emit takes
// each crossing, which is valid during the call only.
func NewReplay(p *Program, o IntakeOptions, now int64, emit func(*thresholds.Crossing)) *Replay {
	r := &Replay{in: NewIntake(p, Secret{}, o), now: now, emit: emit}
	r.apply = applier{program: p, emit: r.announce}
	for k := range r.subjects {
		r.subjects[k] = map[string]*subject{}
	}
	return r
}

// Line applies one line, an event or a structured CloudEvent. The error says why it was
// malformed or ahead; the replay goes on after either.
func (r *Replay) Line(line []byte) error {
	if err := r.in.decoder.Decode(&r.in.event, line); err != nil {
		if v, _ := refusal(err); v == ahead {
			r.Stats.Ahead++
		} else {
			r.Stats.Malformed++
		}
		return err
	}
	return r.take(&r.in.event)
}

func (r *Replay) take(e *event.Event) error {
	switch {
	case r.in.tooNew(r.now):
		r.Stats.Ahead++
		return aheadOfNow(e.Time, r.now, r.in.maxAhead)
	case r.in.repeated(floorDiv(e.Time, millisecond)):
		r.Stats.Duplicate++
		return nil
	}
	ops := r.in.operations()
	if len(ops) == 0 {
		r.Stats.Unmatched++
		r.noteType(string(e.Type))
		return nil
	}
	r.Stats.Matched++
	r.event = r.event[:0]
	for i := range ops {
		r.event = append(r.event, r.subject(ops[i].kind, ops[i].id))
	}
	r.clearDue(ops)
	for i := range ops {
		r.operation(r.event[i], &ops[i])
	}
	return nil
}

func (r *Replay) noteType(name string) {
	if usual, _ := thresholds.UsualType(name); r.Unusual == "" && !usual && len(r.apply.program.types[name]) == 0 {
		r.Unusual = name
	}
}

func (r *Replay) operation(s *subject, o *operation) {
	out := r.apply.apply(s, o, moment{time: r.in.newest, known: r.in.newest})
	if out.late {
		r.Stats.Late++
	}
	if out.refused {
		r.Stats.Refused++
	}
	r.queue.put(s)
}

func (r *Replay) subject(kind thresholds.Kind, id []byte) *subject {
	if s, ok := r.subjects[kind][string(id)]; ok {
		return s
	}
	key := string(id)
	s := r.apply.open(windows.NewSubject(&r.apply.program.kinds[kind].layout), kind, key)
	r.subjects[kind][key] = s
	return s
}

// clearDue ends every episode that the stream's time has made due, or the time of the event's operations that of
// their subjects, in order of date, kind, subject and pack.
func (r *Replay) clearDue(ops []operation) {
	r.clearing = true
	for s := r.queue.take(r.in.newest); s != nil; s = r.queue.take(r.in.newest) {
		r.apply.clear(s, s.Reached(r.in.newest))
		r.queue.put(s)
	}
	for i := range ops {
		r.apply.clear(r.event[i], ops[i].time)
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
func (r *Replay) announce(_ *subject, c *thresholds.Crossing) {
	if !r.clearing {
		r.emit(c)
		return
	}
	kept := *c
	kept.Values = slices.Clone(c.Values)
	r.pending = append(r.pending, kept)
}
