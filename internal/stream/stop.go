package stream

import (
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
)

// How long the steps of a stop take at most, in their order. A generation of the group ends by the same steps, except the
// last one.
const (
	// groupTimeout bounds a request to the group's coordinator. Offsets are committed by one, while relays drain. Leaving
	// the group takes two: who the coordinator is, and the leaving itself.
	groupTimeout = 5 * time.Second

	// StopTimeout is how long Run takes at most after its context has ended, while brokers can be reached. Brokers that
	// cannot add up to dialTimeout for each attempt to reach one. Whoever runs a Service ends it after a little more: what
	// was not stored then is read again at the next start.
	StopTimeout = partition.FinishTimeout + max(outbox.DrainTimeout, groupTimeout) + 2*groupTimeout + listing.LastTimeout
)
