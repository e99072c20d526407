package shard

import (
	"testing"
	"time"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestDue: when a batch is committed, and why.
func TestDue(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := Policy{MaxAge: time.Second, MaxEvents: 1_000, SubjectMax: 100, KeptMax: 500, EventKeys: 10}
	unbound := Policy{MaxAge: time.Second, KeptMax: 500, EventKeys: 10}
	const fences, most = 3, windowstore.MaxCommitKeys
	room := most - fences - boxes - p.EventKeys // for keys of subjects
	event := point{place: afterEvent}
	begun := func(age time.Duration, b batch) batch {
		b.fences, b.begun = fences, now.Add(-age)
		return b
	}
	for name, c := range map[string]struct {
		policy Policy
		batch  batch
		at     point
		want   reason
	}{
		"an event":                            {p, begun(time.Hour, batch{ops: 1, urgent: true, crossings: make([]announced, 1), conflict: true}), event, notDue},
		"nearly the most operations":          {p, begun(0, batch{ops: 999}), event, notDue},
		"the most operations":                 {p, begun(0, batch{ops: 1_000}), event, isFull},
		"any number of operations":            {unbound, begun(0, batch{ops: 1e6}), event, notDue},
		"nearly the most subjects":            {p, begun(0, batch{entries: make([]*Entry, 99)}), event, notDue},
		"the most subjects":                   {p, begun(0, batch{entries: make([]*Entry, 100)}), event, isFull},
		"any number of subjects":              {unbound, begun(0, batch{entries: make([]*Entry, 1_000)}), event, notDue},
		"one more event fits":                 {p, begun(0, batch{keys: room}), event, notDue},
		"one more event does not fit":         {p, begun(0, batch{keys: room + 1}), event, isFull},
		"crossings are keys":                  {p, begun(0, batch{keys: room, crossings: make([]announced, 1)}), event, isFull},
		"fences are keys":                     {p, batch{keys: room, fences: fences + 1}, event, isFull},
		"room for sets of others":             {p, begun(0, batch{keys: room - most/8, kept: 1}), event, notDue},
		"no room for sets of others":          {p, begun(0, batch{keys: room - most/8 + 1, kept: 1}), event, isFull},
		"nearly the most bytes":               {p, begun(0, batch{bytes: windowstore.MaxCommitBytes - 1}), event, notDue},
		"the most bytes":                      {p, begun(0, batch{bytes: windowstore.MaxCommitBytes}), event, isFull},
		"nearly the most kept":                {p, begun(0, batch{kept: 499}), event, notDue},
		"the most kept":                       {p, begun(0, batch{kept: 500}), event, isFull},
		"a chunk":                             {p, begun(time.Hour, batch{ops: 1_000, crossings: make([]announced, 1)}), point{place: afterChunk}, notDue},
		"a chunk with a pressing crossing":    {p, begun(0, batch{urgent: true}), point{place: afterChunk}, isPressing},
		"the last chunk":                      {p, begun(0, batch{}), point{place: afterChunk, ended: true}, notDue},
		"the last chunk, crossings wait":      {p, begun(0, batch{}), point{place: afterChunk, ended: true, deferred: true}, atEnd},
		"a chunk between, crossings wait":     {p, begun(0, batch{}), point{place: afterChunk, deferred: true}, notDue},
		"a sweep":                             {p, begun(time.Hour, batch{ops: 1_000, urgent: true}), point{place: afterSweep}, notDue},
		"a sweep with crossings":              {p, begun(0, batch{crossings: make([]announced, 1)}), point{place: afterSweep}, hasCrossings},
		"a turn":                              {p, begun(time.Second-1, batch{ops: 1_000, urgent: true}), point{place: afterTurn}, notDue},
		"a turn, old":                         {p, begun(time.Second, batch{}), point{place: afterTurn}, isOld},
		"a turn, nothing in the batch":        {p, batch{}, point{place: afterTurn}, notDue},
		"a look at the fences":                {p, begun(0, batch{}), point{place: afterVerify}, notDue},
		"a look at the fences, nothing there": {p, batch{}, point{place: afterVerify}, isIdle},
		"a read":                              {p, begun(time.Hour, batch{ops: 1_000, urgent: true}), point{place: afterRead}, notDue},
		"a read of what another wrote":        {p, begun(0, batch{conflict: true}), point{place: afterRead}, isStale},
	} {
		if got := c.policy.due(&c.batch, c.at, now); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// TestPressing: a crossing waits for its batch only if it is of a backlog, and not too many wait.
func TestPressing(t *testing.T) {
	p := Policy{MaxAge: time.Second}
	for _, c := range []struct {
		crossings int
		ended     bool
		lain      time.Duration
		want      bool
	}{
		{1, false, 0, true},
		{1, false, -time.Hour, true},
		{1, false, 10 * time.Second, true},
		{1, false, 10*time.Second + 1, false},
		{1, true, time.Hour, true},
		{DeferredMost - 1, false, time.Hour, false},
		{DeferredMost, false, time.Hour, true},
	} {
		if got := p.pressing(c.crossings, c.ended, c.lain); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}
