package tail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// crossing is a record of a crossing with an id.
func crossing(offset, ms int64, id string) records.Record {
	return records.Record{Offset: offset, Timestamp: ms, Value: []byte(`{"id":"` + id + `","rule":"r","by":"incident","subject":"A","status":"crossed"}`)}
}

// shown are the ids of all that a tail shows, the newest first.
func shown(t *Tail) string {
	var ids []string
	for _, c := range t.Page(Filter{}, nil, 1<<20).Crossings {
		ids = append(ids, c.ID)
	}
	return strings.Join(ids, " ")
}

func TestParse(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		c, ok := parse(3, &records.Record{Offset: 7, Timestamp: 9, Value: []byte(value)})
		got := ""
		if ok {
			got = fmt.Sprintf("%s %s %s/%s %s %d/%d@%d: %s", c.ID, c.Rule, c.By, c.Subject, c.Status, c.Partition, c.Offset, c.Timestamp, c.Record)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
	}
	record := `{"id":"x","rule":"r","by":"incident","subject":"A","status":"crossed"}`
	f(record, "x r incident/A crossed 3/7@9: "+record)
	f(" "+record+"\n", "x r incident/A crossed 3/7@9: "+record)
	f(`{"specversion":"1.0","id":"other","data":`+record+`}`, "x r incident/A crossed 3/7@9: "+record)
	for _, no := range []string{
		"", "x", "[]", "{}", `{"id":"x"}`, `{"status":"crossed"}`, `{"id":1,"status":"crossed"}`, record + record,
		`{"specversion":"1.0"}`, `{"id":"x","status":"crossed","topic":"t"}`, `{"id":"x","status":"crossed","offset":null,"partition":1}`,
	} {
		f(no, "")
	}
	if _, ok := parse(0, &records.Record{Value: []byte(record), Fault: &records.Fault{}}); ok {
		t.Error("a record that is not here as it was written")
	}
}

