package fetch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

func TestEmptyPartition(t *testing.T) {
	w := newWorld(t, 1, 2, Options{})
	s := w.open(1, 0)
	for range 3 {
		set := w.next(s)
		equal(t, "records, next, end, start", fmt.Sprint(drain(t, set), set.Next, set.HighWatermark, set.LogStart), "[] 0 0 0")
	}
	w.produce(w.producer, 1, 0, 3, 1)
	equal(t, "records", w.values(s, 3), counted(0, 3))
	set := w.next(s)
	equal(t, "then", fmt.Sprint(drain(t, set), set.Next, set.HighWatermark), "[] 3 3")
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
	equal(t, "start", set.LogStart, 7)
	got := append(drain(t, set), w.values(s, 20)...)
	equal(t, "records from the start", got, counted(7, 20))
	s.SeekTo(21)
	f(s, 21)
	f(w.open(0, 99), 99)
	s.SeekTo(20)
	equal(t, "at the end", drain(t, w.next(s)), []string{})
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
	equal(t, "after a seek", drain(t, set), counted(0, 10))
	s.SeekTo(20)
	set = w.next(s)
	s.Close()
	equal(t, "after a close", drain(t, set), counted(20, 30))
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

var errTold = errors.New("for Next")

// newIdleStream makes a stream that nobody fetches for.
func newIdleStream(opts Options) *stream {
	opts.Transport = &kafka.Transport{}
	opts.setDefaults()
	return newStream(&Client{opts: opts, lost: retry.NewSignal()}, "t", 0, 100)
}

// waits begins a Next.
func (s *stream) waits(t *testing.T) {
	t.Helper()
	if set, err := s.take(); set != nil || err != nil {
		t.Fatal(set, err)
	}
}

// TestNextLate lends a set at the moment in which Next gives up.
func TestNextLate(t *testing.T) {
	s := newIdleStream(Options{})
	s.waits(t)
	p := s.ask(time.Now())
	p.answered = true
	s.accept(&p, time.Now())
	if set, err := s.leave(context.Canceled); set != p.set || err != nil {
		t.Errorf("%v, %v", set, err)
	}
	s.giveBack()
	if set, err := s.leave(context.Canceled); set != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", set, err)
	}
}

// TestNextError fetches records after Next has returned an error, and before it is called again.
// They are the next ones, not lent to a caller who no longer waits.
func TestNextError(t *testing.T) {
	for _, told := range []error{&OutOfRange{}, errTold} {
		s := newIdleStream(Options{})
		s.waits(t)
		s.report(told)
		if _, err := s.take(); err != told {
			t.Fatal(err)
		}
		s.SeekTo(100)
		p := s.ask(time.Now())
		p.answered = true
		p.set.Raw.Bytes = batchOf(100, 3)
		s.accept(&p, time.Now())
		set, err := s.Next(t.Context())
		if set != p.set || err != nil {
			t.Errorf("after %v: %v, %v", told, set, err)
		}
	}
}

// TestErrorAfter has an error come right after records, before Next could take these: they go
// first.
func TestErrorAfter(t *testing.T) {
	for _, waiting := range []bool{true, false} {
		s := newIdleStream(Options{})
		if waiting {
			s.waits(t)
		}
		p := s.ask(time.Now())
		p.answered = true
		p.set.Raw.Bytes = batchOf(100, 3)
		s.accept(&p, time.Now())
		s.report(errTold)
		if set, err := s.take(); set != p.set || err != nil {
			t.Errorf("waiting %v: %v, %v", waiting, set, err)
		}
		if set, err := s.Next(t.Context()); set != nil || err != errTold {
			t.Errorf("waiting %v, then: %v, %v", waiting, set, err)
		}
	}
}

