package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/subscribe"
)

// entryAt is a record of a window; without a crossing it is done at once.
func entryAt(offset int64, crossed bool) *entry {
	e := &entry{offset: offset, next: offset + 1, timestamp: 1000 + offset}
	if crossed {
		e.crossing = &crossing.Crossing{}
	}
	return e
}

// TestWindow: the base moves behind what is done without a gap, and what is done after it stands in the note.
func TestWindow(t *testing.T) {
	w := newWindow(10, note{done: map[int64]bool{}}, time.Now)
	f := func(base int64, done ...int64) {
		t.Helper()
		offset, text := w.progress()
		n := parseNote(text, offset)
		if offset != base || len(n.done) != len(done) {
			t.Fatalf("offset %d, done %v, want %d, %v", offset, n.done, base, done)
		}
		for _, d := range done {
			if !n.done[d] {
				t.Errorf("%d is not done: %v", d, n.done)
			}
		}
	}
	f(10)
	var list []*entry
	for i := range int64(6) {
		e := entryAt(10+i, i != 3)
		list = append(list, e)
		if !w.tryAdd(e) {
			t.Fatal("no room")
		}
	}
	f(10, 13)
	w.finish(list[1])
	w.finish(list[4])
	f(10, 11, 13, 14)
	if n, oldest := w.waiting(20); n != 4+3 || oldest != 1010 {
		t.Errorf("%d wait since %d", n, oldest)
	}
	w.finish(list[0])
	f(12, 13, 14)
	w.finish(list[2])
	f(15)
	w.finish(list[5])
	w.read(18) // marks of transactions
	f(18)
	if n, oldest := w.waiting(18); n != 0 || oldest != 0 {
		t.Errorf("%d wait since %d", n, oldest)
	}
}

// TestWindowGoesOn: what a note says is done is not done again, also if more is committed before it is read.
func TestWindowGoesOn(t *testing.T) {
	w := newWindow(10, note{done: map[int64]bool{12: true, 14: true}}, time.Now)
	a := entryAt(10, true)
	w.tryAdd(a)
	w.finish(a)
	offset, text := w.progress()
	if n := parseNote(text, offset); offset != 11 || len(n.done) != 2 || !n.done[12] || !n.done[14] {
		t.Errorf("%d, %v", offset, n.done)
	}
	for i := int64(11); i < 15; i++ {
		if e := entryAt(i, true); !w.tryAdd(e) || e.done != (i == 12 || i == 14) {
			t.Errorf("%d: done %v", i, e.done)
		}
	}
}

// TestWindowFull: reading waits at each bound, and goes on when something is done.
func TestWindowFull(t *testing.T) {
	f := func(what string, n int, next func(w *window, i int) *entry) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			w := newWindow(0, note{}, time.Now)
			var first *entry
			for i := range n {
				e := next(w, i)
				if first == nil {
					first = e
				}
				if !w.tryAdd(e) {
					t.Fatalf("%s: there is no room for %d", what, i)
				}
			}
			e := next(w, n)
			if w.tryAdd(e) {
				t.Fatalf("%s: there is room for more than %d", what, n)
			}
			added := make(chan bool)
			go func() { added <- w.add(context.Background(), e) }()
			synctest.Wait()
			w.finish(first)
			if !<-added {
				t.Errorf("%s: it is not to be done", what)
			}
		})
	}
	f("entries", windowEntries, func(_ *window, i int) *entry { return entryAt(int64(i), true) })
	f("bytes", 20, func(_ *window, i int) *entry {
		e := entryAt(int64(i), true)
		e.crossing.Record = make([]byte, windowBytes/20)
		return e
	})
	f("offsets", windowSpan, func(_ *window, i int) *entry { return entryAt(int64(i), i == 0 || i == windowSpan) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := newWindow(0, note{}, time.Now)
	for i := range windowEntries {
		w.tryAdd(entryAt(int64(i), true))
	}
	if w.add(ctx, entryAt(windowEntries, true)) {
		t.Error("a window that is full takes more when its time is over")
	}
}

// TestNote: the longest note fits beside an offset, and says all that it was made of.
func TestNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWindow(1_000_000, note{}, time.Now)
		for i := range int64(windowSpan) {
			if i < 40 {
				<-time.After(40 * time.Second)
				w.finish(func() *entry { e := entryAt(1_000_000+i, true); w.tryAdd(e); return e }())
				continue
			}
			w.tryAdd(entryAt(1_000_000+i, i == 40))
		}
		offset, text := w.progress()
		n := parseNote(text, offset)
		if len(text) > subscribe.MostNote || offset != 1_000_040 || len(n.done) != windowSpan-41 {
			t.Errorf("%d bytes; offset %d, %d done", len(text), offset, len(n.done))
		}
		now := time.Now()
		f := func(offset int64, before time.Duration) {
			t.Helper()
			got := n.sentBy(offset)
			if really := now.Add(-before); got.Before(really) || got.After(really.Add(2*time.Minute)) {
				t.Errorf("%d was sent by %v, want %v", offset, got, really)
			}
		}
		f(1_000_039, 0)
		f(1_000_038, 40*time.Second)
		f(1_000_030, 6*time.Minute)
		f(1_000_020, 12*time.Minute+40*time.Second)
		if at := n.sentBy(1_000_002); !at.IsZero() {
			t.Errorf("what was sent long ago was sent %v", at)
		}
	})
}

