package engine

import (
	"errors"

	"github.com/seed-afe14ff2/aggregator/internal/event"
)

// Refusal is the verdict on a record that is no event to be counted, and why. A time too
// far ahead to be told in nanoseconds is ahead like any other.
func Refusal(err error) (Verdict, error) {
	if ReasonOf(err) == event.ReasonAhead {
		return Ahead, err
	}
	return Malformed, err
}

// NoTimestamp is what Kafka has for the timestamp of a record without one.
const NoTimestamp = -1

// ErrNoTimestamp is what is wrong with such a record: of it nothing could be said to be ahead.
var ErrNoTimestamp = &event.Malformed{
	Reason: event.ReasonTimestamp, Offset: -1,
	Detail: "the record has no Kafka timestamp (-1); have its producer set one, in milliseconds since 1970, " +
		"or have Kafka set it: message.timestamp.type=LogAppendTime on the topic",
}

// ReasonOf is the reason (event.Reason...) of an error of Refusal, of AheadOf or of a replay, as metrics and dead letters tell it.
func ReasonOf(err error) string {
	var m *event.Malformed
	if errors.As(err, &m) {
		return m.Reason
	}
	return event.ReasonAhead
}
