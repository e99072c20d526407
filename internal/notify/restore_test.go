package notify

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// keeping is a target that notes what it is given.
type keeping struct {
	mu       sync.Mutex
	restored []string
	taken    []string
	forgot   int
}

func (k *keeping) Deliver(_ context.Context, c *crossing.Crossing) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.taken = append(k.taken, c.Subject)
	return nil
}

func (k *keeping) Reach(context.Context) error { return nil }

func (k *keeping) Lookback() time.Duration { return time.Hour }

func (k *keeping) Restore(c *crossing.Crossing, sent time.Time) {
	ago := "long ago"
	if !sent.IsZero() {
		ago = time.Since(sent).Round(time.Minute).String() + " ago"
	}
	k.restored = append(k.restored, fmt.Sprintf("%s %s", c.Subject, ago))
}

func (k *keeping) Forget(int) { k.forgot++ }

func (k *keeping) Run(context.Context, func(kept, sent int, refused []error, err error)) {}

// TestRestored: a target that goes on telling is given what was taken before, as far back as it wants, and what came late and was first sent
// within a quarter of an hour. Then it gets what is new.
func TestRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		log := &topic{}
		add := func(subject string, ago time.Duration) { log.add(0, record(subject, 1, now.Add(-ago))) }
		add("old", 3*time.Hour)
		add("late", 2*time.Hour)
		add("x", 59*time.Minute)
		add("y", time.Minute)
		add("open", time.Minute)
		add("beyond", time.Minute)
		add("new", 0)
		f := func(text string, want string) {
			t.Helper()
			k := &keeping{}
			l := begin(testWorker(&Sink{Name: "s", Target: k}), log, []committed{{4, text}})
			<-time.After(time.Second)
			l.end()
			if got := strings.Join(k.restored, ", "); got != want {
				t.Errorf("%q: restored %q, want %q", text, got, want)
			}
			if len(k.taken) != 3-strings.Count(want, "beyond") || k.forgot != 1 {
				t.Errorf("%q: taken %q, forgot %d", text, k.taken, k.forgot)
			}
		}
		f("", "") // who begins in the middle has told nothing of what is before
		f("n1", "")
		n := note{began: 3}
		f(n.encode(4), "y long ago")
		n = note{began: 1, done: map[int64]bool{5: true}, marks: []mark{{1, now.Add(-20 * time.Minute)}, {3, now.Add(-10 * time.Minute)}, {4, now.Add(-5 * time.Minute)}}}
		f(n.encode(4), "late 10m0s ago, x 10m0s ago, y 5m0s ago, beyond 0s ago")
		n.began = 0
		n.marks = []mark{{1, now.Add(-5 * time.Hour)}, {4, now.Add(-4 * time.Hour)}}
		f(n.encode(4), "x 4h0m0s ago, y 4h0m0s ago, beyond 0s ago")
	})
}

// TestBegan: where a sink began is known for as long as it is one, and in a topic that was made anew it is the start of that.
func TestBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &topic{}
		for i := range 30 {
			log.add(0, record(fmt.Sprint(i), 1, time.Now()))
		}
		stored := []committed{{20, ""}}
		f := func(restored, taken int, began int64) {
			t.Helper()
			k := &keeping{}
			l := begin(testWorker(&Sink{Name: "s", Target: k}), log, stored)
			<-time.After(time.Second)
			l.end()
			if n := parseNote(stored[0].note, stored[0].offset); len(k.restored) != restored || len(k.taken) != taken || n.began != began {
				t.Errorf("restored %q, taken %q, began at %d", k.restored, k.taken, n.began)
			}
		}
		f(0, 10, 20)
		f(10, 0, 20)
		log.add(0, record("more", 1, time.Now()))
		f(10, 1, 20)
		log.partitions[0] = log.partitions[0][:5] // made anew
		f(0, 5, 0)
		log.add(0, record("more", 1, time.Now()))
		f(5, 1, 0)
	})
}

// holed is a log whose beginning was deleted.
type holed struct {
	*topic
	start int64
}

func (l holed) Open(name string, partition int, offset int64) fetch.Reader {
	return &holedReader{l.topic.Open(name, partition, offset).(*topicReader), l.start}
}

type holedReader struct {
	*topicReader
	start int64
}

func (r *holedReader) Next(ctx context.Context) (fetch.RecordSet, error) {
	if r.at < r.start {
		return nil, &fetch.OutOfRange{Offset: r.at, Start: r.start, End: int64(len(r.log.partitions[r.partition]))}
	}
	return r.topicReader.Next(ctx)
}

// TestHole: where crossings were deleted before they were delivered, a sink goes on with what is there. The same holds for a topic that was made anew,
// whose log is shorter than what was committed.
func TestHole(t *testing.T) {
	f := func(from, start int64, want int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			log := &topic{}
			for i := range 10 {
				log.add(0, record(fmt.Sprint(i), 1, time.Now()))
			}
			k := &keeping{}
			w := testWorker(&Sink{Name: "s", Target: k})
			ctx, stop := context.WithCancel(t.Context())
			l := &life{stop: stop, stored: make([]committed, 1)}
			p := partitionOf(holed{log, start}, from)
			l.feeds = append(l.feeds, p)
			l.running.Go(func() { w.Read(ctx, p) })
			<-time.After(time.Minute)
			l.end()
			if len(k.taken) != want || l.stored[0].offset != 10 {
				t.Errorf("from %d of [%d, 10): %q, ends at %d", from, start, k.taken, l.stored[0].offset)
			}
		})
	}
	f(0, 0, 10)
	f(2, 5, 5)
	f(20, 0, 10)
	f(20, 5, 5)
}
