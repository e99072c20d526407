package engine

import (
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// Subject is a subject in memory, with what deciding about it needs to know.
type Subject struct {
	*windows.Subject
	Kind thresholds.Kind
	ID   string
	// Due is a time before which no clear of this subject is dated, ns; Never if none of its rules
	// can clear. Adding only postpones a clear, so Due stays true until it is reached. It is
	// reached by the subject's own time, or by the stream's less the subject's delay.
	Due int64
	// fresh: every rule is looked at with its next event, not only those that
	// were fed, since limits may have changed since it was written.
	fresh bool
	// queued is its place in a replay's dueQueue, from 1; 0: it is not there.
	queued int
}

// NewSubject makes a subject of its counters.
func NewSubject(ws *windows.Subject, kind thresholds.Kind, id string) *Subject {
	s := new(Subject)
	s.Reset(ws, kind, id)
	return s
}

// Reset makes s the subject of these counters. When its first clear is due is worked
// out with its next event: that takes its parts, which may not be loaded yet.
func (s *Subject) Reset(ws *windows.Subject, kind thresholds.Kind, id string) {
	*s = Subject{Subject: ws, Kind: kind, ID: id, Due: Never, fresh: true}
	if ws.Announced() {
		s.Due = NoTime
	}
}

// Awaited is a time before which the stream's makes no clear of s due, ns; Never if it never does.
func (s *Subject) Awaited() int64 {
	if s.Due == Never {
		return Never
	}
	return s.Awaits(s.Due)
}
