package roster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

const (
	// lookEvery is how often a process writes its record, and reads those of the others.
	lookEvery = 3 * time.Second
	// liveLooks is after how many looks without a beat a process does not live any more, goneLooks after how many its record
	// is deleted.
	liveLooks, goneLooks = 5, 20
	// leaveTimeout bounds the last writing of a process that stops. It runs while partitions and shards give up, who take longer.
	leaveTimeout = time.Second
	// tries is how often a change of the index is tried in a look, as others change it too.
	tries = 10
)

// Options is what a roster works with.
type Options struct {
	Store store
	Self  Process // whose roster it is
	// Sample is the rates of the process now; nil: they are not told.
	Sample func() Rates
	// Unannounced is what the process tells of that; nil: nothing.
	Unannounced func() map[string]int

	Metrics *metrics.Health
	Calls   *metrics.Calls // of the store
	Log     *slog.Logger
}

// store is what a roster needs of the store.
type store interface {
	windowstore.Atomic
	Keys() windowstore.Keys
}

// Roster is the processes of a deployment, as one of them sees them. Its turns belong to one goroutine; its other methods may be called by any.
type Roster struct {
	Options
	beat  uint64
	seen  map[string]*sighting // the others, by name
	packs comparison
	rates atomic.Pointer[Rates]

	unannounced atomic.Pointer[map[string]int]
}

// sighting is what is known of another process.
type sighting struct {
	record
	moved  bool // it has had a beat since it was first seen
	missed int  // looks since the last one
}

func (s *sighting) lives() bool { return s.moved && s.missed < liveLooks }

// New is a roster in which nobody has been seen.
func New(o Options) *Roster {
	r := &Roster{Options: o, seen: map[string]*sighting{}, packs: comparison{metrics: o.Metrics, log: o.Log}}
	r.Reload(o.Self.Packs)
	return r
}

// Run looks every few seconds until ctx ends, and then takes the process' record away.
func (r *Roster) Run(ctx context.Context) {
	r.turn(ctx)
	retry.Every(ctx, lookEvery, func(time.Time) { r.turn(ctx) })
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	r.failed(ctx, r.Leave(ctx))
}

func (r *Roster) turn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	r.failed(ctx, r.Look(ctx))
}

func (r *Roster) failed(ctx context.Context, err error) {
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		r.Calls.Failed(metrics.OperationRoster, err)
	}
}

// Look writes the process' record, and finds out who else lives. What was known stays if the store does not answer.
func (r *Roster) Look(ctx context.Context) error {
	for range tries {
		index, err := r.load(ctx, r.indexKey())
		if err != nil {
			return err
		}
		names := strings.Fields(string(index[0]))
		if done, err := r.write(ctx, index[0], names); err != nil {
			return err
		} else if !done {
			continue
		}
		if err := r.read(ctx, names); err != nil {
			return err
		}
		r.packs.note(r.live())
		r.rates.Store(r.sum())
		r.unannounced.Store(r.sumUnannounced())
		return r.clean(ctx)
	}
	return fmt.Errorf("write to the roster of processes: others changed it %d times meanwhile", tries)
}

// write writes the process' record, and its name into the index where it is missing. It reports whether the index was what was read.
func (r *Roster) write(ctx context.Context, index []byte, names []string) (done bool, err error) {
	c := &windowstore.Commit{Fences: []windowstore.Fence{{Key: r.indexKey(), From: index}}}
	if !slices.Contains(names, r.Self.Name) {
		if len(names) >= mostProcesses {
			return true, nil // the others do not see it
		}
		c.Fences[0].To = encodeIndex(append(slices.Clone(names), r.Self.Name))
	}
	r.beat++
	r.Self.Written, r.Self.Packs = time.Now().UTC(), *r.packs.own.Load()
	if r.Sample != nil {
		rates := r.Sample()
		r.Self.Rates = &rates
	}
	if r.Options.Unannounced != nil {
		r.Self.Unannounced = r.Options.Unannounced()
	}
	mine := record{Form: form, Beat: r.beat, Process: r.Self}
	c.Puts = []windowstore.Put{{Key: r.key(r.Self.Name), Value: mine.encode()}}
	return r.commit(ctx, c)
}