// TestDeliver gives a stream one answer after the other: how many records, which end of the log,
// whether it was the first of its request. It checks whether the stream has more to read, and how
// much it asks for next.
func TestDeliver(t *testing.T) {
	s := newIdleStream(Options{PartitionBytes: 1000})
	f := func(records int, end int64, first, hasMore bool, limit int) {
		t.Helper()
		s.waits(t)
		p := s.ask(time.Now())
		p.answered, p.first = true, first
		p.set.HighWatermark = end
		if records > 0 {
			p.set.Raw.Bytes = append(p.set.Raw.Bytes, batchOf(p.offset, records)...)
		}
		if came := s.accept(&p, time.Now()); came != (records > 0) {
			t.Errorf("%d records: came %v", records, came)
		}
		if s.hasMore != hasMore || s.limit != limit {
			t.Errorf("%d records to %d, first %v: has more %v, limit %d", records, end, first, s.hasMore, s.limit)
		}
		s.giveBack()
	}
	f(10, 200, true, true, 1000)
	f(0, 200, false, true, 1000) // the others took it all: asked again at once, but not for more
	f(0, 200, true, true, 2000)  // asked again at once, or those who have nothing more would stand before it, and it would never be the first
	f(0, 200, true, true, 4000)
	f(0, 200, false, true, 4000)
	f(80, 200, true, true, 1000)
	f(10, 200, true, false, 1000)
	f(0, 200, true, false, 1000)
	s.limit = records.MaxBatch - 1
	f(0, 201, true, true, records.MaxBatch)
	f(0, 201, true, true, records.MaxBatch)
}

// TestNothingGiven: a broker may give nothing though its log has more, or say that it cannot. Once
// this has lasted it is returned as damage, and what comes afterwards is given.
func TestNothingGiven(t *testing.T) {
	for _, refused := range []error{nil, kafka.InvalidMessage} {
		s := newIdleStream(Options{Patience: time.Nanosecond})
		s.limit = records.MaxBatch
		p := s.ask(time.Now())
		p.answered, p.first, p.err = true, true, refused
		p.set.HighWatermark = 200
		if s.accept(&p, time.Now()) {
			t.Error("records came")
		}
		_, err := s.take()
		if bad, ok := errors.AsType[*records.Corrupt](err); !ok || bad.Offset != p.offset || bad.Topic != s.topic {
			t.Errorf("%v: %v", refused, err)
		}
		p = s.ask(time.Now())
		p.answered, p.first = true, true
		p.set.HighWatermark = 200
		p.set.Raw.Bytes = append(p.set.Raw.Bytes, batchOf(p.offset, 3)...)
		if !s.accept(&p, time.Now()) {
			t.Error("nothing came")
		}
		if set, err := s.take(); set == nil || err != nil {
			t.Errorf("%v: then %v", refused, err)
		}
	}
}

// TestBuffers keeps buffers up to twice PartitionBytes.
func TestBuffers(t *testing.T) {
	s := newIdleStream(Options{PartitionBytes: 1000})
	f := func(size, want int) {
		t.Helper()
		p := s.ask(time.Now())
		p.set.Raw.Bytes = make([]byte, size)
		s.accept(&p, time.Now())
		if got := cap(s.spare[1].Raw.Bytes); got != want {
			t.Errorf("%d bytes become %d", size, got)
		}
	}
	f(2000, 2000)
	f(2001, 0)
}

