package shard

import "context"

// Change has the shard decide by other rules. What it has applied by those of before is committed first, and all that is numbered by
// them is forgotten: subjects are read again. So it is a rewind to the commit just made. Every partition is asked to go to its
// fences, and nothing of it is taken before it comes from there by the same rules: chunks that are under way have other numbers.
//
// Where the commit fails, or is refused, nothing of the batch was counted, and it comes again from the fences.
func (s *Shard) Change(ctx context.Context, to *Options) error {
	err := s.Commit(ctx)
	s.positions.rewind()
	s.cache.reset()
	s.begin(batch{number: s.batch.number + 1, fences: s.batch.fences})
	s.use(to)
	return err
}

// use has every part of the shard work by options.
func (s *Shard) use(o *Options) {
	s.Options, s.cache.Options, s.commits.Options, s.watch.Options = o, o, o, o
	s.apply.Program = o.Program
}
