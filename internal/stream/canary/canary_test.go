package canary

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
)

// way is a Kafka and a service that counts what comes and hands its crossing over. It is in memory.
type way struct {
	canaries   *Canaries
	registry   *prometheus.Registry
	log        bytes.Buffer
	structured bool
	counts     time.Duration // how long counting takes
	lag        time.Duration // of events

	mu   sync.Mutex
	down bool
	sent map[int]int   // canaries in the events topic, by partition
	old  time.Duration // how far before its sending the time of the last one is
	back [][]byte      // crossings in the canaries' topic
}

var errDown = errors.New("kafka is away")

func newWay(t *testing.T) *way {
	t.Helper()
	w := &way{registry: prometheus.NewRegistry(), sent: map[int]int{}, counts: 20 * time.Millisecond}
	m := metrics.New(w.registry, enginetest.Compile(t, enginetest.Builtin(t, "cn-2019-15")))
	w.canaries = New(Options{
		Every: time.Minute, Events: "events", Topic: "canaries", Secret: engine.Secret{K0: 1}, Writer: w, Source: w,
		Message: w.message, Metrics: m.Canary, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	return w
}

func (w *way) message(e *outbox.Entry, partition int) kafka.Message {
	value := e.Value
	if w.structured {
		value = fmt.Appendf(nil, `{"data":%s}`, value)
	}
	return kafka.Message{Value: value, WriterData: partition}
}

// WriteMessages is outbox.MessageWriter's.
func (w *way) WriteMessages(ctx context.Context, _ time.Time, messages ...kafka.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return errDown
	}
	for _, m := range messages {
		if m.Topic == "canaries" {
			w.back = append(w.back, m.Value)
			continue
		}
		w.sent[m.WriterData.(int)]++
		var e struct {
			ID   string
			Time time.Time
		}
		if err := json.Unmarshal(m.Value, &e); err != nil {
			return err
		}
		w.old = time.Since(e.Time)
		go func() {
			retry.Wait(context.WithoutCancel(ctx), w.counts)
			w.canaries.Hand(&outbox.Entry{Canary: true, Value: fmt.Appendf(nil, `{"evidence":{"event":%q}}`, e.ID)})
		}()
	}
	return nil
}

// Open is fetch.Source's, as are the next three.
func (w *way) Open(_ string, _ int, offset int64) fetch.Reader { return &wayReader{way: w, at: offset} }

func (w *way) Offsets(context.Context, string, int) (start, end int64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return 0, 0, errDown
	}
	return 0, int64(len(w.back)), nil
}

func (w *way) OffsetAt(context.Context, string, int, int64) (int64, error) { panic("not asked") }
func (w *way) Partitions(context.Context, string) (int, error)             { panic("not asked") }

// wayReader reads the canaries' topic.
type wayReader struct {
	*way
	at int64
}

// Next is fetch.Reader's, as are the next ones.
func (r *wayReader) Next(ctx context.Context) (fetch.RecordSet, error) {
	retry.Wait(ctx, 10*time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		return nil, errDown
	}
	return r, ctx.Err()
}

func (r *wayReader) Read(_ context.Context, rec *records.Record) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at >= int64(len(r.back)) {
		return false, nil
	}
	*rec = records.Record{Offset: r.at, Value: r.back[r.at]}
	r.at++
	return true, nil
}

func (r *wayReader) Span() (next, end int64) { return r.at, r.at }
func (r *wayReader) SeekTo(int64)            {}
func (r *wayReader) Close()                  {}

// serve lets the canaries of partitions be sent for some time.
func (w *way) serve(t *testing.T, d time.Duration, partitions ...int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go w.canaries.Publish(ctx)
	serving, end := context.WithTimeout(ctx, d)
	defer end()
	lags := Lags{}
	for _, p := range partitions {
		lags[p] = func() time.Duration { return w.lag }
	}
	w.canaries.Serve(serving, lags)
	retry.Wait(t.Context(), w.counts) // what was sent last is counted
	synctest.Wait()
}

// measured is how many canaries came back, and how long they took in all.
func (w *way) measured(t *testing.T) (n uint64, seconds float64) {
	t.Helper()
	h := metricstest.All(t, w.registry, "aggregator_canary_delay_seconds")[0].GetHistogram()
	return h.GetSampleCount(), h.GetSampleSum()
}

