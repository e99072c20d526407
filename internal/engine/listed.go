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

// NearLimit reports whether a counter of the rule has so much that progress may be ListedFrom or more. Where it has not, progress is
// less: so subjects that are far from a limit cost no more than a comparison.
func (r *BoundRule) NearLimit(s *windows.Subject) bool {
	for i, c := range r.Counters {
		if v, _ := s.Value(c); v >= r.near[i] {
			return true
		}
	}
	return false
}

// nearValues are, by limit, what some counter has where progress is ListedFrom: a tenth of its limit, or its part of that where shares
// are added up.
func nearValues(r *thresholds.Rule) (least []uint64) {
	parts := uint64(thresholds.LevelOne / ListedFrom)
	if r.Combine == thresholds.Ratio {
		parts *= uint64(len(r.Limits))
	}
	for _, l := range r.Limits {
		least = append(least, l.Value/parts+min(1, l.Value%parts)) // rounded up
	}
	return least
}
