package deadletters

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// Survey reads the dead letters of topics, up to where these end when it begins.
type Survey struct {
	Source   fetch.Source
	Topics   []string
	Progress Progress            // nil: nobody is told
	Each     func(*Letter) error // gets every letter, which is valid until it returns; nil: nobody does

	reasons map[string]*Summary
}

// Summary is what there is of a reason.
type Summary struct {
	Reason      string
	Count       int64
	First, Last time.Time // of the letters' own timestamps
	Example     Letter    // the newest of them, cut so that it can be shown
}

// otherReasons stands for the reasons that are too many.
const otherReasons = "other reasons"

// Run returns a summary of each reason, the most frequent one first.
func (s *Survey) Run(ctx context.Context) ([]Summary, error) {
	s.reasons = map[string]*Summary{}
	var all []stretch
	for _, topic := range s.Topics {
		list, err := whole(ctx, s.Source, topic)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	r := reading{source: s.Source, progress: s.Progress}
	err := r.each(ctx, all, func(at *stretch, x *records.Record) error {
		l := parse(at.topic, at.partition, x)
		s.add(&l)
		if s.Each != nil {
			return s.Each(&l)
		}
		return nil
	})
	return s.sorted(), err
}

// add counts a letter.
func (s *Survey) add(l *Letter) {
	name := l.Reason
	if s.reasons[name] == nil && len(s.reasons) >= reasonsMost || len(name) > exampleMost {
		name = otherReasons
	}
	x := s.reasons[name]
	if x == nil {
		x = &Summary{Reason: strings.Clone(name), First: l.Time, Last: l.Time}
		s.reasons[x.Reason] = x
	}
	x.Count++
	if l.Time.Before(x.First) {
		x.First = l.Time
	}
	if x.Count == 1 || !l.Time.Before(x.Last) {
		x.Last, x.Example = l.Time, l.example()
	}
}

func (s *Survey) sorted() []Summary {
	list := make([]Summary, 0, len(s.reasons))
	for _, x := range s.reasons {
		list = append(list, *x)
	}
	slices.SortFunc(list, func(a, b Summary) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}
