package engine

import (
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// Forgettable reports whether the windows of s have been empty so long, by the stream's time and the subject's delay, that its
// record may be deleted. NoTime: it is not known how far the stream is.
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
