package partition

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// telling is what partitions share whose log is kept. said gives its lines since it was last asked, each from a word on.
func telling(t *testing.T) (s *Shared, said func(from string) []string) {
	t.Helper()
	var log bytes.Buffer
	s = sharing(t, &fetchtest.Log{}, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	return s, func(from string) (lines []string) {
		for line := range strings.Lines(log.String()) {
			_, rest, _ := strings.Cut(strings.TrimSpace(line), " "+from+"=")
			lines = append(lines, rest)
		}
		log.Reset()
		return lines
	}
}

// TestNamesTypes: the log names each type that no rule counts once, for all partitions. Of many at once it holds most back. They are
// named when their next event comes.
func TestNamesTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, said := telling(t)
		partitions := []*Partition{s.New(shard.NewAssignment("events", 0, 0, 1)), s.New(shard.NewAssignment("events", 1, 1, 1))}
		offset := int64(0)
		take := func(p int, kind string) {
			t.Helper()
			r := &records.Record{Offset: offset, Timestamp: 1, Value: fmt.Appendf(nil, `{"id":"%d","time":"1970-01-01T00:00:00Z","type":%q,"incident":"A"}`, offset, kind)}
			if offset++; partitions[p].take(t.Context(), r) != nil {
				t.Error("it is not taken")
			}
		}
		f := func(want ...string) {
			t.Helper()
			if got := said("offset"); strings.Join(got, "; ") != strings.Join(want, "; ") {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		take(0, "click")
		take(0, "share")
		take(0, "share")
		take(1, "share")
		take(1, "leak")
		take(0, "leak")
		f("1 held_back=0", "4 held_back=0")
		for i := range namedTypesAtOnce {
			take(i%2, fmt.Sprint("made-up-", i))
		}
		if got := said("offset"); len(got) != namedTypesAtOnce-2 {
			t.Errorf("%d lines", len(got))
		}
		<-time.After(retry.ThrottleEvery)
		offset = 100
		take(0, fmt.Sprint("made-up-", namedTypesAtOnce-1))
		take(1, "made-up-1")
		f("100 held_back=2")

		// No more types are remembered than a bound.
		for i := range 3 * namedTypes {
			<-time.After(retry.ThrottleEvery)
			take(i%2, fmt.Sprint("x", i))
		}
		if n := len(said("offset")); n != 3*namedTypes || len(s.uncounted.types) > namedTypes || len(partitions[0].named) > namedTypes {
			t.Errorf("%d lines; %d types remembered", n, len(s.uncounted.types))
		}
	})
}

// TestNamesReasons: the log says of each reason once that there are dead letters, and after some time again, with how many there were.
func TestNamesReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, said := telling(t)
		s.Dead = &heldLetters{}
		p := s.New(shard.NewAssignment("events", 0, 0, 1))
		offset := int64(0)
		add := func(reason string) {
			t.Helper()
			p.letters.add(p.Assignment, &records.Record{Offset: offset}, &event.Malformed{Reason: reason, Detail: "with an id"})
			offset++
		}
		f := func(want ...string) {
			t.Helper()
			if err := p.flushDeadLetters(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := said("reason"); strings.Join(got, "; ") != strings.Join(want, "; ") {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		add(event.ReasonSyntax)
		add(event.ReasonSyntax)
		add(event.ReasonGzip)
		f("syntax topic=events partition=0 offset=0 held_back=0", "gzip topic=events partition=0 offset=2 held_back=0")
		<-time.After(letterLoggedEvery - 1)
		add(event.ReasonSyntax)
		f()
		<-time.After(1)
		add(event.ReasonSyntax)
		f("syntax topic=events partition=0 offset=4 held_back=2")
	})
}

// TestNamesWhatIsSafe: a dead letter that Kafka does not have is not named.
func TestNamesWhatIsSafe(t *testing.T) {
	s, said := telling(t)
	s.Dead = &deafLetters{fails: 1}
	p := s.New(shard.NewAssignment("events", 0, 0, 1))
	p.letters.add(p.Assignment, &records.Record{}, errors.New("no event"))
	if err := p.flushDeadLetters(t.Context()); !errors.Is(err, fetchtest.ErrDown) || len(said("reason")) > 0 {
		t.Errorf("error %v", err)
	}
}
