package engine

import (
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// ListedFrom is the progress from which on a subject is listed as near a rule's limit.
const ListedFrom = thresholds.LevelOne / 10

// Listed reports whether a subject is listed as near the limit of its rule r, by its progress there: from ListedFrom on, or with
// a level. A subject whose windows have all run empty is not: of that no more may be stored than its levels.
func Listed(s *windows.Subject, r int, progress uint64) bool {
	if progress >= uint64(ListedFrom) {
		return true
	}
	if s.RuleState(r).Level == 0 {
		return false
	}
	now, ok := s.Time()
	return ok && !s.Empty(now)
}
