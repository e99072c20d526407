package partition

import (
	"bytes"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// Otherwise is how a partition's records were taken in before a change of what is an event, or a repeat.
type Otherwise struct {
	Intake engine.IntakeOptions
	To     int64 // offset: no record from it on was
	// Apart is called with each operation of a record, at an offset, that was taken in otherwise: with those of now, and those of then.
	Apart func(offset int64, o *engine.Operation)
	// Event is called, as OnEvent's f, with each event that was none, or a repeat, as they are taken in now.
	Event func(offset, clock int64, e *event.Event)

	now, then decider
}

// TakeOtherwise has the records looked at once more, as they were taken in before.
func (x *Recounting) TakeOtherwise(o Otherwise) {
	never := func() (int64, bool) { return 0, false }
	then := x.p.Options
	then.Intake = o.Intake
	o.now, o.then = newDecider(x.p.Program, &x.p.Options, never), newDecider(x.p.Program, &then, never)
	o.now.rewind(x.Start())
	o.then.rewind(x.Start())
	x.otherwise = append(x.otherwise, &o)
}

// look tells apart what the record is now and what it was then.
func (w *Otherwise) look(r *records.Record) {
	if r.Offset >= w.To {
		return
	}
	now, _ := w.now.verdict(r)
	then, _ := w.then.verdict(r)
	if now == then && (now != engine.Accepted || bytes.Equal(w.now.in.Event.Type, w.then.in.Event.Type)) {
		return
	}
	if then == engine.Accepted && now != then {
		w.Event(r.Offset, w.then.clock, &w.then.in.Event)
	}
	for _, x := range []struct {
		verdict engine.Verdict
		in      *engine.Intake
	}{{now, w.now.in}, {then, w.then.in}} {
		if x.verdict != engine.Accepted {
			continue
		}
		ops, _ := x.in.Operations()
		for _, o := range ops {
			w.Apart(r.Offset, &o)
		}
	}
}
