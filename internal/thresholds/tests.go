package thresholds

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Test is a case of a pack's tests: events, and the crossings that they must
// give, all of them and in order.
type Test struct {
	Name      string
	File      string // of the pack
	Line      int    // of the test, from 1
	Column    int    // of the test, from 1
	Entries   []Entry
	Crossings []Expected
}

// Entry is an item of a test's events: one event, or several that differ in
// their number.
type Entry struct {
	Line, Column int // in Test.File, from 1
	First        int // ordinal of its first event in the test, from 1
	Times        int // how many events it makes

	start   int64 // Unix nanoseconds: the time of its first event
	every   int64 // nanoseconds from one of its events to the next
	members []member
}

// member is a field of an event; "{n}" in a text stands for the event's number
// in its entry.
type member struct {
	name, value string
	number      bool
}

// Expected is a crossing that a test expects.
type Expected struct {
	Line, Column int // in Test.File, from 1

	Rule    string
	Subject string // the bare id
	Level   Level  // 0: a clear
	At      int    // ordinal of the event that crosses, or makes the clear due; from 1
}

// Len is how many events the test has.
func (t *Test) Len() int {
	if len(t.Entries) == 0 {
		return 0
	}
	last := t.Entries[len(t.Entries)-1]
	return last.First + last.Times - 1
}

// EntryOf is the entry that the event of ordinal at (1 to Len) was made by.
func (t *Test) EntryOf(at int) *Entry {
	i, found := slices.BinarySearchFunc(t.Entries, at, func(e Entry, at int) int { return e.First - at })
	if !found {
		i-- // the entry begins before at
	}
	return &t.Entries[i]
}

// Events yields the test's events in order, each as one JSON object in the plain
// form of an event, with its ordinal from 1. Ids and times are filled in; what
// the fields hold was not checked beyond being text or number. The bytes are
// valid until yield returns.
func (t *Test) Events(yield func(at int, json []byte) bool) {
	var json []byte
	for _, e := range t.Entries {
		for n := 1; n <= e.Times; n++ {
			at := e.First + n - 1
			json = e.appendJSON(json[:0], n, at)
			if !yield(at, json) {
				return
			}
		}
	}
}

// madeID begins the ids of events that were given none. Packs may not use it.
const madeID = "made-"

// appendJSON appends the n-th event of the entry, the at-th of the test.
func (e *Entry) appendJSON(dst []byte, n, at int) []byte {
	dst = append(dst, `{"time":`...)
	dst = appendTime(dst, e.start+int64(n-1)*e.every, time.RFC3339Nano)
	given := false
	for _, m := range e.members {
		given = given || m.name == "id"
		if m.number {
			dst = fmt.Appendf(dst, `,"%s":%s`, m.name, m.value)
			continue
		}
		dst = appendMember(dst, m.name, strings.ReplaceAll(m.value, "{n}", strconv.Itoa(n)))
	}
	if !given {
		dst = appendMember(dst, "id", madeID+strconv.Itoa(at))
	}
	return append(dst, '}')
}
