package crossing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Crossing is a record of the topic.
type Crossing struct {
	Partition int
	Offset    int64
	Timestamp int64 // Kafka's, ms

	Event  Event  // the CloudEvent around it
	Record []byte // a JSON object, as it was published

	ID, DedupKey    string
	Severity        string
	Summary         string
	Pack, Rule      string
	Title, Cite     string
	By, Subject     string
	Level           thresholds.Level // 0: cleared
	Episode         uint64
	Time            time.Time // when it was crossed; of a clear, its date
	Measures        []Measure // in the record's order
	Notice          string
	cleared, shadow bool
}

// Measure is what a measure came to, and its limit.
type Measure struct {
	Name         string
	Value, Limit json.Number
}

// Key is the subject with its kind. Crossings of one key are delivered in order.
func (c *Crossing) Key() string { return c.By + "/" + c.Subject }

// Cleared reports whether it ends an episode.
func (c *Crossing) Cleared() bool { return c.cleared }

// Shadow reports whether it is of a rule that only tries out what it would announce.
func (c *Crossing) Shadow() bool { return c.shadow }

// Size is about what it takes in memory, bytes.
func (c *Crossing) Size() int {
	const overhead = 1024 // the struct, its texts, its place in queues
	return len(c.Record) + overhead
}

// errForeign is about a record that is no crossing.
var errForeign = errors.New("it is no crossing")

// body is the members that are read of a record. The other ones go with it as they are.
type body struct {
	ID       string      `json:"id"`
	DedupKey string      `json:"dedup_key"`
	Status   string      `json:"status"`
	Severity string      `json:"severity"`
	Summary  string      `json:"summary"`
	Pack     string      `json:"pack"`
	Rule     string      `json:"rule"`
	Title    string      `json:"title"`
	Cite     string      `json:"cite"`
	By       string      `json:"by"`
	Subject  string      `json:"subject"`
	Level    json.Number `json:"level"`
	Episode  uint64      `json:"episode"`
	Time     time.Time   `json:"time"`
	Measures measures    `json:"measures"`
	Notice   string      `json:"notice"`
	Shadow   bool        `json:"shadow"`
}

// Parse takes the crossing out of a record. What it returns does not point into the record.
func Parse(partition int, r *records.Record) (*Crossing, error) {
	if r.Fault != nil {
		return nil, fmt.Errorf("%w: %w", errForeign, r.Fault)
	}
	event, record, err := readEvent(r)
	if err != nil {
		return nil, err
	}
	if len(event.ID) > idMost {
		return nil, fmt.Errorf("%w: the event's id is longer than %d bytes", errForeign, idMost)
	}
	c, err := parseBody(record)
	if err != nil {
		return nil, err
	}
	c.Partition, c.Offset, c.Timestamp = partition, r.Offset, r.Timestamp
	c.Event = event
	c.Event.fill(c)
	return c, nil
}

// Of is the crossing of a record that came from nowhere, in an event of its own.
func Of(record []byte) (*Crossing, error) {
	c, err := parseBody(record)
	if err != nil {
		return nil, err
	}
	c.Event.fill(c)
	return c, nil
}

// parseBody reads the JSON object of a record.
func parseBody(record []byte) (*Crossing, error) {
	var b body
	if err := json.Unmarshal(record, &b); err != nil {
		return nil, fmt.Errorf("%w: %w", errForeign, err)
	}
	level, known := thresholds.ParseLevel(b.Level.String())
	switch {
	case b.ID == "" || b.Rule == "" || b.By == "":
		return nil, fmt.Errorf("%w: id, rule or by is missing", errForeign)
	case b.Status != "crossed" && b.Status != "cleared":
		return nil, fmt.Errorf("%w: its status is neither crossed nor cleared", errForeign)
	case !known:
		return nil, fmt.Errorf("%w: its level is none", errForeign)
	case max(len(b.ID), len(b.DedupKey), len(b.Subject), len(b.Rule), len(b.By), len(b.Pack)) > idMost:
		return nil, fmt.Errorf("%w: an id of it is longer than %d bytes", errForeign, idMost)
	case !b.Time.IsZero() && (b.Time.UTC().Year() < 1 || b.Time.UTC().Year() > lastYear):
		return nil, fmt.Errorf("%w: no crossing is of the year %d", errForeign, b.Time.UTC().Year())
	}
	return &Crossing{
		Record: bytes.Clone(bytes.TrimSpace(record)),
		ID:     b.ID, DedupKey: b.DedupKey, Severity: b.Severity, Summary: b.Summary, Pack: b.Pack, Rule: b.Rule, Title: b.Title, Cite: b.Cite,
		By: b.By, Subject: b.Subject, Level: level, Episode: b.Episode, Time: b.Time, Measures: b.Measures, Notice: b.Notice,
		cleared: b.Status == "cleared", shadow: b.Shadow,
	}, nil
}

// measures keeps the order of the record.
type measures []Measure

// UnmarshalJSON is json.Unmarshaler's.
func (m *measures) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("measures are no object: %w", err)
	}
	*m = nil
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var v struct {
			Value json.Number `json:"value"`
			Limit json.Number `json:"limit"`
		}
		if err := d.Decode(&v); err != nil {
			return err
		}
		*m = append(*m, Measure{Name: name.(string), Value: v.Value, Limit: v.Limit})
	}
	return nil
}
