package engine

import "container/heap"

// dueQueue is the subjects that may have a clear due, each once, by a stream's time before which it has none.
type dueQueue []dueEntry

type dueEntry struct {
	due     int64 // ns
	subject *Subject
}

// put notes when the subject may have a clear due. What stands for sooner may stand: it is looked at in vain then. A subject's
// delay changes with nearly each of its events.
func (q *dueQueue) put(s *Subject) {
	due := s.Awaited()
	switch at := s.queued - 1; {
	case at < 0 && due != Never:
		heap.Push(q, dueEntry{due, s})
	case at >= 0 && due < (*q)[at].due:
		(*q)[at].due = due
		heap.Fix(q, at)
	}
}

// take takes out a subject that may have a clear due by the stream's time; nil if there is none.
func (q *dueQueue) take(streamTime int64) *Subject {
	if len(*q) == 0 || (*q)[0].due > streamTime {
		return nil
	}
	return heap.Pop(q).(dueEntry).subject
}

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].due < q[j].due }

// Swap serves container/heap, as do Push and Pop.
func (q dueQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].subject.queued, q[j].subject.queued = i+1, j+1
}

func (q *dueQueue) Push(x any) {
	e := x.(dueEntry)
	*q = append(*q, e)
	e.subject.queued = len(*q)
}

func (q *dueQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = dueEntry{}
	*q = old[:len(old)-1]
	e.subject.queued = 0
	return e
}
