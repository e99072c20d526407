package stream

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// relay publishes the outbox of one shard, in order: entries are written to
// Kafka, then noted, then deleted. A relay that stopped in between publishes again; the ids
// it finds at the end of the topic it skips.
type relay struct {
	*relayOptions
	shard     int
	partition int // of the crossings topic
	published uint64
	next      uint64       // the number of the next entry, as last read
	stored    []byte       // noted, as the store holds it
	version   []byte       // of the head, as last read; nil: there is none
	wake      retry.Signal // a commit in this process had crossings
	lease     lease
	pulse     pulse

	generation int64         // of the process, for which it publishes
	recent     bool          // it is known what was published before
	backoff    retry.Backoff // after errors
}

// relayOptions is what the relays of a process share.
type relayOptions struct {
	store   windowstore.Atomic
	keys    windowstore.Keys
	publish publisher
	poll    func() time.Duration // how often the head is read when nobody tells
	metrics *Metrics
	log     *slog.Logger
	quiet   *retry.Throttle // of all that cannot publish
}

// publisher writes crossings to the topic, in order, and returns when they are safe.
type publisher interface {
	// recent reads the ids at the end of a partition, to be skipped, unless that
	// was done since a time, which callers count upwards.
	loadRecent(ctx context.Context, partition int, since int64) error
	write(ctx context.Context, partition int, entries []outboxEntry) error
}

// relayMost is how many entries are published at once.
const relayMost = 500

// begin gives the relay to a generation of the group, by its right to publish: what others published before is not known yet.
func (r *relay) begin(generation int64, c lease) {
	r.generation, r.lease, r.recent = generation, c, false
	r.backoff = retry.Backoff{First: 20 * time.Millisecond, Most: 5 * time.Second}
}

// run publishes until ctx ends and then, once nothing commits to the shard any
// more (quiet is closed), what is left.
func (r *relay) run(ctx context.Context, quiet <-chan struct{}) {
	work, cancel := lasting(ctx, quiet)
	defer cancel()
	defer r.metrics.dropOutbox(r.shard) // what is left is told by the next owner
	for ctx.Err() == nil {
		if pause := r.turn(ctx, work); pause > 0 {
			retry.Wait(ctx, pause)
		} else {
			r.rest(ctx)
		}
	}
	<-quiet
	for !r.lastTurn(work) {
		r.backoff.Wait(work)
	}
}

// turn publishes what there is. It returns how long to pause after an error; 0: there is no more. What is under way when the generation
// ends, by ctx, goes on until work does.
func (r *relay) turn(ctx, work context.Context) (pause time.Duration) {
	err := r.publishAll(work)
	if err != nil && ctx.Err() == nil {
		pause = r.backoff.Next()
		r.complain(pause, err)
		return pause
	}
	r.backoff.Reset()
	r.pulse.beat()
	return 0
}

// lastTurn publishes what is left after the generation, and reports whether that is all that can be done.
func (r *relay) lastTurn(work context.Context) bool {
	err := r.publishAll(work)
	if err != nil && work.Err() != nil {
		r.log.Warn("crossings stay in the outbox for the next owner", "shard", r.shard, "error", err)
	}
	return err == nil || work.Err() != nil
}

// complain says that crossings wait, or that it cannot be seen whether any do, if that has lasted a moment.
func (r *relay) complain(pause time.Duration, err error) {
	if pause < 160*time.Millisecond {
		return
	}
	held, ok := r.quiet.Pass()
	if !ok {
		return
	}
	if unpublished, is := errors.AsType[*publishError](err); is {
		r.log.Warn("crossings wait in the outbox", "shard", r.shard, "error", explain.Kafka(unpublished), "held_back", held)
	} else {
		r.log.Warn("outbox cannot be read: crossings wait there, if there are any", "shard", r.shard, "error", explain.Store(err), "held_back", held)
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
		retry.Wait(work, relayDrainTimeout)
		cancel()
	}()
	return work, cancel
}

// publishAll publishes everything up to the head. After an error it is open what
// was published.
func (r *relay) publishAll(ctx context.Context) error {
	r.pulse.at(stepOutbox)
	if !r.recent {
		if err := r.takeOver(ctx); err != nil {
			return err
		}
	}
	err := r.drain(ctx)
	r.recent = err == nil
	return err
}

// takeOver claims the outbox, and only then reads what was published before.
func (r *relay) takeOver(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	if err := r.deleteBacklog(ctx); err != nil {
		return err
	}
	r.pulse.at(stepPublish)
	if err := r.publish.loadRecent(ctx, r.partition, r.generation); err != nil {
		r.waiting(ctx)
		return &publishError{r.shard, err}
	}
	r.pulse.at(stepOutbox)
	return nil
}

// waiting tells the metrics how much waits, and since when, while nothing can be published.
func (r *relay) waiting(ctx context.Context) {
	if r.published >= r.next {
		return
	}
	values, err := r.load(ctx, [][]byte{r.keys.AppendOutboxKey(nil, r.shard, r.published)})
	if err != nil {
		return // which is counted
	}
	if e, err := parseOutboxEntry(values[0]); err == nil {
		r.metrics.outbox(r.shard, r.depth(), e.timestamp)
	}
}

// depth is how many entries wait, by what was read.
func (r *relay) depth() uint64 { return r.next - min(r.next, r.published) }

