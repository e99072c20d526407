package outbox

import "slices"

// recentIDs is a bounded set of ids. The id whose last addition is the oldest goes first: an id
// that comes again is as new as its last record in the topic.
type recentIDs struct {
	most  int
	last  map[string]uint64 // the number under which an id was added last
	order []addition        // by number; those count no more whose id was added again
	added uint64
}

// addition is an id, and the number under which it was added.
type addition struct {
	id     string
	number uint64
}

func newRecentIDs(most int) recentIDs { return recentIDs{most: most, last: map[string]uint64{}} }

func (r *recentIDs) has(id string) bool {
	_, ok := r.last[id]
	return ok
}

func (r *recentIDs) add(id string) {
	r.added++
	r.last[id] = r.added
	r.order = append(r.order, addition{id, r.added})
	for len(r.last) > r.most {
		if oldest := r.order[0]; r.counts(oldest) {
			delete(r.last, oldest.id)
		}
		r.order = r.order[1:]
	}
	if len(r.order) > 2*r.most {
		r.order = slices.DeleteFunc(r.order, func(a addition) bool { return !r.counts(a) })
	}
}

// counts reports whether an addition is the last of its id.
func (r *recentIDs) counts(a addition) bool { return r.last[a.id] == a.number }
