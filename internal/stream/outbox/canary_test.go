package outbox

import (
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// TestFormats: which format an entry has, by what all who may publish it read.
func TestFormats(t *testing.T) {
	for _, x := range []struct {
		read   Formats
		canary bool
		want   Format
		ok     bool
	}{
		{OldestFormats(), false, FormatRecord, true},
		{Formats{Header: true}, false, FormatHeader, true},
		{Formats{Header: true, Canary: true}, false, FormatHeader, true},
		{Formats{Canary: true}, false, FormatRecord, true},
		{OldestFormats(), true, FormatCanary, false},
		{Formats{Header: true}, true, FormatCanary, false},
		{Formats{Canary: true}, true, FormatCanary, true},
	} {
		if got, ok := x.read.Of(x.canary); got != x.want || ok != x.ok {
			t.Errorf("read %+v, canary %v: %d, %v", x.read, x.canary, got, ok)
		}
	}
}

// handed are the ids of the canaries that were handed over.
type handed []string

func (h *handed) Hand(e *Entry) { *h = append(*h, e.ID) }

// TestCanaryEntry: the entry of a canary says that it is one, and does not come into the topic of crossings, whether anybody takes it or not.
func TestCanaryEntry(t *testing.T) {
	c := crossingOf("canary-3", thresholds.LevelOne)
	e, err := ParseEntry(AppendEntry(nil, FormatCanary, 7, c))
	if err != nil || !e.Canary || e.Timestamp != 7 || e.ID != string(c.AppendID(nil)) {
		t.Fatalf("%+v, %v", e, err)
	}
	other, err := ParseEntry(AppendEntry(nil, FormatHeader, 7, crossingOf("a", thresholds.LevelOne)))
	if err != nil || other.Canary {
		t.Fatalf("%+v, %v", other, err)
	}
	l := &lateTopic{}
	p := l.publisher(t)
	var got handed
	for _, takes := range []Canaries{nil, &got} {
		p.Canaries = takes
		if err := p.Write(t.Context(), time.Time{}, 0, []Entry{e}); err != nil {
			t.Error(err)
		}
	}
	if err := p.Write(t.Context(), time.Time{}, 0, []Entry{e, other, e}); err != nil {
		t.Error(err)
	}
	if len(got) != 3 || got[0] != e.ID || len(l.ids) != 1 || l.ids[0] != other.ID {
		t.Errorf("%v handed over, %v in the topic", got, l.ids)
	}
}

// TestCanaryBehindCrossing: a canary behind a crossing that cannot be published is not handed over, and once when it can be.
func TestCanaryBehindCrossing(t *testing.T) {
	e, _ := ParseEntry(AppendEntry(nil, FormatCanary, 7, crossingOf("canary-3", thresholds.LevelOne)))
	other, _ := ParseEntry(AppendEntry(nil, FormatHeader, 7, crossingOf("a", thresholds.LevelOne)))
	l := &lateTopic{}
	p := l.publisher(t)
	var got handed
	p.Canaries = &got
	for l.err = errCut; len(got) == 0; l.err = nil {
		if err := p.Write(t.Context(), time.Time{}, 0, []Entry{other, e}); (err != nil) != (l.err != nil) || err != nil && len(got) > 0 {
			t.Fatalf("error %v, %v handed over", err, got)
		}
	}
	if len(got) != 1 {
		t.Errorf("handed over: %v", got)
	}
}
