package engine

import (
	"fmt"
	"strconv"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/event"
)

// tooNew reports whether a time lies more than most after another (all ns).
func tooNew(at, after int64, most time.Duration) bool {
	return at > after && uint64(at)-uint64(after) > uint64(most) // the difference may not fit a signed one
}

// AheadOf says that an event's time (ns) lies too far past its record's Kafka timestamp (ms). Either may be the wrong one.
func AheadOf(at, timestamp int64, most time.Duration) error {
	return aheadError(at, most, "the record's Kafka timestamp, "+instant(timestamp), timestampRemedy(at, timestamp, most))
}

// aheadOfNow says that an event's time lies too far past now (both ns).
func aheadOfNow(at, now int64, most time.Duration) error {
	return aheadError(at, most, "now, "+rfc3339(time.Unix(0, now)), "correct the clock that gave it")
}

func aheadError(at int64, most time.Duration, what, remedy string) error {
	return &event.Malformed{
		Reason: event.ReasonAhead, Member: "time", Offset: -1,
		Detail: fmt.Sprintf("%s is more than max_ahead (%s) past %s; %s", rfc3339(time.Unix(0, at)), most, what, remedy),
	}
}

// firstKafka is when the first version of Kafka came out, ms. No record is older.
const firstKafka = 1_293_840_000_000 // 2011-01-01

// timestampRemedy is what to do about a Kafka timestamp (ms) that an event's time (ns) is ahead of. Which of the two is wrong
// is not known, unless the timestamp cannot be right.
func timestampRemedy(at, timestamp int64, most time.Duration) string {
	const least, end = 100_000_000, 10_000_000_000 // seconds: of 1973 and of 2286
	switch {
	case least <= timestamp && timestamp < end && !tooNew(at, Nanoseconds(timestamp*1_000), most):
		return "the timestamp is in seconds for milliseconds: have its producer multiply it by 1,000"
	case timestamp < firstKafka:
		return "the timestamp is older than Kafka: have its producer set it right, in milliseconds since 1970"
	}
	return "one of the two is wrong: correct the clock that gave the event its time, or the record its timestamp"
}

// instant is a Kafka timestamp (ms) as a time and as the number.
func instant(timestamp int64) string {
	number := strconv.FormatInt(timestamp, 10)
	t := time.UnixMilli(timestamp).UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return number // no time of RFC 3339
	}
	return rfc3339(t) + " (" + number + ")"
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
