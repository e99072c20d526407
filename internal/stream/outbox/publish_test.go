package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
)

// lateTopic is a topic of one partition in which the last records are not replicated until they have been asked for some times.
// It is written to by a writer that answers with an error.
type lateTopic struct {
	fetch.Source
	ids   []string
	shown int // replicated
	asked int
	at    int64
	err   error
}

func (l *lateTopic) end(context.Context, string, int) (int64, error) { return int64(len(l.ids)), nil }

func (l *lateTopic) Offsets(context.Context, string, int) (start, end int64, err error) {
	return 0, int64(l.shown), nil
}

func (l *lateTopic) Open(_ string, _ int, offset int64) fetch.Reader { l.at = offset; return l }

func (l *lateTopic) Next(context.Context) (fetch.RecordSet, error) {
	if l.asked++; l.asked > 3 {
		l.shown = len(l.ids)
	}
	return l, nil
}

func (l *lateTopic) Read(_ context.Context, r *records.Record) (bool, error) {
	if l.at == int64(l.shown) {
		return false, nil
	}
	r.Headers, r.Value = nil, fmt.Appendf(nil, `{"id":%q}`, l.ids[l.at])
	l.at++
	return true, nil
}

func (l *lateTopic) Span() (next, end int64) { return l.at, int64(l.shown) }
func (l *lateTopic) SeekTo(int64)            {}
func (l *lateTopic) Close()                  {}

func (l *lateTopic) WriteMessages(_ context.Context, _ time.Time, messages ...kafka.Message) error {
	for _, m := range messages {
		var e struct{ ID string }
		if err := json.Unmarshal(m.Value, &e); err != nil {
			return err
		}
		l.ids = append(l.ids, e.ID)
	}
	return l.err
}

func (l *lateTopic) publisher(t *testing.T) *KafkaPublisher {
	p := enginetest.Compile(t, "{pack: p, measures: {c: {sum: count, types: [click]}}, rules: [{id: r, by: incident, window: 1d, step: 1h, limits: {c: 9}}]}")
	return NewKafkaPublisher("crossings", l, l, l.end, metrics.New(prometheus.NewRegistry(), p).Outbox)
}

func entriesOf(ids ...string) (list []Entry) {
	for _, id := range ids {
		e, err := ParseEntry(storedEntry(0, fmt.Appendf(nil, `{"id":%q}`, id)))
		if err != nil {
			panic(err)
		}
		list = append(list, e)
	}
	return list
}

// TestTailIsReadToItsEnd: crossings that are in the log, but not with all replicas yet, are among those that were published.
func TestTailIsReadToItsEnd(t *testing.T) {
	l := &lateTopic{ids: []string{"a", "b", "c"}, shown: 1}
	p := l.publisher(t)
	if err := p.LoadRecent(t.Context(), 0, 1); err != nil {
		t.Fatal(err)
	}
	if err := p.Write(t.Context(), time.Time{}, 0, entriesOf("b", "c", "d")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "c", "d"}; !slices.Equal(l.ids, want) {
		t.Errorf("the topic has %v, want %v", l.ids, want)
	}
}

// TestTailIsReadThoughItIsLate: a broker that takes long to say where the log ends takes nothing from what is read; what it has not shown by then is
// not waited for.
func TestTailIsReadThoughItIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lateTopic{ids: []string{"a", "b", "c"}, shown: 2, asked: -100}
		p := l.publisher(t)
		p.End = func(ctx context.Context, topic string, partition int) (int64, error) {
			<-time.After(tailPatience + time.Second)
			return l.end(ctx, topic, partition)
		}
		if err := errors.Join(p.LoadRecent(t.Context(), 0, 1), p.Write(t.Context(), time.Time{}, 0, entriesOf("b", "c", "d"))); err != nil {
			t.Fatal(err)
		}
		if want := []string{"a", "b", "c", "c", "d"}; !slices.Equal(l.ids, want) {
			t.Errorf("the topic has %v, want %v", l.ids, want)
		}
	})
}

// TestUnknownOutcomeIsLookedUp: after an error the topic says what of a write is there, before it is written again.
func TestUnknownOutcomeIsLookedUp(t *testing.T) {
	l := &lateTopic{err: errors.New("connection lost")}
	p := l.publisher(t)
	if err := errors.Join(p.LoadRecent(t.Context(), 0, 1)); err != nil {
		t.Fatal(err)
	}
	if err := p.Write(t.Context(), time.Time{}, 0, entriesOf("a", "b")); err == nil {
		t.Fatal("no error")
	}
	l.err = nil
	if err := errors.Join(p.LoadRecent(t.Context(), 0, 1), p.Write(t.Context(), time.Time{}, 0, entriesOf("a", "b", "c"))); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(l.ids, want) {
		t.Errorf("the topic has %v, want %v", l.ids, want)
	}
}

func TestBatchOf(t *testing.T) {
	f := func(want int, sizes ...int) {
		t.Helper()
		var messages []kafka.Message
		for _, n := range sizes {
			messages = append(messages, kafka.Message{Value: make([]byte, n)})
		}
		if got := batchOf(messages); got != want {
			t.Errorf("%v: got %d, want %d", sizes, got, want)
		}
	}
	f(1, 10)
	f(3, 10, 10, 10)
	f(1, BatchBytes+1, 10)
	f(1, 10, BatchBytes)
	f(2, 10, BatchBytes-10, 1)
}
