package windows

import "math"

// A subject that lags behind the stream must not be cleared or forgotten between its own events.
// (It may be an upload from a device that was offline, or a backlog ordered by customer.) So it has
// a delay, and whatever the stream's time does to it comes so much later. The delay is no signed
// number. From an event of 1678 to a stream of 2261 there are more nanoseconds than an int64 holds.

// Delay is how far the stream's time was past the subject's newest event when that was applied, ns.
func (s *times) Delay() uint64 { return s.delay }

// Follow notes how far an event of time t lags behind the stream, whose time has reached stream
// with it. An event older than the subject's time changes nothing. Follow is to be called after
// clears that are due have moved the subject's time, and before the event does.
func (s *Subject) Follow(t, stream int64) {
	if s.timed && t < s.time {
		return
	}
	delay := uint64(0)
	if stream > t {
		delay = uint64(stream) - uint64(t)
	}
	if delay != s.delay {
		s.delay, s.changed = delay, true
	}
}

// Reached is the time up to which a stream's time makes something of the subject due: its delay earlier, or the first time of all.
func (s *times) Reached(stream int64) int64 {
	if sinceFirst := uint64(stream) - 1<<63; sinceFirst < s.delay {
		return NoTime
	}
	return int64(uint64(stream) - s.delay)
}

// Awaits is the stream's time at which what is due at time t is reached: the delay later, or the last time of all.
func (s *times) Awaits(t int64) int64 {
	if untilLast := math.MaxInt64 - uint64(t); untilLast < s.delay {
		return Never
	}
	return int64(uint64(t) + s.delay)
}
