package outbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/faultpoint"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Relay publishes the outbox of one shard, in order: entries are written to
// Kafka, then noted, then deleted. A relay that stopped in between publishes again; the ids
// it finds at the end of the topic it skips.
type Relay struct {
	*Options
	Shard     int
	Partition int // of the crossings topic
	published uint64
	next      uint64       // the number of the next entry, as last read
	stored    []byte       // noted, as the store holds it
	version   []byte       // of the head, as last read; nil: there is none
	Wake      retry.Signal // a commit in this process had crossings
	Lease     Lease
	Pulse     watchdog.Pulse

	generation int64         // of the process, for which it publishes
	Recent     bool          // it is known what was published before
	backoff    retry.Backoff // after errors
}

// NewRelay is a relay of a shard, which publishes to a partition of the crossings topic. Begin gives it its lease; without one it takes
// itself for the only one.
func NewRelay(o *Options, shard, partition int) *Relay {
	return &Relay{Options: o, Shard: shard, Partition: partition, Wake: retry.NewSignal()}
}

// Begin gives the relay to a generation of the group, by its right to publish: what others published before is not known yet.
func (r *Relay) Begin(generation int64, c Lease) {
	r.generation, r.Lease, r.Recent = generation, c, false
	r.backoff = retry.Backoff{First: 20 * time.Millisecond, Most: 5 * time.Second}
}

// Run publishes until ctx ends and then, once nothing commits to the shard any
// more (quiet is closed), what is left.
func (r *Relay) Run(ctx context.Context, quiet <-chan struct{}) {
	work, cancel := lasting(ctx, quiet)
	defer cancel()
	for ctx.Err() == nil {
		if pause := r.Turn(ctx, work); pause > 0 {
			retry.Wait(ctx, pause)
		} else {
			r.rest(ctx)
		}
	}
	<-quiet
	for !r.LastTurn(work) {
		r.backoff.Wait(work)
	}
}

// Turn publishes what there is. It returns how long to pause after an error; 0: there is no more. What is under way when the generation
// ends, by ctx, goes on until work does.
func (r *Relay) Turn(ctx, work context.Context) (pause time.Duration) {
	err := r.PublishAll(work)
	if err != nil && ctx.Err() == nil {
		pause = r.backoff.Next()
		r.complain(pause, err)
		return pause
	}
	r.backoff.Reset()
	r.Pulse.Beat()
	return 0
}

// LastTurn publishes what is left after the generation, and reports whether that is all that can be done.
func (r *Relay) LastTurn(work context.Context) bool {
	err := r.PublishAll(work)
	if err != nil && work.Err() != nil {
		r.Log.Warn("crossings stay in the outbox for the next owner", "shard", r.Shard, "error", err)
	}
	return err == nil || work.Err() != nil
}

// complain says that crossings wait, or that it cannot be seen whether any do, if that has lasted a moment.
func (r *Relay) complain(pause time.Duration, err error) {
	if pause < 160*time.Millisecond {
		return
	}
	held, ok := r.Quiet.Pass()
	if !ok {
		return
	}
	if unpublished, is := errors.AsType[*publishError](err); is {
		r.Log.Warn("crossings wait in the outbox", "shard", r.Shard, "error", explain.Kafka(unpublished), "held_back", held)
	} else {
		r.Log.Warn("outbox cannot be read: crossings wait there, if there are any", "shard", r.Shard, "error", explain.Store(err), "held_back", held)
	}
}

// lasting is a context that ends some time after ctx, when quiet is closed too.
func lasting(ctx context.Context, quiet <-chan struct{}) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() { // ends with work
		for _, end := range []<-chan struct{}{ctx.Done(), quiet} {
			select {
			case <-end:
			case <-work.Done():
				return
			}
		}
		retry.Wait(work, DrainTimeout)
		cancel()
	}()
	return work, cancel
}

// PublishAll publishes everything up to the head. After an error it is open what
// was published.
func (r *Relay) PublishAll(ctx context.Context) error {
	r.Pulse.At(watchdog.StepReadOutbox)
	if !r.Recent {
		if err := r.takeOver(ctx); err != nil {
			return err
		}
	}
	err := r.Drain(ctx)
	r.Recent = err == nil
	return err
}

// takeOver claims the outbox, and only then reads what was published before.
func (r *Relay) takeOver(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	if err := r.deleteBacklog(ctx); err != nil {
		return err
	}
	r.Pulse.At(watchdog.StepPublish)
	if err := r.Publish.LoadRecent(ctx, r.Partition, r.generation); err != nil {
		r.waiting(ctx)
		return &publishError{r.Shard, err}
	}
	r.Pulse.At(watchdog.StepReadOutbox)
	return nil
}

