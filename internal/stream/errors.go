package stream

import (
	"errors"

	"github.com/seed-afe14ff2/aggregator/internal/event"
)

// ErrAhead is what becomes of an event whose time lies too far after its Kafka timestamp.
var ErrAhead = errors.New("time is too far ahead: correct the producer's clock")

// refusal says what becomes of a record that the decoder refused, and why. A time too
// far ahead to be told in nanoseconds is ahead like any other.
func refusal(err error) (verdict, error) {
	if reasonOf(err) == event.ReasonAhead {
		return ahead, err
	}
	return malformed, err
}
