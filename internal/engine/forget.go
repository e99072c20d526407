package engine

import (
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// Forgettable reports whether the record of s may be deleted. Its windows must have been empty for
// long enough, by the stream's time and the subject's delay. NoTime: it is not known how far the
// stream is.
func Forgettable(s *windows.Subject, streamTime int64) bool {
	empty := s.Reached(streamTime)
	if empty < NoTime+int64(ForgetAfter) {
		return false
	}
	empty -= int64(ForgetAfter)
	t, ok := s.Time()
	return !ok || t < empty && s.Empty(empty)
}

// ForgetAfter is how long a subject's windows have been empty, by the
// stream's time, when its record is deleted.
const ForgetAfter = 24 * time.Hour
