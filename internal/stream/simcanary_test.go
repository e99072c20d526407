package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Some events are canaries, of which some were not sent by the service. The oracle has the stream's time moved by all of them. Those of the
// service are counted exactly, and their crossings are handed to the canaries' topic, never to the topic of crossings.

// simSecret is the key of the fingerprints, and of canaries.
var simSecret = engine.Secret{K0: 1, K1: 2}

// simCanaries takes what relays hand to the canaries' topic.
type simCanaries struct{ world *simWorld }

// Hand is outbox.Canaries'.
func (c simCanaries) Hand(e *outbox.Entry) {
	var x struct{ Evidence struct{ Event string } }
	if err := json.Unmarshal(e.Value, &x); err != nil {
		c.world.breaks(err)
	}
	if !c.world.truth.canaries[x.Evidence.Event] {
		c.world.breaks(fmt.Errorf("not a canary of the service, or not to be counted: %s", e.Value))
	}
	c.world.output.canaries++
}

// canary notes a canary that was not refused, if the service sent it, as its id tells, no longer ago than ids are remembered.
func (t *simTruth) canary(partition int, e *sentEvent) {
	var x struct {
		ID   string
		Time time.Time
	}
	if err := json.Unmarshal(e.value, &x); err != nil {
		panic(err)
	}
	if strings.HasPrefix(x.ID, "canary-") && e.millis-x.Time.UnixMilli() <= t.kind.intake.DedupeWindow.Milliseconds() {
		t.canaries[x.ID] = true
		t.counted[partition]++
	}
}

// checkCanaries compares how many canaries of each partition are stored.
func (w *simWorld) checkCanaries(ctx context.Context) error {
	var wrong []error
	stored := inspect.Reader{Program: w.truth.kind.program, Store: w.store, Shards: simShards}
	for p, want := range w.truth.counted {
		id := string(engine.AppendCanarySubject(nil, p))
		list, err := stored.Standings(ctx, nil, thresholds.Canary, id)
		got := uint64(0)
		if len(list) == 1 {
			got = list[0].Values[0].Value
		}
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case got != want:
			wrong = append(wrong, fmt.Errorf("%d canaries of partition %d, want %d", got, p, want))
		}
	}
	return errors.Join(wrong...)
}
