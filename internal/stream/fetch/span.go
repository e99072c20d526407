package fetch

// Span is the offset to fetch next, and the end of the log as far as consumers may see.
func (s *Set) Span() (next, end int64) { return s.Next, s.HighWatermark }
