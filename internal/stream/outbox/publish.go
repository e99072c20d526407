package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/api"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// KafkaPublisher writes crossings to Kafka. All crossings of a shard go to one
// partition, so that they keep their order. Ids that were at the end of the topic when a relay
// began, or were written since, are not written again.
type KafkaPublisher struct {
	Writer     MessageWriter
	Source     fetch.Source
	End        func(ctx context.Context, topic string, partition int) (int64, error) // of the log, replicated or not
	Topic      string
	EventsFrom string           // ce_source
	Structured bool             // CloudEvents in the value, not in the headers
	Now        func() time.Time // time.Now by default
	Metrics    *metrics.Outbox
	Log        *slog.Logger   // of crossings that were published; nothing by default
	Quiet      retry.Throttle // of these lines
	Canaries   Canaries       // nil: they are dropped
	Most       int            // ids remembered for each partition of the topic, and records read at its end; RecentMost by default

	mu    sync.Mutex
	tails map[int]*tail // by partition
}

// NewKafkaPublisher publishes to the topic of a writer, which a source reads and whose logs end where end says. Nothing is known of the topic yet.
func NewKafkaPublisher(topic string, w MessageWriter, s fetch.Source, end func(ctx context.Context, topic string, partition int) (int64, error), m *metrics.Outbox) *KafkaPublisher {
	return &KafkaPublisher{
		Writer: w, Source: s, End: end, Topic: topic, Now: time.Now, Metrics: m,
		Log: slog.New(slog.DiscardHandler), Quiet: retry.Throttle{Most: loggedCrossings}, Most: RecentMost, tails: map[int]*tail{},
	}
}

// MessageWriter writes to Kafka, as *Producer does.
type MessageWriter interface {
	WriteMessages(ctx context.Context, notAfter time.Time, messages ...kafka.Message) error
}

// Canaries takes the crossings of canaries, which have a topic of their own.
type Canaries interface {
	// Hand does not wait: what cannot be taken is dropped. A canary is missed then, and no crossing waits for it.
	Hand(e *Entry)
}

// tail is what is known of the end of a partition.
type tail struct {
	reading sync.Mutex
	read    int64 // when it was read last, by the caller's count
	ids     recentIDs
}

// attributeID is the id as the CloudEvent has it.
func (h *Header) attributeID() string { return attributeText(h.ID) }

// attributeSubject is the subject as the CloudEvent has it.
func (h *Header) attributeSubject() string { return attributeText(h.Key) }

// LoadRecent reads the ids at the end of a partition, once for each since, a growing number of the caller.
func (p *KafkaPublisher) LoadRecent(ctx context.Context, partition int, since int64) error {
	t := p.tailOf(partition)
	t.reading.Lock()
	defer t.reading.Unlock()
	if t.read >= since {
		return nil
	}
	if err := p.readTail(ctx, t, partition); err != nil {
		return err
	}
	t.read = since
	return nil
}

// readTail reads the ids at the end of a partition. What is in the log and not
// replicated yet belongs to it: crossings of which the acknowledgement was lost, or did not
// come before their process died. It is waited for, for as long as a broker that is gone may
// hold it up. What can be read is read, however late it is: a broker may be slow to say where the log ends.
func (p *KafkaPublisher) readTail(ctx context.Context, t *tail, partition int) error {
	start, end, err := p.Source.Offsets(ctx, p.Topic, partition)
	if err != nil {
		return err
	}
	at, late := max(start, end-int64(p.Most)), time.Now().Add(tailPatience)
	stream := p.Source.Open(p.Topic, partition, at)
	defer stream.Close()
	for {
		if end, err = p.End(ctx, p.Topic, partition); err != nil || at >= end {
			return err
		}
		for more := true; more && at < end; {
			set, err := stream.Next(ctx)
			if err != nil {
				return fmt.Errorf("read the end of %s/%d: %w", p.Topic, partition, err)
			}
			if err := p.remember(ctx, t, set); err != nil {
				return err
			}
			next, _ := set.Span()
			at, more = next, next > at
		}
		if at < end && time.Now().After(late) {
			return nil
		}
	}
}

// tailPatience is how long the end of the topic is waited for. Kafka takes a
// broker that is gone out of the replicas after 9 s, one that lags after 30, by default.
const tailPatience = 40 * time.Second

