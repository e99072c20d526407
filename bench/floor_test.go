//go:build linux

package bench

import (
	"context"

	"github.com/cespare/xxhash/v2"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// The job of testdata/plain.yaml.
const (
	minute      = 60_000_000_000 // ns
	hour        = 60             // minutes covered before that of the newest event
	clickLimit  = 50_000
	readerLimit = 2_000
	remembered  = 600_000 // ms that an id is remembered at least
)

// floor does the job of testdata/plain.yaml and nothing else, in one goroutine:
// in memory only, with no commit and no bounds. What a program needs more
// than it is the price of being durable and general.
type floor struct {
	decoder   event.Decoder
	event     event.Event
	recent    []recent // by partition
	incidents map[string]*tally
	crossings []crossing
}

// recent is the ids of the last one to two times `remembered`.
type recent struct {
	from        int64 // ms
	now, before map[uint64]struct{}
}

// tally is one incident's counters. Buckets are minutes, kept modulo their number.
type tally struct {
	newest   int64 // minute
	clicks   [hour + 1]uint64
	readers  [hour + 1]int    // by the minute last seen
	lastSeen map[uint64]int64 // minute by account
	total    struct {
		clicks  uint64
		readers int
	}
	crossed struct{ clicks, readers bool }
}

// runFloor reads the partitions, as many as there are ends, up to their ends. It
// returns the limits that were reached.
func runFloor(ctx context.Context, c *fetch.Client, topic string, ends []int64) ([]crossing, error) {
	f := &floor{recent: make([]recent, len(ends)), incidents: map[string]*tally{}}
	err := eachSet(ctx, c, topic, ends, f.read)
	return f.crossings, err
}

// eachSet reads the partitions up to their ends, a set of each in turns, so that none is much ahead of the others.
func eachSet(ctx context.Context, c *fetch.Client, topic string, ends []int64, take func(partition int, set *records.Set) error) error {
	streams, next := make([]fetch.Stream, len(ends)), make([]int64, len(ends))
	for p := range ends {
		streams[p] = c.Open(topic, p, 0)
		defer streams[p].Close()
	}
	for left := true; left; {
		left = false
		for p, s := range streams {
			if next[p] >= ends[p] {
				continue
			}
			set, err := s.Next(ctx)
			if err != nil {
				return err
			}
			if err := take(p, set); err != nil {
				return err
			}
			next[p], left = set.Next, true
		}
	}
	return nil
}

// read takes one set of a partition.
func (f *floor) read(partition int, set *records.Set) error {
	var r records.Record
	for {
		more, err := set.Read(context.Background(), &r)
		if err != nil || !more {
			return err
		}
		if f.decoder.Decode(&f.event, r.Value) == nil && !f.recent[partition].seen(xxhash.Sum64(f.event.ID), r.Timestamp) {
			f.count(&f.event)
		}
	}
}

func (r *recent) seen(id uint64, timestamp int64) bool {
	if r.now == nil || timestamp-r.from > remembered {
		r.from, r.before, r.now = timestamp, r.now, make(map[uint64]struct{}, len(r.now))
	}
	_, known := r.now[id]
	if !known {
		_, known = r.before[id]
	}
	r.now[id] = struct{}{}
	return known
}

func (f *floor) count(e *event.Event) {
	click := false
	switch string(e.Type) {
	case "click":
		click = true
	case "view", "share", "comment":
	default:
		return
	}
	t := f.incidents[string(e.Str[event.Incident])]
	if t == nil {
		t = &tally{lastSeen: map[uint64]int64{}}
		f.incidents[string(e.Str[event.Incident])] = t
	}
	at := e.Time / minute
	t.slide(at)
	if at < t.newest-hour {
		return
	}
	if click {
		t.addClicks(at, uint64(e.Num[event.Count]))
	}
	t.addReader(at, xxhash.Sum64(e.Str[event.Account]))
	f.cross(t, e)
}

func (f *floor) cross(t *tally, e *event.Event) {
	if !t.crossed.clicks && t.total.clicks >= clickLimit {
		t.crossed.clicks = true
		f.crossings = append(f.crossings, crossingOf("clicks", e))
	}
	if !t.crossed.readers && t.total.readers >= readerLimit {
		t.crossed.readers = true
		f.crossings = append(f.crossings, crossingOf("accounts", e))
	}
}

// slide moves the tally's time to minute at, if that is later.
func (t *tally) slide(at int64) {
	if t.newest < at-hour-1 {
		t.newest = at - hour - 1
	}
	for t.newest < at {
		t.newest++
		i := t.newest % (hour + 1)
		t.total.clicks -= t.clicks[i]
		t.total.readers -= t.readers[i]
		t.clicks[i], t.readers[i] = 0, 0
	}
}

func (t *tally) addClicks(at int64, n uint64) {
	t.clicks[at%(hour+1)] += n
	t.total.clicks += n
}

func (t *tally) addReader(at int64, account uint64) {
	last, ok := t.lastSeen[account]
	alive := ok && last >= t.newest-hour
	switch {
	case alive && last >= at:
		return
	case alive:
		t.readers[last%(hour+1)]--
	default:
		t.total.readers++
	}
	t.lastSeen[account] = at
	t.readers[at%(hour+1)]++
}