// read looks at the records of the others.
func (r *Roster) read(ctx context.Context, names []string) error {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == r.Self.Name })
	keys := make([][]byte, len(names))
	for i, name := range names {
		keys[i] = r.key(name)
	}
	values, err := r.load(ctx, keys...)
	if err != nil {
		return err
	}
	seen := map[string]*sighting{}
	for i, name := range names {
		seen[name] = r.sight(name, values[i])
	}
	r.seen = seen // who is not in the index has left
	return nil
}

// sight is what is known of a process now that its record is this one. A beat that fell is that of a store that went back.
func (r *Roster) sight(name string, value []byte) *sighting {
	now, ok := parseRecord(value)
	now.Name = name
	before := r.seen[name]
	switch {
	case before == nil:
		return &sighting{record: now}
	case !ok || now.Beat == before.Beat:
		before.missed++
		return before
	}
	return &sighting{record: now, moved: now.Beat > before.Beat}
}

// live are the others that live, in the order of their names.
func (r *Roster) live() (list []Process) {
	for _, name := range r.names((*sighting).lives) {
		list = append(list, r.seen[name].Process)
	}
	return list
}

// names are those of the others for which keep is true.
func (r *Roster) names(keep func(*sighting) bool) (list []string) {
	for name, s := range r.seen {
		if keep(s) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// clean deletes what killed processes left. Whoever was only paused comes back with its next look.
func (r *Roster) clean(ctx context.Context) error {
	gone := r.names(func(s *sighting) bool { return s.missed >= goneLooks })
	if len(gone) == 0 {
		return nil
	}
	return r.remove(ctx, gone)
}

// Leave takes the process' record away.
func (r *Roster) Leave(ctx context.Context) error { return r.remove(ctx, []string{r.Self.Name}) }

// remove deletes records, and then takes their names out of the index. If it ends in between, the names are there for the next one who cleans.
func (r *Roster) remove(ctx context.Context, gone []string) error {
	c := &windowstore.Commit{}
	for _, name := range gone {
		c.Deletes = append(c.Deletes, r.key(name))
	}
	if _, err := r.commit(ctx, c); err != nil {
		return err
	}
	for range tries {
		index, err := r.load(ctx, r.indexKey())
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(strings.Fields(string(index[0])), func(name string) bool { return slices.Contains(gone, name) })
		to := encodeIndex(left)
		if bytes.Equal(to, index[0]) {
			return nil
		}
		done, err := r.commit(ctx, &windowstore.Commit{Fences: []windowstore.Fence{{Key: r.indexKey(), From: index[0], To: to}}})
		if err != nil || done {
			return err
		}
	}
	return nil // the next one who cleans does it
}

// encodeIndex is the names of all processes as they are stored, never nil.
func encodeIndex(names []string) []byte { return append([]byte{}, strings.Join(names, "\n")...) }

func (r *Roster) indexKey() []byte { return r.Store.Keys().AppendProcessesKey(nil) }

func (r *Roster) key(name string) []byte { return r.Store.Keys().AppendProcessKey(nil, name) }

func (r *Roster) load(ctx context.Context, keys ...[]byte) ([][]byte, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	values, err := r.Store.Load(ctx, 0, keys, nil)
	if err != nil {
		return nil, fmt.Errorf("read the roster of processes: %w", err)
	}
	return values, nil
}

func (r *Roster) commit(ctx context.Context, c *windowstore.Commit) (done bool, err error) {
	result, err := r.Store.Commit(ctx, 0, c)
	if err != nil {
		return false, fmt.Errorf("write to the roster of processes: %w", err)
	}
	return result.Outcome == windowstore.Done, nil
}
