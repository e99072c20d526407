package tail

import "time"

// Filter says which crossings are asked for. Texts that are empty, and the zero time, leave none out.
type Filter struct {
	Rule, By, Subject, Status string
	Since                     time.Time // by Kafka timestamp
}

func (f *Filter) takes(c *Crossing) bool {
	return (f.Rule == "" || f.Rule == c.Rule) && (f.By == "" || f.By == c.By) && (f.Subject == "" || f.Subject == c.Subject) &&
		(f.Status == "" || f.Status == c.Status) && !time.UnixMilli(c.Timestamp).Before(f.Since)
}

// Page is some crossings, the newest first.
type Page struct {
	Crossings []*Crossing
	More      bool      // there are older ones
	From      time.Time // the Kafka timestamp of the oldest crossing that is kept; zero: none is
}

// Page returns the newest crossings that are older than a place; nil: the newest of all.
func (t *Tail) Page(f Filter, before *Place, limit int) (p Page) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := &t.list
	if len(l.kept) > 0 {
		p.From = time.UnixMilli(l.kept[0].Timestamp)
	}
	for i := len(l.kept) - 1; i >= 0; i-- {
		c := l.kept[i]
		if before != nil && c.Compare(*before) >= 0 || !f.takes(c) || l.repeat(c) {
			continue
		}
		if len(p.Crossings) == limit {
			p.More = true
			break
		}
		p.Crossings = append(p.Crossings, c)
	}
	return p
}

// Find is the crossing with an id; nil if none is kept.
func (t *Tail) Find(id string) *Crossing {
	t.mu.Lock()
	defer t.mu.Unlock()
	if same := t.list.byID[id]; len(same) > 0 {
		return same[0]
	}
	return nil
}

// Count is how many crossings of a status have a Kafka timestamp from a time on; false if what is kept does not reach back to it.
func (t *Tail) Count(status string, since time.Time) (n int, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ms := &t.list, since.UnixMilli()
	known = !l.older || len(l.kept) > 0 && l.kept[0].Timestamp < ms
	for i := len(l.kept) - 1; i >= 0 && l.kept[i].Timestamp >= ms; i-- {
		if l.kept[i].Status == status && !l.repeat(l.kept[i]) {
			n++
		}
	}
	return n, known
}
