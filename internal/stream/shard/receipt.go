package shard

import (
	"bytes"
	"iter"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// receipt is a commit, and of what each of its records and fences is: no answer is read by its position.
type receipt struct {
	commit  *windowstore.Commit
	records []owner // by index in the commit
	fences  []int   // by index in the commit: the partition's
}

// owner is whose a record is: a subject's, or it is the head of an outbox.
type owner struct {
	entry *Entry // nil: of an outbox
	box   int
}

func (r *receipt) record(x windowstore.Record, of owner) {
	r.commit.Records, r.records = append(r.commit.Records, x), append(r.records, of)
}

func (r *receipt) fence(x windowstore.Fence, partition int) {
	r.commit.Fences, r.fences = append(r.commit.Fences, x), append(r.fences, partition)
}

// empty reports whether there is nothing to be written and nothing to be compared.
func (r *receipt) empty() bool { return len(r.commit.Fences) == 0 && len(r.commit.Records) == 0 }

// answer is what the store said to a commit.
type answer uint8

const (
	done   answer = iota // it is in the store
	fenced               // a fence is not what was written: the store went back, or another owner is at work
	stale                // another process has written a record
)

// read returns what the store answered. A refusal may mean that the very same commit was written
// before, by a try whose answer was lost.
func (r *receipt) read(res windowstore.Result) answer {
	switch {
	case res.Outcome == windowstore.Done || r.wroteBefore(res):
		return done
	case res.Outcome == windowstore.Fenced:
		return fenced
	default:
		return stale
	}
}

// wroteBefore reports whether all that differs is what the commit writes: fences and versions are of this commit alone.
func (r *receipt) wroteBefore(res windowstore.Result) bool {
	for _, p := range res.Fences {
		f := &r.commit.Fences[p.Index]
		if f.To == nil || !bytes.Equal(p.Value, f.To) {
			return false
		}
	}
	for _, p := range res.Records {
		if x := &r.commit.Records[p.Index]; x.Value == nil || !bytes.Equal(p.Value, x.Value) {
			return false
		}
	}
	return true
}

// moved are the fences that the commit moves: the partition's, and where to.
func (r *receipt) moved() iter.Seq2[int, []byte] {
	return func(yield func(partition int, to []byte) bool) {
		for i, x := range r.commit.Fences {
			if x.To != nil && !yield(r.fences[i], x.To) {
				return
			}
		}
	}
}

// wrote are the records that the commit writes.
func (r *receipt) wrote() iter.Seq2[owner, []byte] {
	return func(yield func(of owner, value []byte) bool) {
		for i, x := range r.commit.Records {
			if x.Value != nil && !yield(r.records[i], x.Value) {
				return
			}
		}
	}
}

// mismatch is the partition of the first fence that differs, and the fence as stored.
func (r *receipt) mismatch(res windowstore.Result) (partition int, stored []byte) {
	return r.fences[res.Fences[0].Index], res.Fences[0].Value
}

// newer are the records that are not as they were, with what is stored.
func (r *receipt) newer(res windowstore.Result) iter.Seq2[owner, []byte] {
	return func(yield func(of owner, stored []byte) bool) {
		for _, p := range res.Records {
			if !yield(r.records[p.Index], p.Value) {
				return
			}
		}
	}
}
