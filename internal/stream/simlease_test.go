package stream

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// An outbox has one relay, and a crossing is written once while that is so. What the store says of leases, and the topic of
// crossings, is compared with that as the history goes on.

// simLeases are the leases that the store was ever given, by shard and name.
type simLeases map[simLeaseKey]*simLease

type simLeaseKey struct {
	shard int
	name  string
}

// simLease is what is known of a lease.
type simLease struct {
	at   time.Time // first
	end  int       // of the partition of crossings, then
	seen time.Time // when the store last said so
}

// loaded is told what was read from the store.
func (c simLeases) loaded(s *simStore, shard int, keys, values [][]byte) {
	claim := s.Keys().AppendLeaseKey(nil, shard)
	for i, k := range keys {
		if x := c[simLeaseKey{shard, string(values[i])}]; x != nil && bytes.Equal(k, claim) {
			x.seen = time.Now()
		}
	}
}

// committed is told what was written.
func (c simLeases) committed(s *simStore, shard int, w *windowstore.Commit) {
	claim := s.Keys().AppendLeaseKey(nil, shard)
	for _, f := range w.Fences {
		switch {
		case !bytes.Equal(f.Key, claim):
		case f.To == nil:
			c[simLeaseKey{shard, string(f.From)}].seen = time.Now()
		default:
			c.taken(s.world, shard, f.From, f.To)
		}
	}
}

// taken is told that a lease was written in the place of another. That of a newer generation stands for some time.
func (c simLeases) taken(w *simWorld, shard int, from, to []byte) {
	now := time.Now()
	if x := c[simLeaseKey{shard, string(from)}]; x != nil && now.Sub(x.at) < outbox.LeaseOutlives && binary.BigEndian.Uint64(to) <= binary.BigEndian.Uint64(from) {
		w.breaks(fmt.Errorf("the outbox of shard %d went from generation %d to %d", shard, from[:8], to[:8]))
	}
	x := c[simLeaseKey{shard, string(to)}]
	if x == nil {
		x = &simLease{at: now, end: len(w.output.published[shard%simOutPartitions])}
		c[simLeaseKey{shard, string(to)}] = x
	}
	x.seen = now
}

// breaks notes that a promise was broken.
func (w *simWorld) breaks(err error) { w.broken = errors.Join(w.broken, err) }

// crossingFault is how a message is not as the contract says.
func crossingFault(m *kafka.Message) error {
	headers := map[string]string{}
	for _, h := range m.Headers {
		headers[h.Key] = string(h.Value)
	}
	return apitest.BinaryCrossing.Validate(headers, m.Value)
}

// checkWrite compares crossings that are about to be written with what the process knows: the outbox was its own a moment ago, it wrote none
// of them before, and neither did anybody else before the outbox became its own, unless that was so long ago that it need not remember.
func (w *simWorld) checkWrite(p *simProcess, messages []kafka.Message) {
	if len(messages) == 0 {
		return
	}
	partition := messages[0].WriterData.(int)
	claimed := w.leases[simLeaseKey{partition, string(p.relays[partition].Lease.Name)}]
	if claimed == nil || time.Since(claimed.seen) > outbox.LeaseFresh {
		w.breaks(fmt.Errorf("crossings of shard %d are written by a process that has not asked whether they are its own", partition))
		return
	}
	log := w.output.published[partition]
	for i := range messages {
		id := header(messages[i].Headers, "ce_id")
		if err := crossingFault(&messages[i]); err != nil {
			w.breaks(err)
		}
		for at := len(log) - 1; at >= max(0, len(log)-p.publisher.Most); at-- {
			if r := &log[at]; r.id == id && (r.by == p || at < claimed.end) {
				w.breaks(fmt.Errorf("%s is written again: it is %d records before the end, was written by the same process %v, and before the claim %v",
					id, len(log)-at, r.by == p, at < claimed.end))
			}
		}
	}
}

// tidied reports what was published and is still in an outbox, though a relay has begun since.
func (w *simWorld) tidied() error {
	for shard := range 2 * simShards {
		k := w.store.Keys()
		if shard >= simShards {
			k, shard = k.Shadow(), shard-simShards
		}
		prefix := bytes.TrimSuffix(k.AppendOutboxKey(nil, shard, 0), []byte("0"))
		var left error
		err := w.store.Scan(context.Background(), shard, prefix, func(key []byte) bool {
			left = fmt.Errorf("%s is left in the outbox", key)
			return false
		})
		if err := errors.Join(err, left); err != nil {
			return err
		}
	}
	return nil
}