// remember notes the ids of a set.
func (p *KafkaPublisher) remember(ctx context.Context, t *tail, set fetch.RecordSet) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var record records.Record
	for {
		more, err := set.Read(ctx, &record)
		if err != nil || !more {
			return err
		}
		if id := crossingID(&record); record.Fault == nil && id != "" {
			t.ids.add(id)
		}
	}
}

func (p *KafkaPublisher) tailOf(partition int) *tail {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tails[partition]
	if t == nil {
		t = &tail{ids: newRecentIDs(p.Most)}
		p.tails[partition] = t
	}
	return t
}

// Write is Publisher's.
func (p *KafkaPublisher) Write(ctx context.Context, notAfter time.Time, partition int, entries []Entry) error {
	messages := make([]kafka.Message, 0, len(entries))
	written := make([]*Entry, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		if e.Canary {
			continue
		}
		if p.wasPublished(partition, e.attributeID()) {
			p.Metrics.RepeatSkipped()
			continue
		}
		messages, written = append(messages, p.Message(e, partition)), append(written, e)
	}
	if len(messages) > 0 {
		if err := p.send(ctx, notAfter, messages, partition, written); err != nil {
			return err
		}
	}
	for _, e := range written {
		p.Metrics.Crossing(e.Told(p.Now().UnixMilli() - e.Timestamp))
		p.log(e)
	}
	p.handCanaries(entries)
	return nil
}

// handCanaries hands canaries over. It comes last: a canary that is back says that the crossings before it are in their topic.
func (p *KafkaPublisher) handCanaries(entries []Entry) {
	for i := range entries {
		if entries[i].Canary && p.Canaries != nil {
			p.Canaries.Hand(&entries[i])
		}
	}
}

// send writes messages, and remembers those that are safe even if others are not.
// After an error the end of the topic must be read again, before they are sent again.
func (p *KafkaPublisher) send(ctx context.Context, notAfter time.Time, messages []kafka.Message, partition int, written []*Entry) error {
	err := p.Writer.WriteMessages(ctx, notAfter, messages...)
	t := p.tailOf(partition)
	if err != nil {
		t.reading.Lock()
		t.read = 0
		t.reading.Unlock()
	}
	var each kafka.WriteErrors
	if err != nil && !errors.As(err, &each) {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range written {
		if each == nil || each[i] == nil {
			t.ids.add(written[i].attributeID())
		}
	}
	return err
}

func (p *KafkaPublisher) wasPublished(partition int, id string) bool {
	t := p.tailOf(partition)
	p.mu.Lock()
	defer p.mu.Unlock()
	return t.ids.has(id)
}

// Message is the Kafka record of a crossing: CloudEvents 1.0, binary or structured.
func (p *KafkaPublisher) Message(e *Entry, partition int) kafka.Message {
	kind := thresholds.TypeOf(e.Status)
	m := kafka.Message{Key: []byte(e.Key), Value: e.Value, WriterData: partition}
	if p.Structured {
		m.Headers = []kafka.Header{{Key: "content-type", Value: []byte("application/cloudevents+json; charset=UTF-8")}}
		m.Value = p.structure(e, kind)
		return m
	}
	for _, h := range [][2]string{
		{"ce_specversion", "1.0"},
		{"ce_id", e.attributeID()},
		{"ce_source", p.EventsFrom},
		{"ce_type", kind},
		{"ce_subject", e.attributeSubject()},
		{"ce_time", e.Time},
		{"ce_dataschema", api.CrossingSchema},
		{"content-type", "application/json"},
	} {
		m.Headers = append(m.Headers, kafka.Header{Key: h[0], Value: []byte(h[1])})
	}
	return m
}

func (p *KafkaPublisher) structure(e *Entry, kind string) []byte {
	b, err := json.Marshal(struct {
		SpecVersion     string          `json:"specversion"`
		ID              string          `json:"id"`
		Source          string          `json:"source"`
		Type            string          `json:"type"`
		Subject         string          `json:"subject"`
		Time            string          `json:"time"`
		DataSchema      string          `json:"dataschema"`
		DataContentType string          `json:"datacontenttype"`
		Data            json.RawMessage `json:"data"`
	}{"1.0", e.attributeID(), p.EventsFrom, kind, e.attributeSubject(), e.Time, api.CrossingSchema, "application/json", e.Value})
	if err != nil {
		panic("BUG: a crossing that is no JSON: " + err.Error())
	}
	return b
}

// oldest is the Kafka timestamp of the first of entries, ms; 0: there is none.
func oldest(entries []Entry) int64 {
	if len(entries) == 0 {
		return 0
	}
	return entries[0].Timestamp
}
