package fetch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

// TestPlan checks what a fetcher asks for. A stream is described by letters:
//
//	b  there is more
//	a  answered just now
//	f  full (a set is ready)
//	e  an error waits for Next
func TestPlan(t *testing.T) {
	now := time.Unix(1000, 0)
	f := func(want string, streams ...string) {
		t.Helper()
		c := &Client{opts: Options{Transport: &kafka.Transport{}}, fetchers: map[int32]*fetcher{}}
		c.opts.setDefaults()
		fr := newFetcher(c, 1)
		for i, state := range streams {
			name, state, _ := strings.Cut(state, ":")
			s := newStream(c, name, i, 0)
			s.hasMore = strings.Contains(state, "b")
			if strings.Contains(state, "a") {
				s.answered = now.Add(-5 * time.Millisecond)
			}
			if strings.Contains(state, "f") {
				s.ready = &records.Set{}
			}
			if strings.Contains(state, "e") {
				s.err = ErrClosed
			}
			if strings.Contains(state, "=") {
				s.id = 0
			}
			fr.add(s)
		}
		x, wait := fr.plan(now)
		var got []string
		for _, p := range x.parts {
			got = append(got, p.topic)
		}
		result := fmt.Sprintf("%s %v/%d", strings.Join(got, ""), x.maxWait, x.minBytes)
		if len(x.parts) == 0 {
			result = fmt.Sprint("look again in ", wait)
		}
		recordstest.Equal(t, fmt.Sprint(streams), result, want)
		for i, p := range x.parts {
			if p.first != (i == 0) {
				t.Errorf("%v: part %d is first: %v", streams, i, p.first)
			}
		}
		for _, s := range fr.streams {
			if s.asked != slices.ContainsFunc(x.parts, func(p part) bool { return p.stream == s }) {
				t.Errorf("%v: asked %v of %s", streams, s.asked, s.topic)
			}
		}
	}
	const gather, once = " 20ms/1048576", " 0s/1"
	f("AB"+gather, "A:", "B:")
	f("AB"+gather, "A:a", "B:a")
	f("B"+gather, "A:f", "B:")
	f("B"+gather, "A:e", "B:")
	f("look again in 1h0m0s", "A:f")
	f("look again in 1h0m0s", "A:e", "B:be")
	f("A"+once, "A:b")
	f("AB"+once, "A:b", "B:")
	f("A"+once, "A:b", "B:a")
	f("B"+once, "A:bf", "B:") // A may have room any moment: nobody waits at the broker
	f("look again in 15ms", "A:bf", "B:a")
	f("look again in 1h0m0s", "A:bf", "B:f")
	f("AC"+gather, "A:=", "A:=", "C:")
}

// TestPlanTurns has two streams of one partition asked for in turns.
func TestPlanTurns(t *testing.T) {
	c := &Client{opts: Options{Transport: &kafka.Transport{}}, fetchers: map[int32]*fetcher{}}
	c.opts.setDefaults()
	f := newFetcher(c, 1)
	a, b := newStream(c, "t", 0, 100), newStream(c, "t", 0, 200)
	f.add(a)
	f.add(b)
	a.hasMore, b.hasMore = false, false
	for _, want := range []int64{100, 200, 100, 200} {
		x, _ := f.plan(time.Now())
		if len(x.parts) != 1 || x.parts[0].offset != want {
			t.Fatalf("asked for %v, want offset %d", x.parts, want)
		}
		x.parts[0].answered = true
		f.accept(x, time.Now())
	}
}

// TestPlanOrder: the stream that got records stands last.
func TestPlanOrder(t *testing.T) {
	c := &Client{opts: Options{Transport: &kafka.Transport{}}, fetchers: map[int32]*fetcher{}}
	c.opts.setDefaults()
	f := newFetcher(c, 1)
	for i := range 3 {
		f.add(newStream(c, "t", i, 0))
	}
	got := func(i int) string {
		x, _ := f.plan(time.Now())
		var order []int32
		for j := range x.parts {
			p := &x.parts[j]
			order = append(order, p.id)
			p.answered = true
			p.set.HighWatermark = 100
			if int(p.id) == i {
				p.set.Raw.Bytes = append(p.set.Raw.Bytes, batchOf(p.offset, 1)...)
				p.stream.waiting = true
			}
		}
		f.accept(x, time.Now())
		for _, s := range f.streams {
			s.giveBack()
			s.hasMore = false
		}
		return fmt.Sprint(order)
	}
	recordstest.Equal(t, "at first", got(0), "[0 1 2]")
	recordstest.Equal(t, "after 0", got(2), "[1 2 0]")
	recordstest.Equal(t, "after 2", got(1), "[1 0 2]")
	recordstest.Equal(t, "after 1", got(-1), "[0 2 1]")
}
