package position

import (
	"math"
	"time"
)

// LaterSince is the later of two times since which counts are whole, ns. 0, from the start, is
// before them all, also before a time before 1970.
func LaterSince(a, b int64) int64 {
	if a == 0 || b != 0 && b > a {
		return b
	}
	return a
}

// SinceTime is a time as a time since which counts are whole, ns. The one time that would mean
// "from the start" is a nanosecond later.
func SinceTime(t int64) int64 {
	if t == 0 {
		return 1
	}
	return t
}

// SinceAfter is the time since which counts are whole that began once events up to a time, ns, had been counted otherwise: the next
// whole millisecond, which reads well. An event of that very time may be one of them.
func SinceAfter(t int64) int64 {
	if t > math.MaxInt64-2*int64(time.Millisecond) || t < math.MinInt64+int64(time.Millisecond) {
		return SinceTime(t) // there is no such time
	}
	next := t + int64(time.Millisecond)
	part := next % int64(time.Millisecond)
	if part < 0 {
		part += int64(time.Millisecond)
	}
	return SinceTime(next - part)
}