// TestOrder: whatever comes first, the list is by timestamp, partition, offset, a repeat is left out, and the oldest go.
func TestOrder(t *testing.T) {
	type place struct {
		partition int
		record    records.Record
	}
	var all []place
	for i := range 40 {
		all = append(all, place{i % 4, crossing(int64(i/4), int64(100+i/8), fmt.Sprint("c", i%30))})
	}
	want := ""
	for seed := range 20 {
		rand.New(rand.NewPCG(uint64(seed), 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		x := New(Options{Topic: "t", Most: 25})
		for _, p := range all {
			x.Took(p.partition, p.record)
		}
		if want == "" {
			want = shown(x)
		}
		if got := shown(x); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	if n := len(strings.Fields(want)); n < 15 || n > 25 {
		t.Errorf("%d are shown: %s", n, want)
	}
}

func TestRepeats(t *testing.T) {
	x := New(Options{Topic: "t", Most: 3})
	x.Took(0, crossing(0, 10, "a"), crossing(1, 20, "a"), crossing(2, 30, "b"))
	if got := shown(x); got != "b a" || x.Find("a").Offset != 0 {
		t.Errorf("got %s, the first at %d", got, x.Find("a").Offset)
	}
	x.Took(0, crossing(3, 40, "c")) // the first one goes: its repeat is the first now, as for a process that starts now
	if got := shown(x); got != "c b a" || x.Find("a").Offset != 1 {
		t.Errorf("got %s", got)
	}
	x.Took(0, crossing(4, 50, "d"))
	if got := shown(x); got != "d c b" || x.Find("a") != nil {
		t.Errorf("got %s", got)
	}
}

func TestBytes(t *testing.T) {
	x := New(Options{Topic: "t"})
	x.list.mostBytes = 5_000
	long := strings.Repeat("x", 1_500)
	for i := range 10 {
		x.Took(0, crossing(int64(i), int64(i), fmt.Sprint(i, long)))
	}
	if n := len(x.list.kept); n < 1 || n > 3 || x.list.bytes > 5_000 {
		t.Errorf("%d are kept, %d bytes", n, x.list.bytes)
	}
	x.Took(0, crossing(10, 10, strings.Repeat("y", 6_000)))
	if n := len(x.list.kept); n != 1 {
		t.Errorf("%d are kept: one is, however large", n)
	}
}

func TestCount(t *testing.T) {
	x := New(Options{Topic: "t", Most: 3})
	f := func(ms int64, want int, known bool) {
		t.Helper()
		if n, k := x.Count("crossed", time.UnixMilli(ms)); n != want || k != known {
			t.Errorf("since %d: got %d, %v, want %d, %v", ms, n, k, want, known)
		}
	}
	f(0, 0, true)
	x.Took(0, crossing(0, 10, "a"), crossing(1, 20, "b"), crossing(2, 30, "b"))
	f(0, 2, true)
	f(20, 1, true)
	x.Took(0, crossing(3, 40, "c"), crossing(4, 50, "d"))
	f(0, 3, false)
	f(30, 3, false) // one at 30 may be gone
	f(31, 2, true)
}

func TestPositions(t *testing.T) {
	f := func(text string, p Positions) {
		t.Helper()
		got, err := ParsePositions(text)
		if err != nil || got.String() != text || fmt.Sprint(got) != fmt.Sprint(p) {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	f("", Positions{})
	f("0:18,3:5", Positions{0: 18, 3: 5})
	f("2147483647:9223372036854775807", Positions{1<<31 - 1: 1<<63 - 1})
}

// followed follows where nothing is to be waited for.
func (t *Tail) followed(test *testing.T, from Positions) *Follower {
	test.Helper()
	f, err := t.Follow(test.Context(), from)
	if err != nil {
		test.Fatal(err)
	}
	return f
}

// TestBehind: where another process has read more, a reader waits until as much is read here, and has nothing twice.
func TestBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{partitions: [][]records.Record{make([]records.Record, 3), make([]records.Record, 1)}, more: make(chan struct{})}
		x := New(Options{Source: l, Topic: "t", Log: slog.New(slog.DiscardHandler)})
		x.Took(0, crossing(0, 10, "a"), crossing(1, 20, "b"))
		follow := func(from Positions) (f *Follower, took time.Duration, err error) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			f, err = x.Follow(ctx, from)
			return f, time.Since(began), err
		}
		later := func(partition int, r records.Record) {
			go func() {
				retry.Wait(t.Context(), time.Second)
				x.Took(partition, r)
			}()
		}
		later(0, crossing(2, 30, "c"))
		f, took, err := follow(Positions{0: 3})
		if err != nil || f.Gap() || took < time.Second || took > 2*time.Second {
			t.Fatalf("ahead: %+v, %v after %v", f, err, took)
		}
		if list, _ := f.Next(9); len(list) != 0 {
			t.Errorf("%s comes twice", list[0].ID)
		}
		later(1, crossing(0, 40, "d")) // a partition that another process has seen before
		if f, took, err = follow(Positions{0: 3, 1: 1}); err != nil || f.Gap() || took < time.Second {
			t.Errorf("a new partition: %+v, %v after %v", f, err, took)
		}
		for _, from := range []Positions{{0: 4}, {0: 3, 2: 1}} { // of another topic
			if f, took, err = follow(from); err != nil || !f.Gap() || took > 0 {
				t.Errorf("%v: %+v, %v after %v", from, f, err, took)
			}
		}
		l.partitions[0] = make([]records.Record, 5)
		if _, took, err = follow(Positions{0: 5}); !errors.Is(err, errBehind) || took != time.Minute {
			t.Errorf("it is not read: %v after %v", err, took)
		}
		l.down = true
		if _, _, err = follow(Positions{0: 5}); !errors.Is(err, errDown) {
			t.Errorf("Kafka is away: %v", err)
		}
	})
}

// TestOffsets: a partition is followed in the order of its offsets, though its timestamps are not.
func TestOffsets(t *testing.T) {
	x := New(Options{Topic: "t"})
	x.Took(0, crossing(0, 50, "a"), crossing(1, 10, "b"), crossing(2, 60, "d"))
	x.Took(1, crossing(0, 55, "c"))
	f := x.followed(t, Positions{})
	var got []string
	for {
		list, ok := f.Next(1)
		if !ok || len(list) == 0 {
			break
		}
		f.Read(list[0])
		got = append(got, list[0].ID+" "+f.At().String())
	}
	if all := strings.Join(got, "; "); all != "a 0:1; b 0:2; c 0:2,1:1; d 0:3,1:1" {
		t.Errorf("got %s", all)
	}
}

// TestSlow: who reads slowly holds up nobody, and is told that it missed some.
func TestSlow(t *testing.T) {
	x := New(Options{Topic: "t", Most: 10})
	x.Took(0)
	slow, fast := x.followed(t, nil), x.followed(t, nil)
	for i := range 25 {
		x.Took(0, crossing(int64(i), int64(i), fmt.Sprint(i)))
		if list, ok := fast.Next(5); !ok || len(list) != 1 || list[0].Offset != int64(i) {
			t.Fatalf("got %v, %v", list, ok)
		}
	}
	if _, ok := slow.Next(5); ok {
		t.Error("nothing is missed")
	}
	if n := len(x.came); n > 10 {
		t.Errorf("%d are kept for those who read", n)
	}
}

// log is a topic in memory, that can be down.
type log struct {
	mu         sync.Mutex
	partitions [][]records.Record
	start      int64
	down       bool
	more       chan struct{}
}

var errDown = errors.New("broker is down")

func (l *log) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	close(l.more)
	l.more = make(chan struct{})
}

