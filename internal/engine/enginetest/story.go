package enginetest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Event is an event as a record of Kafka has it.
type Event struct {
	Value  []byte // the event's JSON
	Millis int64  // the event's time, and the record's timestamp, Unix milliseconds
}

// Story makes n events of some subjects, out of order by a few seconds, with repeats, late events
// and events that no pack counts. They begin in March 2026. Types are click, view, share, order,
// canary and other.
func Story(rnd *rand.Rand, n, incidents, accounts int) []Event {
	return StoryFrom(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), 0, rnd, n, incidents, accounts)
}

// StoryFrom is a story from a time on, in which half of the incidents lag the others, by less than a duration.
func StoryFrom(at time.Time, lag time.Duration, rnd *rand.Rand, n, incidents, accounts int) []Event {
	var out []Event
	lags := make([]time.Duration, incidents)
	if lag > 0 {
		for i := range lags {
			lags[i] = time.Duration(rnd.Int64N(int64(lag))) * time.Duration(rnd.IntN(2))
		}
	}
	for i := range n {
		step := time.Duration(rnd.IntN(400)) * time.Millisecond
		if rnd.IntN(2000) == 0 {
			step = time.Duration(rnd.IntN(90)) * time.Minute
		}
		at = at.Add(step)
		t := at.Add(-time.Duration(rnd.IntN(5000)) * time.Millisecond)
		if rnd.IntN(100) == 0 {
			t = at.Add(-time.Duration(rnd.IntN(3600)) * time.Second)
		}
		if i > 0 && rnd.IntN(50) == 0 {
			out = append(out, out[max(0, len(out)-1-rnd.IntN(60))])
			continue
		}
		incident := rnd.IntN(incidents)
		t = t.Add(-lags[incident])
		e := map[string]any{"id": fmt.Sprintf("e%d-%d", n, i), "time": t.Format(time.RFC3339Nano), "incident": fmt.Sprintf("inc-%d", incident), "account": fmt.Sprintf("u%d", int(math.Abs(rnd.NormFloat64())*float64(accounts)/3))}
		switch x := rnd.IntN(100); {
		case x < 70:
			e["type"] = "click"
		case x < 85:
			e["type"] = "view"
		case x < 95:
			e["type"], e["group"], e["members"] = "share", fmt.Sprintf("g%d", rnd.IntN(30)), rnd.IntN(500)
		case x < 97:
			e["type"] = "order"
		case x < 98:
			e["type"] = "canary"
		default:
			e["type"] = "other"
		}
		b, _ := json.Marshal(e)
		out = append(out, Event{Value: b, Millis: t.UnixMilli()})
	}
	return out
}
