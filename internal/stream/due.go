package stream

import "container/heap"

// dueQueue is the subjects that may have a clear due, by the stream's time at which it is. An entry
// that is not the one its subject knows of is out of date and passed over.
type dueQueue []dueEntry

type dueEntry struct {
	due     int64 // ns
	subject *subject
}

// put notes when the subject may have a clear due, unless it is to be looked at before that anyway.
func (q *dueQueue) put(s *subject) {
	if due := s.awaited(); due < s.queued {
		s.queued = due
		heap.Push(q, dueEntry{due, s})
	}
}

// take takes out a subject that may have a clear due by the stream's time; nil if there is none.
func (q *dueQueue) take(streamTime int64) *subject {
	for len(*q) > 0 && (*q)[0].due <= streamTime {
		e := heap.Pop(q).(dueEntry)
		if e.due == e.subject.queued {
			e.subject.queued = never
			return e.subject
		}
	}
	return nil
}

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].due < q[j].due }
func (q dueQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push and Pop serve container/heap.
func (q *dueQueue) Push(x any) { *q = append(*q, x.(dueEntry)) }

func (q *dueQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = dueEntry{}
	*q = old[:len(old)-1]
	return e
}