// TestLargeBatches reads batches of 30 KB by fetches of 1 KB from several partitions. A broker
// gives a whole one only to the first of a request.
func TestLargeBatches(t *testing.T) {
	const partitions, n = 4, 12
	w := newWorld(t, 1, partitions, Options{PartitionBytes: 1000})
	p := w.kgo(kgo.ProducerBatchCompression(kgo.NoCompression()))
	value := strings.Repeat("x", 10_000)
	for i := range partitions * n {
		var batch []*kgo.Record
		for range 3 {
			batch = append(batch, &kgo.Record{Topic: "events", Partition: int32(i % partitions), Value: []byte(value)})
		}
		if err := p.ProduceSync(w.ctx(), batch...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	each(partitions, func(p int) {
		s := w.open(p, 0)
		equal(t, "records", len(w.values(s, 3*n)), 3*n)
	})
}

// TestOnePartitionTwice reads a partition by two streams, at different places.
func TestOnePartitionTwice(t *testing.T) {
	w := newWorld(t, 1, 2, Options{PartitionBytes: 300})
	w.produce(w.producer, 0, 0, 300, 10)
	each(3, func(i int) {
		from := 100 * i
		s := w.open(0, int64(from))
		equal(t, fmt.Sprint("from ", from), w.values(s, 300), counted(from, 300))
		for range 3 { // they wait for news beside each other
			w.next(s)
		}
	})
}

// TestCorrupt lets the broker send a broken batch once, and then for good.
func TestCorrupt(t *testing.T) {
	w := newWorld(t, 1, 1, Options{MaxWait: time.Millisecond})
	w.produce(w.producer, 0, 0, 10, 5)
	broken := func(times int) {
		w.kafka.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
			if times--; times > 0 {
				w.kafka.KeepControl()
			}
			offset := req.(*kmsg.FetchRequest).Topics[0].Partitions[0].FetchOffset
			if offset > 5 {
				return nil, nil, false
			}
			good, bad := batchOf(0, 5), batchOf(5, 5)
			bad[len(bad)-3] ^= 1
			return w.answer(req, append(good, bad...)), nil, true
		})
	}
	broken(1)
	s := w.open(0, 2)
	read := func() (got string, err error) {
		var r records.Record
		for set := w.next(s); ; {
			ok, err := set.Read(t.Context(), &r)
			if !ok {
				return strings.TrimSpace(got), err
			}
			got += fmt.Sprint(r.Offset, " ")
		}
	}
	got, err := read()
	equal(t, "before the broken one", fmt.Sprint(got, ", ", err), "2 3 4, read events/0 at offset 5: crc of the batch of offset 5 does not match")
	got, err = read()
	equal(t, "again", fmt.Sprint(got, ", ", err), "5 6 7 8 9, <nil>")

	broken(1000)
	s.SeekTo(0)
	if got, err = read(); got != "0 1 2 3 4" || err == nil {
		t.Errorf("%s, %v", got, err)
	}
	for range 3 {
		if got, err = read(); got != "" || err == nil {
			t.Errorf("still broken: %s, %v", got, err)
		}
	}
	s.SeekTo(6) // past it is the caller's decision; the broker sends the truth from there
	if got, err = read(); got != "6 7 8 9" || err != nil {
		t.Errorf("past it: %s, %v", got, err)
	}
}

// answer makes a response to a Fetch of one partition.
func (w *world) answer(req kmsg.Request, raw []byte) kmsg.Response {
	res := req.ResponseKind().(*kmsg.FetchResponse)
	p := kmsg.NewFetchResponseTopicPartition()
	p.HighWatermark, p.LastStableOffset, p.RecordBatches = 10, 10, raw
	res.Topics = append(res.Topics, kmsg.FetchResponseTopic{Topic: "events", Partitions: []kmsg.FetchResponseTopicPartition{p}})
	return res
}

// TestThrottle answers as a broker does to a client over its quota: nothing of
// any partition.
func TestThrottle(t *testing.T) {
	w := newWorld(t, 1, 1, Options{})
	w.produce(w.producer, 0, 0, 10, 5)
	w.kafka.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		res := req.ResponseKind().(*kmsg.FetchResponse)
		res.ThrottleMillis = 30
		return res, nil, true
	})
	begin := time.Now()
	equal(t, "records", w.values(w.open(0, 0), 10), counted(0, 10))
	if d := time.Since(begin); d < 30*time.Millisecond {
		t.Errorf("asked again after %v", d)
	}
}

// TestBacklog reads a backlog in many pieces beside partitions without records, of
// a broker that would wait an hour for them.
func TestBacklog(t *testing.T) {
	const n = 2000
	w := newWorld(t, 1, 4, Options{PartitionBytes: 300, MaxWait: time.Hour, Timeout: time.Hour})
	w.produce(w.producer, 2, 0, n, 10)
	s := w.open(2, 0) // first, or the others' hour might have begun
	for _, p := range []int{0, 1, 3} {
		w.open(p, 0)
	}
	equal(t, "records", w.values(s, n), counted(0, n))
}
