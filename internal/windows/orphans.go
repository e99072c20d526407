package windows

// stored says which parts of a counter may exist in the store. Those that the record does not use
// are orphans: left over by a set that emptied, by a history that became small, by Shrink. The
// record remembers them until they are deleted, so that a crash at any point leaves nothing
// forever.
type stored struct {
	chunks  int // chunks 0 to chunks-1
	history bool
}

// orphaned reports whether there are parts beyond the chunks and the history in use.
func (st stored) orphaned(chunks int, history bool) bool {
	return st.chunks > chunks || st.history && !history
}

// orphans appends the parts not in use. Chunks come from the last down: when
// only some are deleted, those to be remembered are still the first ones.
func (st stored) orphans(dst []Part, counter, chunks int, history bool) []Part {
	for at := st.chunks - 1; at >= chunks; at-- {
		dst = append(dst, Part{counter, at})
	}
	if st.history && !history {
		dst = append(dst, Part{counter, -1})
	}
	return dst
}

// delete notes that a chunk, or the history, is gone from the store, unless it is in use again.
func (st *stored) delete(chunk, chunks int, history bool) {
	switch {
	case chunk < 0:
		st.history = history
	case chunk >= chunks && chunk == st.chunks-1:
		st.chunks--
	}
}

// Orphans appends the parts that may exist in the store and that the record
// does not use. They may be deleted by a commit that compares the record; then
// tell Deleted.
func (s *Subject) Orphans(dst []Part) []Part {
	for i, c := range s.counters {
		if c != nil {
			dst = c.stored.orphans(dst, i, c.chunks(), c.history.part)
		}
	}
	for i := range s.foreign {
		h := &s.foreign[i].head
		dst = h.stored.orphans(dst, len(s.counters)+i, h.chunks, h.part)
	}
	return dst
}

// Deleted notes that parts, which Orphans or Shrink named, are gone from the
// store (in their order; any number from the front). The next record forgets them.
func (s *Subject) Deleted(parts []Part) {
	for _, p := range parts {
		s.changed = true
		if p.Counter >= len(s.counters) {
			s.foreign[p.Counter-len(s.counters)].delete(p.Chunk)
		} else if c := s.counters[p.Counter]; c != nil {
			c.stored.delete(p.Chunk, c.chunks(), c.history.part)
		}
	}
}

// Shrink drops all counters, keeping time and the states of rules. It returns the parts that
// had keys of their own, to be deleted: as Orphans does from then on. If a crash may come
// in between, write the record first and delete then. To delete the
// whole subject, delete these parts, and the record together with the last of them.
func (s *Subject) Shrink(dst []Part) []Part {
	for i, c := range s.counters {
		if c == nil {
			continue
		}
		s.dropAll(c)
		c.dropped = noBucket
		if !c.stored.orphaned(0, false) {
			s.counters[i] = nil
		}
	}
	for i := range s.foreign {
		s.foreign[i].dropAll()
	}
	s.slideAt = Never
	s.changed = true
	return s.Orphans(dst)
}