func (l *log) Partitions(context.Context, string) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return 0, errDown
	}
	return len(l.partitions), nil
}

func (l *log) Offsets(_ context.Context, _ string, p int) (start, end int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return 0, 0, errDown
	}
	return l.start, int64(len(l.partitions[p])), nil
}

func (l *log) OffsetAt(context.Context, string, int, int64) (int64, error) { return 0, errDown }

func (l *log) Open(_ string, p int, at int64) fetch.Reader { return &reader{l: l, p: p, at: at} }

type reader struct {
	l    *log
	p    int
	at   int64
	read []records.Record
	end  int64
}

func (r *reader) Next(ctx context.Context) (fetch.RecordSet, error) {
	r.l.mu.Lock()
	all, down, more, start := r.l.partitions[r.p], r.l.down, r.l.more, r.l.start
	r.l.mu.Unlock()
	r.end = int64(len(all))
	switch {
	case down:
		return nil, errDown
	case r.at > r.end || r.at < start:
		return nil, &fetch.OutOfRange{Offset: r.at, Start: start, End: r.end}
	case r.at == r.end:
		select {
		case <-more:
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	r.read = all[r.at:]
	return r, nil
}

func (r *reader) Read(_ context.Context, into *records.Record) (bool, error) {
	if len(r.read) == 0 {
		return false, nil
	}
	*into = r.read[0]
	into.Offset, r.read = r.at, r.read[1:]
	r.at++
	return true, nil
}

func (r *reader) Span() (next, end int64) { return r.at, r.end }
func (r *reader) SeekTo(at int64)         { r.at = at }
func (r *reader) Close()                  {}

// TestRun: the end of the topic is read, and followed, also over an outage, a new partition, and a topic that is made anew.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{partitions: [][]records.Record{nil, {}}, more: make(chan struct{})}
		for i := range 20 {
			l.partitions[0] = append(l.partitions[0], crossing(0, int64(i), fmt.Sprint("a", i)))
		}
		x := New(Options{Source: l, Topic: "t", Most: 3, Log: slog.New(slog.DiscardHandler)})
		if err := x.Current(); !errors.Is(err, errNotRead) {
			t.Errorf("before the start: %v", err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { x.Run(ctx) })
		want := func(ids string) {
			t.Helper()
			synctest.Wait()
			if got := shown(x); got != ids || x.Current() != nil {
				t.Errorf("got %s, %v, want %s", got, x.Current(), ids)
			}
		}
		want("a19 a18 a17")
		l.change(func() { l.partitions[1] = append(l.partitions[1], crossing(0, 100, "b0")) })
		want("b0 a19 a18")

		l.change(func() { l.down = true })
		retry.Wait(t.Context(), patience+2*time.Second)
		if err := x.Current(); !errors.Is(err, errSilent) || !errors.Is(err, errDown) {
			t.Errorf("while Kafka is away: %v", err)
		}
		l.change(func() {
			l.down = false
			l.partitions[1] = append(l.partitions[1], crossing(0, 101, "b1"))
			l.partitions = append(l.partitions, []records.Record{crossing(0, 102, "c0")})
		})
		follower := x.followed(t, nil)
		retry.Wait(t.Context(), partitionsEvery+3*time.Second)
		want("c0 b1 b0")
		if list, ok := follower.Next(9); !ok || len(list) != 2 {
			t.Errorf("a new partition: %v, %v", list, ok)
		}

		l.change(func() { l.partitions[1] = l.partitions[1][:1:1] }) // made anew, and shorter
		retry.Wait(t.Context(), 5*time.Second)
		want("c0 b0")
		l.change(func() { l.start = 1 }) // its begin is deleted
		retry.Wait(t.Context(), 2*startEvery)
		want("")
		stop()
		running.Wait()
	})
}
