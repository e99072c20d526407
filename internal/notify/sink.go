package notify

import (
	"context"
	"path"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/subscribe"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Sink is one that is told of crossings.
type Sink struct {
	Name     string
	Rules    []string         // patterns of rules' ids, as art3-*; none: all
	MinLevel thresholds.Level // lower levels are not delivered
	Start    subscribe.Start  // where a new sink begins
	Target   Target
}

// Target is what a sink speaks to.
type Target interface {
	// Deliver tells it of a crossing. It is called for several at once, never for two of one key. A nil error: it was taken.
	Deliver(ctx context.Context, c *crossing.Crossing) error
	// Reach reports whether it answers. It is told of nothing.
	Reach(ctx context.Context) error
}

// keeper is a Target that goes on telling what it was told.
type keeper interface {
	// Lookback is for how long that may be, from a crossing's Kafka timestamp on.
	Lookback() time.Duration
	// Restore gives it a crossing that was taken before the process had the partition, in the order of the log. sent is when it
	// was first taken, about; zero: long ago.
	Restore(c *crossing.Crossing, sent time.Time)
	// Forget takes a partition from it. When it returns, it tells nothing of it any more.
	Forget(partition int)
	// Run goes on telling until ctx ends. It says after each round how many alerts it keeps, how many it sent, which were refused for good
	// and are kept no more, and what went wrong.
	Run(ctx context.Context, told func(kept, sent int, refused []error, err error))
}

// wants reports whether a crossing is for the sink. A clear is, if its rule is.
func (s *Sink) wants(c *crossing.Crossing) bool {
	if c.Shadow() || !c.Cleared() && c.Level < s.MinLevel {
		return false
	}
	return s.Told(c.Rule)
}

// Told reports whether it is told of a rule.
func (s *Sink) Told(rule string) bool {
	return len(s.Rules) == 0 || slices.ContainsFunc(s.Rules, func(pattern string) bool {
		ok, _ := path.Match(pattern, rule) // CheckPattern has looked at it
		return ok
	})
}

// CheckPattern is what is wrong with a pattern of rules' ids.
func CheckPattern(pattern string) error {
	_, err := path.Match(pattern, "")
	return err
}

// Group is the Kafka group of a sink.
func Group(group, sink string) string { return group + "-notify-" + sink }