// waiting gives the metrics how much waits, and since when, while nothing can be published.
func (r *Relay) waiting(ctx context.Context) {
	if r.published >= r.next {
		return
	}
	values, err := r.load(ctx, [][]byte{r.Keys.AppendOutboxKey(nil, r.Shard, r.published)})
	if err != nil {
		return // which is counted
	}
	if e, err := ParseEntry(values[0]); err == nil {
		r.Metrics.Waiting(r.Shard, r.depth(), e.Timestamp)
	}
}

// depth is how many entries wait, by what was read.
func (r *Relay) depth() uint64 { return r.next - min(r.next, r.published) }

// load reads keys of the outbox.
func (r *Relay) load(ctx context.Context, keys [][]byte) ([][]byte, error) {
	values, err := r.Store.Load(ctx, r.Shard, keys, nil)
	if err != nil {
		return nil, r.failed(ctx, fmt.Errorf("read outbox of shard %d: %w", r.Shard, err))
	}
	return values, nil
}

// failed counts an error of the store, except the end of ctx.
func (r *Relay) failed(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		r.Calls.Failed(metrics.OperationOutbox, err)
	}
	return err
}

// rest waits until a commit has crossings, or it is time to look.
func (r *Relay) rest(ctx context.Context) {
	r.Pulse.At(watchdog.StepRest)
	r.Wake.Wait(ctx, r.Poll())
}

// Drain publishes everything up to the head.
func (r *Relay) Drain(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	for r.published < r.next {
		err := r.some(ctx)
		if errors.Is(err, errOutboxChanged) {
			err = r.look(ctx)
		}
		if err != nil {
			return err
		}
	}
	r.Metrics.Waiting(r.Shard, 0, 0)
	return nil
}

// look reads head and noted, and whether the outbox is ours.
func (r *Relay) look(ctx context.Context) error {
	keys := [][]byte{r.Keys.AppendHeadKey(nil, r.Shard), r.Keys.AppendPublishedKey(nil, r.Shard), r.leaseKey()}
	asked := time.Now()
	values, err := r.load(ctx, keys)
	if err != nil {
		return err
	}
	if err := r.hold(ctx, values[2], asked); err != nil {
		return err
	}
	version, head := ParseHead(values[0])
	r.version, r.next = bytes.Clone(version), head
	r.stored = bytes.Clone(values[1])
	r.published = ParsePublished(r.stored)
	return nil
}

// entries reads those from a number up to another, and what is noted at the same moment.
func (r *Relay) entries(ctx context.Context, from, to uint64) (keys, values [][]byte, noted []byte, err error) {
	for n := from; n < to; n++ {
		keys = append(keys, r.Keys.AppendOutboxKey(nil, r.Shard, n))
	}
	all, err := r.load(ctx, append(keys, r.Keys.AppendPublishedKey(nil, r.Shard)))
	if err != nil {
		return nil, nil, nil, err
	}
	last := len(keys)
	return keys, all[:last], all[last], nil
}

// deleteBacklog deletes what was noted and not deleted, since a relay stopped in between or could not
// reach the store: it lies just below noted.
func (r *Relay) deleteBacklog(ctx context.Context) error {
	for to := r.published; to > 0; {
		from := to - min(to, RelayMost)
		keys, values, _, err := r.entries(ctx, from, to)
		if err != nil || !slices.ContainsFunc(values, present) {
			return err
		}
		if err := r.deletePublished(ctx, keys); err != nil {
			return err
		}
		to = from
	}
	return nil
}

