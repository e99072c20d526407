package stream

import (
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// holdback is what an open transaction holds back of a partition. Readers of committed records are
// shown nothing from its first record on, whoever wrote it.
type holdback struct {
	from   int64 // offset of the first record held back
	since  time.Time
	logged bool
}

// heldPatience is how long a transaction may be open before it is logged. Kafka ends one itself
// after transaction.timeout.ms of its producer, a minute by default.
const heldPatience = time.Minute

// observe takes the ends of the log. It reports whether it is time to log that a transaction is open,
// or that a logged one is not open any more.
func (h *holdback) observe(e fetch.Ends, now time.Time) (say, over bool) {
	if e.Shown >= e.End || e.Shown != h.from {
		over = h.logged
		*h = holdback{from: e.Shown, since: now}
	}
	if e.Shown >= e.End || h.logged || now.Sub(h.since) < heldPatience {
		return false, over
	}
	h.logged = true
	return true, over
}

// tellHeld keeps what is held back of a partition.
func (g *generation) tellHeld(ctx context.Context, l *shard.Assignment, e fetch.Ends, now time.Time) {
	r := g.run
	r.metrics.Lag.HeldBack(l.At(), e.End-e.Shown)
	h := g.held[l]
	if h == nil {
		h = &holdback{from: -1}
		g.held[l] = h
	}
	say, over := h.observe(e, now)
	if over {
		r.log.Info("transaction ended: reading goes on behind it", "topic", l.Topic, "partition", l.Partition)
	}
	if !say {
		return
	}
	line := []any{"topic", l.Topic, "partition", l.Partition, "offset", e.Shown, "records", e.End - e.Shown}
	switch open, err := r.clients.cluster.OpenTransactions(ctx, l.Topic, l.Partition); {
	case err != nil:
		line = append(line, "error", explain.Kafka(err))
	case len(open) > 0:
		line = append(line, "producer_id", open[0].Producer, "producer_epoch", open[0].Epoch, "transactions", len(open))
	}
	r.log.Warn("a transaction is open: records behind its first one are held back", line...)
}
