package thresholds

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// The most events of an entry and of a test; a check of the largest takes some
// seconds.
const (
	maxTimes  = 1_000_000
	maxEvents = 10_000_000
)

// The range of times, in Unix seconds: what nanoseconds in 64 bits hold, by years.
var (
	firstTime = time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	lastTime  = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC).Unix() - 1
	testStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
)

// entryReader reads the events of a test.
type entryReader struct {
	*reader
	now int64 // the time of the next event, Unix nanoseconds
	off bool  // it left the range of times, which was noted
}

func newEntryReader(r *reader) *entryReader { return &entryReader{reader: r, now: testStart} }

// read reads the entries of a test.
func (r *entryReader) read(at strictyaml.Place, t *Test) {
	items, _ := r.List(at, "events, as [{type: click, incident: A, count: 50000}]")
	first := 1
	for _, item := range items {
		if r.Exhausted() {
			return
		}
		e := r.entry(item)
		if e.First = first; first+e.Times-1 > maxEvents {
			r.Fault(item, "with these the test has more than %d events; lower times, or let one event stand for several by count",
				maxEvents)
			return
		}
		first += e.Times
		t.Entries = append(t.Entries, e)
	}
}

var entryKeys = slices.Concat([]string{"times", "every", "id", "time", "type"}, stringFields, numberFields)

func (r *entryReader) entry(at strictyaml.Place) Entry {
	e := Entry{Line: at.Line, Column: at.Column, Times: 1, every: int64(time.Second)}
	f, ok := r.Fields(at, "an event, as {type: click, incident: A}", entryKeys...)
	if !ok {
		return e
	}
	r.Need(f, "type", "say which type of event this is, as type: click")
	for _, key := range entryKeys {
		if at, ok := f.Get(key); ok {
			r.member(at, key, &e)
		}
	}
	e.start = r.now
	r.advance(at, &e)
	return e
}

// member reads one key of an entry.
func (r *entryReader) member(at strictyaml.Place, key string, e *Entry) {
	switch {
	case key == "times":
		n, ok := r.whole(at, "a number of events", 1, maxTimes)
		if ok {
			e.Times = int(n)
		}
	case key == "every":
		seconds, _ := r.duration(at, "a time from event to event", 0)
		e.every = seconds * int64(time.Second) // maxWindow fits
	case key == "time":
		if t, ok := r.time(at); ok {
			r.now, r.off = t, false
		}
	case slices.Contains(numberFields, key):
		if n, ok := r.whole(at, "a number", 0, MaxValue); ok {
			e.members = append(e.members, member{name: key, value: fmt.Sprint(n), number: true})
		}
	default:
		r.textMember(at, key, e)
	}
}

func (r *entryReader) textMember(at strictyaml.Place, key string, e *Entry) {
	s, ok := r.text(at, `a text, as "a" or "a{n}"`, maxIDField)
	if !ok {
		return
	}
	if key == "id" && strings.HasPrefix(s, madeID) {
		r.Fault(at, "ids that begin with %s are made for events without one; write another", strictyaml.Quote(madeID))
		return
	}
	e.members = append(e.members, member{name: key, value: s})
}

var timeText = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$`)

// time reads a time of RFC 3339, quoted or not, in Unix nanoseconds.
func (r *entryReader) time(at strictyaml.Place) (int64, bool) {
	const example = "2026-01-01T00:00:00Z"
	if at.Type != strictyaml.Text && at.Type != strictyaml.Date {
		r.Fault(at, "this is %s; write a time as %s", r.Describe(at), example)
		return 0, false
	}
	t, err := time.Parse(time.RFC3339Nano, at.Value)
	if err != nil || !timeText.MatchString(at.Value) {
		r.Fault(at, "%s is not a time of RFC 3339; write it as %s", strictyaml.Quote(at.Value), example)
		return 0, false
	}
	if s := t.Unix(); s < firstTime || s > lastTime {
		r.Fault(at, "%s is out of range; times are from 1678 to 2261", at.Value)
		return 0, false
	}
	return t.UnixNano(), true
}

// advance moves the time past the events of e.
func (r *entryReader) advance(at strictyaml.Place, e *Entry) {
	seconds := e.every / int64(time.Second) * int64(e.Times)
	if r.off || seconds > lastTime-r.now/int64(time.Second) {
		if !r.off {
			r.Fault(at, "the times of these events leave the range of times, which ends with 2261; lower times or every")
		}
		r.off = true
		return
	}
	r.now += seconds * int64(time.Second)
}
