package outbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// office is an outbox and the relays that would publish it.
type office struct {
	t     *testing.T
	store *drowsyStore
	pub   *listPublisher
	put   int
}

// drowsyStore does something while the entries of an outbox are on their way to who asked for them.
type drowsyStore struct {
	*windowstore.Mem
	during func()
}

func (s *drowsyStore) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	values, err := s.Mem.Load(ctx, shard, keys, dst)
	if f := s.during; f != nil && slices.Equal(keys[0], s.Keys().AppendOutboxKey(nil, 0, 0)) {
		s.during = nil
		f()
	}
	return values, err
}

func newOffice(t *testing.T) *office {
	return &office{t: t, store: &drowsyStore{Mem: windowstore.NewMem(1)}, pub: &listPublisher{}}
}

// relay is a relay of a generation.
func (o *office) relay(generation int32, process uint64) *Relay {
	p := enginetest.Compile(o.t, "{pack: p, measures: {c: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1d, step: 1h, limits: {c: 9}}]}")
	r := NewRelay(NewOptions(o.store, o.pub, metrics.New(prometheus.NewRegistry(), p), discard), 0, 0)
	r.Lease = NewLease(generation, process)
	return r
}

// announce puts a crossing into the outbox.
func (o *office) announce(id string) {
	o.t.Helper()
	e := storedEntry(0, fmt.Appendf(nil, `{"id":%q}`, id))
	head := binary.BigEndian.AppendUint64([]byte("versionX"), uint64(o.put+1))
	err := errors.Join(o.store.Put(o.t.Context(), 0, o.store.Keys().AppendOutboxKey(nil, 0, uint64(o.put)), e),
		o.store.Put(o.t.Context(), 0, o.store.Keys().AppendHeadKey(nil, 0), head))
	if err != nil {
		o.t.Fatal(err)
	}
	o.put++
}

// drain has a relay publish what there is, and says what was published since the last time.
func (o *office) drain(r *Relay, wantErr error, want ...string) {
	o.t.Helper()
	o.pub.ids = nil
	if err := r.Drain(o.t.Context()); !errors.Is(err, wantErr) || !slices.Equal(o.pub.ids, want) {
		o.t.Errorf("generation %d: published %v, error %v; want %v, %v", binary.BigEndian.Uint64(r.Lease.Name), o.pub.ids, err, want, wantErr)
	}
}

// TestOutboxHasOneRelay: the newest generation publishes; one before it, which does not know yet that it is over, does not.
func TestOutboxHasOneRelay(t *testing.T) {
	o := newOffice(t)
	old, newer := o.relay(7, 1), o.relay(8, 2)
	o.announce("a")
	o.drain(old, nil, "a")
	o.announce("b")
	o.drain(newer, nil, "b")
	o.announce("c")
	o.drain(old, errNotOurs)
	o.drain(newer, nil, "c")
	o.announce("d")
	o.drain(o.relay(8, 3), errNotOurs) // of the same generation: it takes the number of partitions for another
	if err := o.store.Delete(t.Context(), 0, o.store.Keys().AppendLeaseKey(nil, 0)); err != nil {
		t.Fatal(err)
	}
	o.drain(newer, nil, "d") // the store lost the claim
}

// TestRelaySleeps: a relay that sleeps with entries in its hands, until another has published them, does not publish them.
func TestRelaySleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		old, newer := o.relay(7, 1), o.relay(8, 2)
		o.announce("a")
		o.store.during = func() {
			<-time.After(LeaseFresh + time.Second)
			o.drain(newer, nil, "a")
			o.pub.ids = nil
		}
		if err := old.Drain(t.Context()); !errors.Is(err, errNotOurs) || len(o.pub.ids) > 0 {
			t.Errorf("published %v, error %v", o.pub.ids, err)
		}
		// Alone, it looks again and goes on.
		o = newOffice(t)
		o.announce("a")
		o.store.during = func() { <-time.After(LeaseFresh + time.Second) }
		o.drain(o.relay(7, 1), nil, "a")
	})
}

// TestClaimIsOutlived: a lease of a newer generation that nobody holds any more does not last for ever. A group that was recreated
// counts its generations from the start.
func TestClaimIsOutlived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		before, r := o.relay(900, 1), o.relay(1, 2)
		o.announce("a")
		o.drain(before, nil, "a")
		o.announce("b")
		o.drain(r, errNotOurs)
		<-time.After(LeaseOutlives - time.Second)
		o.drain(r, errNotOurs)
		<-time.After(time.Second)
		o.drain(r, nil, "b")
	})
}

// sleepyStore lets its caller sleep before a read.
type sleepyStore struct {
	windowstore.Store
	sleep func()
}

func (s *sleepyStore) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	if f := s.sleep; f != nil {
		s.sleep = nil
		f()
	}
	return s.Store.Load(ctx, shard, keys, dst)
}

// TestClaimIsNotOutlivedAsleep: a process that sleeps while it asks whose the outbox is has not waited for the other all that time.
func TestClaimIsNotOutlivedAsleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		old, newer := o.relay(7, 1), o.relay(8, 2)
		o.announce("a")
		old.Store = &sleepyStore{o.store, func() {
			<-time.After(2 * LeaseOutlives)
			o.drain(newer, nil, "a")
			o.pub.ids = nil
		}}
		o.drain(old, errNotOurs)
		o.announce("b")
		o.drain(old, errNotOurs)
		o.drain(newer, nil, "b")
	})
}

// TestSentInTime: what is handed over in time and put on the wire too late is not sent.
func TestSentInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewLease(1, 1)
		c.Seen = time.Now()
		notAfter, ok := c.Fresh()
		r := &deadlineReader{RecordReader: kafka.NewRecordReader(make([]kafka.Record, 2)...), NotAfter: notAfter}
		if _, err := r.ReadRecord(); err != nil || !ok {
			t.Errorf("error %v, fresh %v", err, ok)
		}
		<-time.After(LeaseFresh + time.Second)
		if _, err := r.ReadRecord(); !errors.Is(err, ErrTooLate) {
			t.Errorf("error %v", err)
		}
		if _, ok := c.Fresh(); ok {
			t.Error("the claim is still fresh")
		}
	})
}
