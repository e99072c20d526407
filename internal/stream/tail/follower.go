package tail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// Follower is a reader of the crossings as they come. It belongs to one goroutine.
type Follower struct {
	tail *Tail
	at   Positions
	rest []*Crossing // missed, to be read first
	came uint64      // number of the next one of those that come
	gap  bool
}

// Follow begins to read at positions; nil: with what comes from now on. Where positions are of a process that has read more, it waits until
// this one has read as much. An error is one of Kafka, or that this takes longer than ctx.
func (t *Tail) Follow(ctx context.Context, from Positions) (*Follower, error) {
	if err := t.reach(ctx, from); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f := &Follower{tail: t, came: t.first + uint64(len(t.came))}
	if from == nil {
		f.at = t.list.positions()
		return f, nil
	}
	f.gap, f.at = t.list.gap(from), t.list.known(from)
	f.rest = t.list.missed(f.at)
	return f, nil
}

// reachEvery is how often it is looked whether as much is read as by another process.
const reachEvery = 20 * time.Millisecond

var errBehind = errors.New("this process has read less of the topic of crossings than the one that was followed before")

// reach waits until all is read that is before positions. Positions beyond the end are those of another topic, for which nobody waits.
func (t *Tail) reach(ctx context.Context, from Positions) error {
	for asked := false; ; retry.Wait(ctx, reachEvery) {
		ahead := t.ahead(from)
		if len(ahead) == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return errBehind
		}
		if asked {
			continue
		}
		foreign, err := t.beyond(ctx, ahead)
		if err != nil {
			return fmt.Errorf("the end of the topic of crossings is not known: %w", explain.Kafka(err))
		}
		if foreign {
			return nil
		}
		asked = true
	}
}

// ahead are those of some positions that are behind what was read.
func (t *Tail) ahead(from Positions) Positions {
	t.mu.Lock()
	defer t.mu.Unlock()
	ahead := Positions{}
	for partition, at := range from {
		if s, known := t.list.spans[partition]; !known || at > s.next {
			ahead[partition] = at
		}
	}
	return ahead
}

// beyond reports whether one of some positions is beyond the end of its partition.
func (t *Tail) beyond(ctx context.Context, ahead Positions) (bool, error) {
	n, err := t.Source.Partitions(ctx, t.Topic)
	if err != nil {
		return false, err
	}
	for partition, at := range ahead {
		if partition >= n {
			return true, nil
		}
		if _, end, err := t.Source.Offsets(ctx, t.Topic, partition); err != nil || at > end {
			return true, err
		}
	}
	return false, nil
}

// Gap reports whether crossings were missed that are not kept any more.
func (f *Follower) Gap() bool { return f.gap }

// At is the positions after what was read.
func (f *Follower) At() Positions { return f.at }

// Next returns some of the crossings that were not read yet, most at most; none if there are none now. It reports false if some are not
// kept any more: then the follower is at its end.
func (f *Follower) Next(most int) (some []*Crossing, ok bool) {
	if len(f.rest) == 0 {
		if f.rest, ok = f.tail.after(f.came, most); !ok {
			return nil, false
		}
		f.came += uint64(len(f.rest))
	}
	n := min(most, len(f.rest))
	some, f.rest = f.rest[:n:n], f.rest[n:]
	return some, true
}

// Read notes that a crossing that Next gave was passed on.
func (f *Follower) Read(c *Crossing) {
	f.at[c.Partition] = max(f.at[c.Partition], c.Offset+1)
}

// after are the crossings that came, from a number on.
func (t *Tail) after(number uint64, most int) (some []*Crossing, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if number < t.first {
		return nil, false
	}
	some = t.came[number-t.first:]
	return some[:min(most, len(some)):min(most, len(some))], true
}

// Changed is closed when more crossings have come than had when it was asked for.
func (t *Tail) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}