// load reads keys of the outbox.
func (r *relay) load(ctx context.Context, keys [][]byte) ([][]byte, error) {
	values, err := r.store.Load(ctx, r.shard, keys, nil)
	if err != nil {
		return nil, r.failed(ctx, fmt.Errorf("read outbox of shard %d: %w", r.shard, err))
	}
	return values, nil
}

// failed counts an error of the store, but for the end of ctx.
func (r *relay) failed(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		r.metrics.storeError(operationOutbox, err)
	}
	return err
}

// rest waits until a commit has crossings, or it is time to look.
func (r *relay) rest(ctx context.Context) {
	r.pulse.at(stepRest)
	r.wake.Wait(ctx, r.poll())
}

// drain publishes everything up to the head.
func (r *relay) drain(ctx context.Context) error {
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
	r.metrics.outbox(r.shard, 0, 0)
	return nil
}

// look reads head and noted, and whether the outbox is ours.
func (r *relay) look(ctx context.Context) error {
	keys := [][]byte{r.keys.AppendHeadKey(nil, r.shard), r.keys.AppendNotedKey(nil, r.shard), r.leaseKey()}
	asked := time.Now()
	values, err := r.load(ctx, keys)
	if err != nil {
		return err
	}
	if err := r.hold(ctx, values[2], asked); err != nil {
		return err
	}
	version, head := outboxHead(values[0])
	r.version, r.next = bytes.Clone(version), head
	r.stored = bytes.Clone(values[1])
	r.published = outboxPublished(r.stored)
	return nil
}

// entries reads those from a number up to another.
func (r *relay) entries(ctx context.Context, from, to uint64) (keys, values [][]byte, err error) {
	for n := from; n < to; n++ {
		keys = append(keys, r.keys.AppendOutboxKey(nil, r.shard, n))
	}
	values, err = r.load(ctx, keys)
	return keys, values, err
}

// deleteBacklog deletes what was noted and not deleted, since a relay stopped in between or could not
// reach the store: it lies just below noted.
func (r *relay) deleteBacklog(ctx context.Context) error {
	for to := r.published; to > 0; {
		from := to - min(to, relayMost)
		keys, values, err := r.entries(ctx, from, to)
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
func (r *relay) some(ctx context.Context) error {
	to := min(r.next, r.published+relayMost)
	keys, values, err := r.entries(ctx, r.published, to)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(values, absent) {
		stored := r.stored
		if err := r.look(ctx); err != nil || r.next < to || !bytes.Equal(stored, r.stored) {
			return cmp.Or(err, errOutboxChanged) // another owner, for a moment, was faster, or the store went back
		}
	}
	entries := make([]outboxEntry, 0, len(values))
	for i, v := range values {
		e, err := parseOutboxEntry(v)
		if err != nil {
			r.metrics.outboxDamaged()
			r.log.Error("outbox entry is missing or damaged: passed over", "shard", r.shard, "entry", r.published+uint64(i), "bytes", len(v))
			continue
		}
		entries = append(entries, e)
	}
	r.metrics.outbox(r.shard, r.depth(), oldest(entries))
	timely, fresh := r.lease.fresh(ctx)
	if !fresh {
		return errOutboxChanged // we may have slept, and another may be at it
	}
	r.pulse.offset.Store(int64(r.published))
	r.pulse.at(stepPublish)
	faultpoint("publish")
	if err := r.publish.write(timely, r.partition, entries); err != nil {
		return &publishError{r.shard, err}
	}
	faultpoint("published")
	return r.notePublished(ctx, to, keys, values)
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
func (r *relay) notePublished(ctx context.Context, to uint64, keys, values [][]byte) error {
	r.pulse.at(stepOutbox)
	next := binary.BigEndian.AppendUint64(nil, to)
	c := &windowstore.Commit{Fences: []windowstore.Fence{{Key: r.keys.AppendNotedKey(nil, r.shard), From: r.stored, To: next}}}
	for i, k := range keys {
		c.Fences = append(c.Fences, windowstore.Fence{Key: k, From: values[i]})
	}
	if r.lease.name != nil {
		c.Fences = append(c.Fences, windowstore.Fence{Key: r.leaseKey(), From: r.lease.name})
	}
	if slices.ContainsFunc(values, absent) {
		c.Records = []windowstore.Record{{Key: r.keys.AppendHeadKey(nil, r.shard), Version: r.version}}
	}
	asked := time.Now()
	res, err := r.store.Commit(ctx, r.shard, c)
	if err != nil {
		return r.failed(ctx, fmt.Errorf("note crossings of shard %d: %w", r.shard, err))
	}
	if res.Outcome != windowstore.Done {
		return errOutboxChanged
	}
	r.published, r.stored, r.lease.seen = to, next, asked
	faultpoint("noted")
	return r.deletePublished(ctx, keys)
}

// deletePublished deletes what was noted, if the store still says that it was: one that went
// back since may by now hold other crossings under those numbers.
func (r *relay) deletePublished(ctx context.Context, keys [][]byte) error {
	noted := windowstore.Fence{Key: r.keys.AppendNotedKey(nil, r.shard), From: r.stored}
	res, err := r.store.Commit(ctx, r.shard, &windowstore.Commit{Fences: []windowstore.Fence{noted}, Deletes: keys})
	if err != nil {
		return r.failed(ctx, fmt.Errorf("trim outbox of shard %d: %w", r.shard, err))
	}
	if res.Outcome != windowstore.Done {
		return errOutboxChanged
	}
	return nil
}
