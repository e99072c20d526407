package partition

import (
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
)

// Start says where a new group begins to count. A partition that a group gets later begins at its start.
type Start struct {
	Latest bool          // at the ends
	Time   time.Time     // at the first records of that Kafka timestamp or a later one; zero: not so
	Back   time.Duration // the same, of so long ago; 0: not so
}

// Ms is the Kafka timestamp to begin at; false: there is none.
func (s *Start) Ms(now time.Time) (int64, bool) {
	switch {
	case !s.Time.IsZero():
		return s.Time.UnixMilli(), true
	case s.Back > 0:
		return now.Add(-s.Back).UnixMilli(), true
	}
	return 0, false
}

// before is a Kafka timestamp, ms: no record before the place where the group begins has a later one, as far as the start
// tells. Producers may write any, but a clock's timestamps are not after now. NoTime: it begins with the first record.
func (s *Start) before(now time.Time) int64 {
	if ms, timed := s.Ms(now); timed {
		return ms
	}
	if s.Latest {
		return now.UnixMilli()
	}
	return engine.NoTime
}
