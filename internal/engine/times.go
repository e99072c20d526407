package engine

import (
	"math"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// Times that are none, as in windows. NoTime stands for a time that is not known, as a newest time
// before the first event. Never stands for a time that does not come.
const (
	NoTime = windows.NoTime
	Never  = windows.Never
)

// Nanoseconds is a Kafka timestamp (ms), which may be anything, as a time (ns), cut to what an int64 can say.
func Nanoseconds(timestamp int64) int64 {
	const ms = int64(time.Millisecond)
	return max(min(timestamp, math.MaxInt64/ms), math.MinInt64/ms) * ms
}

// Milliseconds is a time (ns) in whole milliseconds, of those before it.
func Milliseconds(t int64) int64 { return time.Unix(0, t).UnixMilli() }

// Seconds is a time (ns) in whole seconds, of those before it.
func Seconds(t int64) int64 { return time.Unix(0, t).Unix() }
