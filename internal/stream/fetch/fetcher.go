package fetch

import (
	"context"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// fetcher asks one broker for the partitions it leads, by one goroutine, which lives as long as it
// has streams.
//
// It lets the broker gather records for MaxWait only when no stream has more to read. While some
// stream has more to read than it was given, the fetcher asks for such streams as soon as they have
// room, and without waiting. It asks for the others every MaxWait. So idle partitions do not hold
// up a backlog, and busy partitions are not given crumbs while another one catches up.
type fetcher struct {
	c    *Client
	id   int32        // broker
	work retry.Signal // a stream came, went, or has room

	streams []*stream // guarded by c.mu; who got records last stands last
	calls   int32
}

type partition struct {
	topic string
	id    int32
}

func newFetcher(c *Client, id int32) *fetcher {
	return &fetcher{c: c, id: id, work: retry.NewSignal()}
}

// add takes a stream on. Under c.mu.
func (f *fetcher) add(s *stream) {
	s.fetcher = f
	f.streams = append(f.streams, s)
	f.work.Raise()
}

// remove lets a stream go. Under c.mu.
func (f *fetcher) remove(s *stream) {
	s.fetcher = nil
	f.streams = slices.DeleteFunc(f.streams, func(x *stream) bool { return x == s })
	f.work.Raise()
}

// run fetches until there are no streams left, or ctx ends.
func (f *fetcher) run(ctx context.Context) {
	for ctx.Err() == nil && !f.retire() {
		x, wait := f.plan(time.Now())
		if len(x.parts) == 0 {
			f.work.Wait(ctx, wait)
			continue
		}
		f.exchange(ctx, x)
	}
}

// retire takes a fetcher without streams out of the client's map.
func (f *fetcher) retire() bool {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if len(f.streams) > 0 {
		return false
	}
	delete(f.c.fetchers, f.id)
	return true
}

// plan makes the next exchange. If it has no parts, wait is how long until
// another look is due.
func (f *fetcher) plan(now time.Time) (x *exchange, wait time.Duration) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	o := &f.c.opts
	x = f.newExchange()
	hasMore := slices.ContainsFunc(f.streams, func(s *stream) bool { return s.hasMore && s.err == nil })
	if hasMore {
		x.maxWait, x.minBytes = 0, 1
	}
	wait = time.Hour
	at := make(map[partition]int, len(f.streams))
	for i, s := range f.streams {
		if !s.room() {
			continue
		}
		if left := o.MaxWait - now.Sub(s.answered); hasMore && !s.hasMore && left > 0 {
			wait = min(wait, left)
			continue
		}
		key := partition{s.topic, s.id}
		if j, ok := at[key]; ok { // one a request; the other one is next
			f.streams[i], f.streams[j] = f.streams[j], f.streams[i]
			continue
		}
		at[key] = i
		x.parts = append(x.parts, s.ask(now))
	}
	if len(x.parts) > 0 {
		x.parts[0].first = true
	}
	return x, wait
}

func (f *fetcher) newExchange() *exchange {
	o := &f.c.opts
	f.calls++
	return &exchange{
		broker:   f.id,
		clientID: o.Transport.ClientID,
		id:       f.calls,
		maxWait:  o.MaxWait,
		minBytes: o.MinBytes,
	}
}

// exchange sends x and hands out what comes back.
func (f *fetcher) exchange(ctx context.Context, x *exchange) {
	limit, cancel := context.WithTimeout(ctx, x.maxWait+f.c.opts.Timeout)
	_, err := f.c.opts.Transport.RoundTrip(limit, f.c.opts.Brokers, x)
	cancel()
	if err != nil {
		if ctx.Err() == nil {
			f.c.opts.Watch.Failed(CallFetch, err)
		}
		f.lose(x, err)
		return
	}
	f.tell(x)
	f.accept(x, time.Now())
	if x.throttle > 0 {
		retry.Wait(ctx, min(x.throttle, f.c.opts.Timeout))
	}
}

// tell tells of an answer, and of what the broker would not give.
func (f *fetcher) tell(x *exchange) {
	f.c.opts.Watch.Answered(CallFetch)
	for i := range x.parts {
		if err := x.parts[i].err; err != nil {
			f.c.opts.Watch.Failed(CallFetch, err)
		}
	}
}

// lose gives up an exchange. x stays with the Transport, which may still write to it. The streams
// it asked for are ours to read.
func (f *fetcher) lose(x *exchange, err error) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	for i := range x.parts {
		x.parts[i].stream.lose(x.parts[i].seq, err)
	}
}

// accept hands out the answers and moves those who got records to the end: a
// broker promises a whole batch only to the first.
func (f *fetcher) accept(x *exchange, now time.Time) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	for i := range x.parts {
		p := &x.parts[i]
		if s := p.stream; s.accept(p, now) && s.fetcher == f {
			f.remove(s)
			f.add(s)
		}
	}
}
