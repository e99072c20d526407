package fetch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

func TestEmptyPartition(t *testing.T) {
	w := newWorld(t, 1, 2, Options{})
	s := w.open(1, 0)
	for range 3 {
		set := w.next(s)
		recordstest.Equal(t, "records, next, end, start", fmt.Sprint(drain(t, set), set.Next, set.HighWatermark, set.LogStart), "[] 0 0 0")
	}
	w.produce(w.producer, 1, 0, 3, 1)
	recordstest.Equal(t, "records", w.values(s, 3), counted(0, 3))
	set := w.next(s)
	recordstest.Equal(t, "then", fmt.Sprint(drain(t, set), set.Next, set.HighWatermark), "[] 3 3")
}

func TestOutOfRange(t *testing.T) {
	w := newWorld(t, 1, 1, Options{})
	w.produce(w.producer, 0, 0, 20, 5)
	w.deleteBelow(0, 7)
	f := func(s Stream, offset int64) {
		t.Helper()
		for range 2 { // it stays
			set, err := s.Next(w.ctx())
			gone, ok := errors.AsType[*OutOfRange](err)
			if want := (OutOfRange{"events", 0, offset, 7, 20}); set != nil || !ok || *gone != want {
				t.Errorf("offset %d: set %v, error %v", offset, set, err)
			}
		}
	}
	s := w.open(0, 3)
	f(s, 3)
	s.SeekTo(7)
	set := w.next(s)
	recordstest.Equal(t, "start", set.LogStart, 7)
	got := append(drain(t, set), w.values(s, 20)...)
	recordstest.Equal(t, "records from the start", got, counted(7, 20))
	s.SeekTo(21)
	f(s, 21)
	f(w.open(0, 99), 99)
	s.SeekTo(20)
	recordstest.Equal(t, "at the end", drain(t, w.next(s)), []string{})
}

func TestSeek(t *testing.T) {
	const n, end = 500, 500
	w := newWorld(t, 1, 1, Options{PartitionBytes: 500, MaxWait: time.Millisecond})
	w.produce(w.producer, 0, 0, n, 7)
	s := w.open(0, 0)
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var rec records.Record
	at := int64(0)
	for range 500 {
		switch r.IntN(3) {
		case 0:
			at = r.Int64N(end + 1)
			s.SeekTo(at)
		case 1:
			if at < end-100 { // there is more to fetch ahead
				w.settled()
			}
		}
		set := w.next(s)
		for at < set.Next {
			if ok, err := set.Read(t.Context(), &rec); !ok || err != nil || rec.Offset != at || string(rec.Value) != fmt.Sprint(at) {
				t.Fatalf("offset %d, value %s at %d, error %v", rec.Offset, rec.Value, at, err)
			}
			at++
			if r.IntN(200) == 0 {
				at = r.Int64N(end + 1)
				s.SeekTo(at) // in the middle of a set
				break
			}
		}
	}
}

// TestLent checks that a set lent is not touched while others are fetched.
func TestLent(t *testing.T) {
	w := newWorld(t, 1, 1, Options{PartitionBytes: 100})
	w.produce(w.producer, 0, 0, 100, 10)
	s := w.open(0, 0)
	set := w.next(s)
	s.SeekTo(50)
	s.SeekTo(70)
	w.settled()
	recordstest.Equal(t, "after a seek", drain(t, set), counted(0, 10))
	s.SeekTo(20)
	set = w.next(s)
	s.Close()
	recordstest.Equal(t, "after a close", drain(t, set), counted(20, 30))
}

// settled waits until no stream can be asked for more and nothing is under way.
func (w *world) settled() {
	w.Helper()
	for ctx := w.ctx(); ; {
		busy := false
		w.client.mu.Lock()
		busy = len(w.client.homeless) > 0
		for _, f := range w.client.fetchers {
			for _, s := range f.streams {
				busy = busy || s.asked || s.room()
			}
		}
		w.client.mu.Unlock()
		if !busy {
			return
		}
		select {
		case <-ctx.Done():
			w.Fatal("streams do not settle")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestClose(t *testing.T) {
	w := newWorld(t, 1, 2, Options{})
	closed := func(what string, s Stream) {
		t.Helper()
		if _, err := s.Next(w.ctx()); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	s, other := w.client.Open("events", 0, 0), w.open(1, 0)
	waits := make(chan error)
	go func() {
		for {
			if _, err := s.Next(w.ctx()); err != nil {
				waits <- err
				return
			}
		}
	}()
	w.next(other)
	s.Close()
	if err := <-waits; !errors.Is(err, ErrClosed) {
		t.Errorf("while waiting: %v", err)
	}
	s.Close()
	closed("after", s)
	s.SeekTo(5)
	closed("after a seek", s)
	w.next(other)
	other.Close()
	w.client.retired(t)

	go func() {
		for {
			if _, err := w.client.Open("events", 0, 0).Next(w.ctx()); err != nil {
				waits <- err
				return
			}
		}
	}()
	w.client.Close()
	if err := <-waits; !errors.Is(err, ErrClosed) {
		t.Errorf("client closed: %v", err)
	}
	closed("client closed before", w.client.Open("events", 0, 0))
	w.client.Close()
}

// retired waits until fetchers without streams have ended.
func (c *Client) retired(t *testing.T) {
	t.Helper()
	for deadline := time.After(10 * time.Second); ; {
		c.mu.Lock()
		n := len(c.fetchers)
		c.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-deadline:
			t.Fatal("a fetcher without streams goes on")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestNextContext(t *testing.T) {
	w := newWorld(t, 1, 1, Options{MaxWait: time.Hour, Timeout: time.Hour})
	s := w.open(0, 0)
	ctx, cancel := context.WithCancel(w.ctx())
	go cancel()
	for {
		_, err := s.Next(ctx) // the first may come before that
		if errors.Is(err, context.Canceled) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
