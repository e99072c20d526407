package stream

import "container/heap"

// dueQueue is the subjects that may have a clear due, by that time. An entry
// whose subject's due has changed since is out of date and passed over.
type dueQueue []dueEntry

type dueEntry struct {
	due     int64 // ns
	subject *subject
}

// put notes the subject's due time, if it has one.
func (q *dueQueue) put(s *subject) {
	if s.due != never {
		heap.Push(q, dueEntry{s.due, s})
	}
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
