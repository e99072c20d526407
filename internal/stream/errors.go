package stream

import "errors"

// ErrAhead is what becomes of an event whose time lies too far after its Kafka timestamp.
var ErrAhead = errors.New("time is too far ahead: correct the producer's clock")

// ReasonAhead is its reason in metrics and dead letters, beside those of event.Reasons.
const ReasonAhead = "ahead"