// some publishes the first entries from noted up to the head, if the outbox is ours.
func (r *Relay) some(ctx context.Context) error {
	to := min(r.next, r.published+RelayMost)
	keys, values, noted, err := r.entries(ctx, r.published, to)
	if err != nil {
		return err
	}
	if !bytes.Equal(noted, r.stored) {
		return errOutboxChanged // another store by now: its entries may begin before these
	}
	if slices.ContainsFunc(values, absent) {
		stored := r.stored
		if err := r.look(ctx); err != nil || r.next < to || !bytes.Equal(stored, r.stored) {
			return cmp.Or(err, errOutboxChanged) // another owner, for a moment, was faster, or the store went back
		}
	}
	entries, readable, err := r.parse(values)
	if err != nil && readable == 0 {
		return &publishError{r.Shard, err}
	}
	to, keys, values = r.published+uint64(readable), keys[:readable], values[:readable]
	r.Metrics.Waiting(r.Shard, r.depth(), oldest(entries))
	notAfter, fresh := r.Lease.Fresh()
	if !fresh {
		return errOutboxChanged // we may have slept, and another may be at it
	}
	r.Pulse.Offset.Store(int64(r.published))
	r.Pulse.At(watchdog.StepPublish)
	faultpoint.Pass("publish")
	if err := r.Publish.Write(ctx, notAfter, r.Partition, entries); err != nil {
		return &publishError{r.Shard, err}
	}
	faultpoint.Pass("published")
	return r.notePublished(ctx, to, keys, values)
}

// parse reads entries, up to the first that is whole but cannot be read, which is the error. Missing and damaged ones are passed over.
func (r *Relay) parse(values [][]byte) (entries []Entry, readable int, err error) {
	entries = make([]Entry, 0, len(values))
	for i, v := range values {
		e, err := ParseEntry(v)
		switch {
		case errors.Is(err, ErrUnreadable):
			return entries, i, fmt.Errorf("entry %d: %w", r.published+uint64(i), err)
		case err != nil:
			r.Metrics.Damaged()
			r.Log.Error("outbox entry is missing or damaged: passed over", "shard", r.Shard, "entry", r.published+uint64(i), "bytes", len(v))
		default:
			entries = append(entries, e)
		}
	}
	return entries, len(values), nil
}

// publishError: crossings could not be written to Kafka. All else that stops a relay is the store.
type publishError struct {
	shard int
	err   error
}

func (e *publishError) Error() string {
	return fmt.Sprintf("publish crossings of shard %d: %v", e.shard, e.err)
}

func (e *publishError) Unwrap() error { return e.err }

func absent(value []byte) bool  { return value == nil }
func present(value []byte) bool { return value != nil }

// errOutboxChanged: the store went back while its entries were being published.
var errOutboxChanged = errors.New("the outbox is no longer what was read")

// notePublished says that everything below to was published, and deletes it. It does so
// only if the store still holds what was published: one that went back in the meantime may by now
// hold other crossings under the same numbers. An entry that is missing says nothing of that: then the head must
// be the same.
func (r *Relay) notePublished(ctx context.Context, to uint64, keys, values [][]byte) error {
	r.Pulse.At(watchdog.StepReadOutbox)
	next := binary.BigEndian.AppendUint64(nil, to)
	c := &windowstore.Commit{Fences: []windowstore.Fence{{Key: r.Keys.AppendPublishedKey(nil, r.Shard), From: r.stored, To: next}}}
	for i, k := range keys {
		c.Fences = append(c.Fences, windowstore.Fence{Key: k, From: values[i]})
	}
	if r.Lease.Name != nil {
		c.Fences = append(c.Fences, windowstore.Fence{Key: r.leaseKey(), From: r.Lease.Name})
	}
	if slices.ContainsFunc(values, absent) {
		c.Records = []windowstore.Record{{Key: r.Keys.AppendHeadKey(nil, r.Shard), Version: r.version}}
	}
	asked := time.Now()
	res, err := r.Store.Commit(ctx, r.Shard, c)
	if err != nil {
		return r.failed(ctx, fmt.Errorf("note crossings of shard %d: %w", r.Shard, err))
	}
	if res.Outcome != windowstore.Done {
		return errOutboxChanged
	}
	r.published, r.stored, r.Lease.Seen = to, next, asked
	faultpoint.Pass("noted")
	return r.deletePublished(ctx, keys)
}

// deletePublished deletes what was noted, if the store still says that it was: one that went
// back since may by now hold other crossings under those numbers.
func (r *Relay) deletePublished(ctx context.Context, keys [][]byte) error {
	noted := windowstore.Fence{Key: r.Keys.AppendPublishedKey(nil, r.Shard), From: r.stored}
	res, err := r.Store.Commit(ctx, r.Shard, &windowstore.Commit{Fences: []windowstore.Fence{noted}, Deletes: keys})
	if err != nil {
		return r.failed(ctx, fmt.Errorf("trim outbox of shard %d: %w", r.Shard, err))
	}
	if res.Outcome != windowstore.Done {
		return errOutboxChanged
	}
	return nil
}

// DrainTimeout bounds what a relay publishes after the shards have committed.
const DrainTimeout = 2 * time.Second