// TestForeignNote: what was written by somebody else says nothing.
func TestForeignNote(t *testing.T) {
	for _, text := range []string{"", "n2 d=AA", "aggregator begin=7", "n1 d=!! m=x", "n1 m=1@", "n1 d m", "n1 x=y", "\x00"} {
		if n := parseNote(text, 7); len(n.done) != 0 || len(n.marks) != 0 {
			t.Errorf("%q: %+v", text, n)
		}
	}
}

// TestWants: which crossings a sink is told of.
func TestWants(t *testing.T) {
	f := func(s Sink, text string, want bool) {
		t.Helper()
		c, err := crossing.Of([]byte(strings.Replace(`{"id":"x","status":"crossed","rule":"art3-clicks","by":"incident","subject":"x","level":0.8,"episode":1}`, "{", "{"+text, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.wants(c); got != want {
			t.Errorf("%v %d %s: %v", s.Rules, s.MinLevel, text, got)
		}
	}
	f(Sink{}, "", true)
	f(Sink{MinLevel: 8_000}, "", true)
	f(Sink{MinLevel: 8_001}, "", false)
	f(Sink{Rules: []string{"art3-*"}}, "", true)
	f(Sink{Rules: []string{"art4-*", "art3-clicks"}}, "", true)
	f(Sink{Rules: []string{"art3"}}, "", false)
	f(Sink{Rules: []string{"*"}}, `"shadow":true,`, false)
	clear, err := crossing.Of([]byte(`{"id":"x","status":"cleared","rule":"art3-clicks","by":"incident","subject":"x","level":0,"episode":1}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Sink{{MinLevel: 10_000}, {Rules: []string{"art3-*"}, MinLevel: 1}} {
		if !s.wants(clear) {
			t.Errorf("%+v does not want a clear", s)
		}
	}
	if (&Sink{Rules: []string{"art4-*"}}).wants(clear) {
		t.Error("a clear of another rule")
	}
	if CheckPattern("a[") == nil || CheckPattern("a*") != nil || Group("g", "s") != "g-notify-s" {
		t.Error("patterns, or the group's name")
	}
}

// TestPacer: one key that fails makes nobody wait; a sink that fails is asked once a second, and nobody asks while it wants to be alone.
func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(func(below time.Duration) time.Duration { return below - 1 })
		a, b, c := &lane{}, &lane{}, &lane{}
		began := time.Now()
		f := func(what string, want time.Duration) {
			t.Helper()
			if passed := time.Since(began).Round(time.Millisecond); passed != want {
				t.Errorf("%s: %v have passed, want %v", what, passed, want)
			}
		}
		try := func(l *lane, ok bool, alone time.Duration) {
			t.Helper()
			if err := p.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.leave(l, ok, alone)
		}
		try(a, false, 0)
		try(b, true, 0)
		try(a, false, 0)
		try(a, false, 0)
		f("one key fails", 0)
		try(b, false, 0)
		f("another one, too", 0)
		for range 12 {
			try(c, false, 0)
		}
		f("nothing is taken", 12*time.Second)
		recovered := p.recovered()
		try(c, true, 0)
		select {
		case <-recovered:
		default:
			t.Error("nobody is woken")
		}
		try(a, true, 0)
		f("it is back", 13*time.Second)
		try(a, false, time.Minute)
		try(b, true, 0)
		f("it wanted to be alone", 73*time.Second)

		// While it fails, one asks at a time.
		try(a, false, 0)
		if err := p.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := make(chan error)
		go func() { second <- p.enter(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-second:
			t.Errorf("two ask at once: %v", err)
		default:
		}
		p.leave(b, true, 0)
		if err := <-second; err != nil {
			t.Error(err)
		}
		p.leave(c, true, 0)
		ctx, cancel := context.WithCancel(t.Context())
		try(a, false, time.Hour)
		time.AfterFunc(time.Second, cancel)
		if err := p.enter(ctx); err == nil {
			t.Error("it may ask")
		}
		if len(p.slots) != 0 {
			t.Errorf("%d slots are taken", len(p.slots))
		}
	})
}

// TestOtherKeysGoOn: a crossing that a sink cannot digest holds up its own key alone.
func TestOtherKeysGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &topic{}
		for i := range 200 {
			log.add(0, record(fmt.Sprint(i%20), i/20+1, time.Now()))
		}
		sink := &poisoned{subject: "7"}
		w := testWorker(&Sink{Name: "s", Target: sink})
		w.jitter, w.pacer = retry.Random, newPacer(retry.Random)
		l := begin(w, log, make([]committed, 1))
		<-time.After(5 * time.Second)
		if sink.taken != 190 {
			t.Errorf("%d of the others are taken", sink.taken)
		}
		l.end()
		if c := l.stored[0]; c.offset != 7 || len(parseNote(c.note, c.offset).done) != 183 {
			t.Errorf("%+v", c)
		}
	})
}

// poisoned is a sink that fails for one subject.
type poisoned struct {
	flaky
	subject string
	taken   int
}

func (s *poisoned) Deliver(_ context.Context, c *crossing.Crossing) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Subject == s.subject {
		return fmt.Errorf("it chokes")
	}
	s.taken++
	return nil
}

// TestHourDown: a sink that is down for an hour gets about one request a second meanwhile, and everything within a minute and a half of coming back.
func TestHourDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &topic{}
		for i := range 5_000 {
			log.add(i%3, record(fmt.Sprint(i%300), i/300+1, time.Now()))
		}
		sink := &flaky{rng: rand.New(rand.NewPCG(1, 1)), slow: 10 * time.Millisecond, down: true}
		l := begin(testWorker(&Sink{Name: "s", Target: sink}), log, make([]committed, 3))
		<-time.After(time.Hour)
		sink.mu.Lock()
		if sink.asked > 2*3600 || sink.asked < 600 {
			t.Errorf("%d requests in an hour", sink.asked)
		}
		sink.down = false
		sink.mu.Unlock()
		<-time.After(90 * time.Second)
		if len(sink.taken) != 5_000 {
			t.Errorf("%d were taken", len(sink.taken))
		}
		l.end()
	})
}

// valueOf is the value of a gauge or a counter.
func valueOf(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	var x dto.Metric
	if err := m.Write(&x); err != nil {
		t.Fatal(err)
	}
	return x.GetGauge().GetValue() + x.GetCounter().GetValue()
}

// TestResent: what becomes of alerts that go on is seen, also once nothing new comes.
func TestResent(t *testing.T) {
	w := testWorker(&Sink{Name: "s", Target: &keeping{}})
	f := func(sent int, refused []error, err error, up, failed float64, standing string) {
		t.Helper()
		w.resent(7, sent, refused, err)
		if valueOf(t, w.metrics.up) != up || valueOf(t, w.metrics.failed) != failed || w.standing() != standing {
			t.Errorf("up %v, failed %v, %s", valueOf(t, w.metrics.up), valueOf(t, w.metrics.failed), w.standing())
		}
	}
	away := errors.New("it is away")
	f(7, nil, nil, 1, 0, "ok")
	f(0, nil, away, 0, 0, "does not take what it is sent again: it is away")
	f(0, nil, nil, 0, 0, "does not take what it is sent again: it is away") // nothing was to be sent
	f(1, nil, nil, 1, 0, "ok")
	f(3, []error{away}, away, 0, 1, "does not take what it is sent again: it is away")
	f(0, []error{away}, nil, 1, 2, "ok")
}