// last is when the last canary of a partition came back; 0: it has no series.
func (w *way) last(t *testing.T, partition string) float64 {
	t.Helper()
	for _, s := range metricstest.All(t, w.registry, "aggregator_canary_last_timestamp_seconds") {
		if s.GetLabel()[0].GetValue() == partition {
			return s.GetGauge().GetValue()
		}
	}
	return 0
}

// TestWholeWay: canaries go into each partition at once and then every so often, whatever the generations are, and each that comes back is
// measured, in either form of CloudEvents.
func TestWholeWay(t *testing.T) {
	for _, structured := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWay(t)
			w.structured = structured
			w.serve(t, 150*time.Second, 0, 5)
			w.serve(t, 20*time.Second, 0, 5) // too short for one more
			w.serve(t, 20*time.Second, 5, 6)
			if w.sent[0] != 3 || w.sent[5] != 4 || w.sent[6] != 1 {
				t.Errorf("sent: %v", w.sent)
			}
			n, sum := w.measured(t)
			if n != 8 || sum < 8*0.02 || sum > 8*0.05 {
				t.Errorf("%d came back, in %v s", n, sum)
			}
			if every := metricstest.Series(t, w.registry, "aggregator_canary_every_seconds", "").GetGauge().GetValue(); every != 60 {
				t.Errorf("sent every %v s", every)
			}
			now := float64(time.Now().UnixMilli()) / 1000
			if a, b, c := w.last(t, "0"), w.last(t, "5"), w.last(t, "6"); a != 0 || now-b > 25 || now-c > 25 {
				t.Errorf("last back at %v, %v, %v; now %v", a, b, c, now)
			}
			if w.log.Len() > 0 {
				t.Errorf("log:\n%s", &w.log)
			}
		})
	}
}

// TestTimeOfCanaries: a canary is as far behind as events are, which it must not be ahead of, but by no more than an hour.
func TestTimeOfCanaries(t *testing.T) {
	for lag, want := range map[time.Duration]time.Duration{0: 0, 30 * time.Second: 30 * time.Second, 5 * time.Hour: time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWay(t)
			w.lag = lag
			if w.serve(t, 10*time.Second, 0); w.old != want {
				t.Errorf("events are %v behind: a canary is %v, want %v", lag, w.old, want)
			}
			if n, _ := w.measured(t); n != 1 {
				t.Errorf("events are %v behind: %d came back", lag, n)
			}
		})
	}
}

// TestKafkaAway: canaries that cannot be sent are said to be, and missed. Once Kafka is back they come back. Their series stays.
func TestKafkaAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWay(t)
		w.down = true
		began := float64(time.Now().UnixMilli()) / 1000
		w.serve(t, 90*time.Second, 3)
		if n, _ := w.measured(t); n != 0 || w.last(t, "3") != began {
			t.Errorf("%d came back, the last at %v; it began at %v", n, w.last(t, "3"), began)
		}
		for _, message := range []string{"canary not sent", "canaries not read back"} {
			if !bytes.Contains(w.log.Bytes(), []byte(message)) {
				t.Errorf("no %q in the log:\n%s", message, &w.log)
			}
		}
		w.down = false
		w.serve(t, 90*time.Second, 3)
		if n, _ := w.measured(t); n == 0 || w.last(t, "3") <= began {
			t.Errorf("%d came back, the last at %v; it began at %v", n, w.last(t, "3"), began)
		}
	})
}

// TestHandDoesNotWait: whatever the canaries' topic does, a relay goes on.
func TestHandDoesNotWait(t *testing.T) {
	w := newWay(t)
	for range outMost + 5 {
		w.canaries.Hand(&outbox.Entry{Canary: true, Value: []byte("{}")})
	}
	if n := len(w.canaries.out); n != outMost {
		t.Errorf("%d wait, want %d", n, outMost)
	}
}

// TestCanaryOf: what is no crossing of a canary has no id.
func TestCanaryOf(t *testing.T) {
	for value, want := range map[string]string{
		`{"evidence":{"event":"a"}}`:          "a",
		`{"data":{"evidence":{"event":"b"}}}`: "b",
		`{"evidence":{}}`:                     "",
		`{}`:                                  "",
		`[]`:                                  "",
		``:                                    "",
	} {
		if got := canaryOf(&records.Record{Value: []byte(value)}); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}
