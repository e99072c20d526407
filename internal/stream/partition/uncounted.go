package partition

import (
	"log/slog"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// uncounted says in the log which records are not counted, for all partitions of a process: each reason and each type of
// events once, and a reason now and then again. It quotes nothing of a record except the type of its event.
type uncounted struct {
	mu      sync.Mutex
	letters map[string]*retry.Throttle // by reason
	types   map[string]bool            // those that were named
	quiet   retry.Throttle             // of types
}

const (
	// letterLoggedEvery is how far apart the lines are that say that there are dead letters of a reason. Metrics count them.
	letterLoggedEvery = 10 * time.Minute
	// namedTypesAtOnce is how many types are named in ten seconds: a producer may make them up.
	namedTypesAtOnce = 10
)

func newUncounted() *uncounted {
	return &uncounted{letters: map[string]*retry.Throttle{}, types: map[string]bool{}, quiet: retry.Throttle{Most: namedTypesAtOnce}}
}

// letter says that Kafka has a dead letter.
func (u *uncounted) letter(log *slog.Logger, d *deadLetter) {
	if held, ok := u.throttleOf(d.reason).Pass(); ok {
		log.Info("record is no event: it is a dead letter", "reason", d.reason, "topic", d.assignment.Topic,
			"partition", d.assignment.Partition, "offset", d.offset, "held_back", held)
	}
}

func (u *uncounted) throttleOf(reason string) *retry.Throttle {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := u.letters[reason]
	if t == nil {
		t = &retry.Throttle{Every: letterLoggedEvery}
		u.letters[reason] = t
	}
	return t
}

// name reports whether a type of events is to be named now, and whether it was named before.
func (u *uncounted) name(kind string) (held int, now, before bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.types[kind] {
		return 0, false, true
	}
	if held, now = u.quiet.Pass(); now {
		remember(u.types, kind)
	}
	return held, now, false
}

// remember notes a type. At the bound the others are forgotten, and may be named once more.
func remember(types map[string]bool, kind string) {
	if len(types) >= namedTypes {
		clear(types)
	}
	types[kind] = true
}

// tellUnmatched says why no rule counts the event under way, of a record, if that was not said of its type.
func (p *Partition) tellUnmatched(r *records.Record) {
	e := &p.decide.in.Event
	if p.named[string(e.Type)] {
		return
	}
	held, now, before := p.uncounted.name(string(e.Type))
	if now || before {
		remember(p.named, string(e.Type))
	}
	if now {
		p.Log.Info("event is not counted", "why", p.Program.Unmatched(e), "topic", p.Assignment.Topic, "partition", p.Assignment.Partition,
			"offset", r.Offset, "held_back", held)
	}
}
