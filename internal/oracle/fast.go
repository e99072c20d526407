package oracle

import (
	"math/big"
	"time"
)

// ledger counts as it goes, in maps: one tally for each counter of the subject.
type ledger struct{ tallies map[*counter]tally }

// tally is the state of one counter. Calls of add come with an oldest bucket that never falls.
type tally interface {
	add(ev *event, bucket, oldest int64)
	// value counts the buckets from oldest on, which is not below that of the last add.
	value(oldest int64) (value int64, atLeast bool)
}

func newLedger() *ledger { return &ledger{tallies: map[*counter]tally{}} }

// add gives ev to the counters that take it; all are asked before any adds.
func (l *ledger) add(ev *event, now time.Time, matched []*counter) {
	var taking []*counter
	for _, c := range matched {
		if !c.late(ev.time, now) && (c.after == nil || l.seen(c.after, ev.time, now)) {
			taking = append(taking, c)
		}
	}
	for _, c := range taking {
		if l.tallies[c] == nil {
			l.tallies[c] = newTally(c)
		}
		l.tallies[c].add(ev, c.bucket(ev.time), c.oldest(now))
	}
}

func (l *ledger) value(c *counter, at time.Time) (int64, bool) {
	if t := l.tallies[c]; t != nil {
		return t.value(c.oldest(at))
	}
	return 0, false
}

func (l *ledger) displaced() bool {
	for _, t := range l.tallies {
		if k, ok := t.(*keyTally); ok && k.displaced {
			return true
		}
	}
	return false
}

// seen reports whether an event no later than t is in the window of c at now.
func (l *ledger) seen(c *counter, t, now time.Time) bool {
	earliest, _ := l.tallies[c].(firstTally)
	for bucket, first := range earliest {
		if bucket >= c.oldest(now) && !first.After(t) {
			return true
		}
	}
	return false
}

func newTally(c *counter) tally {
	switch {
	case c.presence:
		return firstTally{}
	case c.measure.distinct:
		return &keyTally{c: c, members: map[string]member{}, buckets: map[int64]*keyBucket{}}
	default:
		return &sumTally{c: c, buckets: map[int64]int64{}}
	}
}

// firstTally keeps the earliest time of each bucket.
type firstTally map[int64]time.Time

func (f firstTally) add(ev *event, bucket, _ int64) {
	if first, ok := f[bucket]; !ok || ev.time.Before(first) {
		f[bucket] = ev.time
	}
}

func (f firstTally) value(int64) (int64, bool) { panic("BUG: a presence has no value") }

// sumTally keeps the sum of each bucket, and that of the window.
type sumTally struct {
	c             *counter
	buckets       map[int64]int64
	oldest, total int64
	cut           bool
	mark          int64 // newest bucket of an event that was cut
}

func (s *sumTally) add(ev *event, bucket, oldest int64) {
	if oldest != s.oldest {
		s.total, _ = s.value(oldest)
		s.oldest = oldest
		for b := range s.buckets {
			if b < oldest {
				delete(s.buckets, b)
			}
		}
	}
	n := s.c.measure.amount(ev)
	if room := mostSum - s.total; n > room {
		if !s.cut || bucket > s.mark {
			s.mark = bucket
		}
		n, s.cut = room, true
	}
	s.buckets[bucket] += n
	s.total += n
}

func (s *sumTally) value(oldest int64) (int64, bool) {
	atLeast := s.cut && s.mark >= oldest
	if oldest == s.oldest {
		return s.total, atLeast
	}
	var total int64
	for b, n := range s.buckets {
		if b >= oldest {
			total += n
		}
	}
	return total, atLeast
}

// keyTally keeps for each key its newest bucket, and for each bucket its keys' weight and the order in which they came.
type keyTally struct {
	c         *counter
	members   map[string]member
	buckets   map[int64]*keyBucket
	oldest    int64
	total     big.Int
	places    int
	displaced bool
	mark      int64 // newest bucket a key was displaced from
}

type member struct {
	bucket, weight int64
	place          int
}

type keyBucket struct {
	weight big.Int
	queue  []placement // in order; one whose key has another place by now is stale
}

type placement struct {
	key   string
	place int
}

func (k *keyTally) add(ev *event, bucket, oldest int64) {
	k.slide(oldest)
	key, weight := k.c.measure.key(ev)
	old, ok := k.members[key]
	switch {
	case ok && old.bucket >= bucket:
		k.reweigh(old.bucket, max(weight-old.weight, 0))
		old.weight = max(old.weight, weight)
		k.members[key] = old
		return
	case ok:
		k.reweigh(old.bucket, -old.weight)
		weight = max(weight, old.weight)
	case int64(len(k.members)) >= k.c.keys:
		k.displace()
	}
	k.put(key, bucket, weight)
}

func (k *keyTally) put(key string, bucket, weight int64) {
	k.places++
	k.members[key] = member{bucket, weight, k.places}
	if k.buckets[bucket] == nil {
		k.buckets[bucket] = &keyBucket{}
	}
	b := k.buckets[bucket]
	b.queue = append(b.queue, placement{key, k.places})
	k.reweigh(bucket, weight)
}

func (k *keyTally) reweigh(bucket, by int64) {
	b, n := k.buckets[bucket], big.NewInt(by)
	b.weight.Add(&b.weight, n)
	k.total.Add(&k.total, n)
}

// displace takes out the key that came first to the oldest bucket that has any.
func (k *keyTally) displace() {
	for {
		bucket := k.oldestBucket()
		b := k.buckets[bucket]
		if len(b.queue) == 0 {
			delete(k.buckets, bucket)
			continue
		}
		first := b.queue[0]
		b.queue = b.queue[1:]
		if m, ok := k.members[first.key]; ok && m.place == first.place {
			k.reweigh(bucket, -m.weight)
			delete(k.members, first.key)
			if !k.displaced || bucket > k.mark {
				k.mark = bucket
			}
			k.displaced = true
			return
		}
	}
}

func (k *keyTally) oldestBucket() int64 {
	oldest, any := int64(0), false
	for b := range k.buckets {
		if !any || b < oldest {
			oldest, any = b, true
		}
	}
	return oldest
}

// slide forgets the keys whose bucket has left the window.
func (k *keyTally) slide(oldest int64) {
	if oldest == k.oldest {
		return
	}
	k.oldest = oldest
	for bucket, b := range k.buckets {
		if bucket >= oldest {
			continue
		}
		for _, p := range b.queue {
			if k.members[p.key].place == p.place {
				delete(k.members, p.key)
			}
		}
		k.total.Sub(&k.total, &b.weight)
		delete(k.buckets, bucket)
	}
}

func (k *keyTally) value(oldest int64) (int64, bool) {
	atLeast := k.displaced && k.mark >= oldest
	if oldest == k.oldest {
		return cut(&k.total, atLeast)
	}
	var total big.Int
	for bucket, b := range k.buckets {
		if bucket >= oldest {
			total.Add(&total, &b.weight)
		}
	}
	return cut(&total, atLeast)
}
