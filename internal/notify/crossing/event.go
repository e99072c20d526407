package crossing

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Event is the attributes of the CloudEvent around a crossing.
type Event struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"` // the crossing's, percent-encoded where attributes cannot hold it
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject,omitempty"`
	Time            string          `json:"time,omitempty"`
	DataSchema      string          `json:"dataschema,omitempty"`
	DataContentType string          `json:"datacontenttype,omitempty"`
	Data            json.RawMessage `json:"data,omitempty"`

	whole []byte // as it was published; nil: it was not a structured one
}

// ContentType is that of a structured CloudEvent.
const ContentType = "application/cloudevents+json; charset=UTF-8"

// readEvent takes a record apart: its attributes, and the JSON object that it announces.
func readEvent(r *records.Record) (e Event, record []byte, err error) {
	if err := json.Unmarshal(r.Value, &e); err != nil {
		return Event{}, nil, fmt.Errorf("%w: %w", errForeign, err)
	}
	if e.SpecVersion != "" {
		e.whole = append([]byte(nil), r.Value...)
		return e, e.Data, nil
	}
	e = Event{}
	for _, h := range r.Headers {
		if at := e.attribute(string(h.Key)); at != nil {
			*at = string(h.Value)
		}
	}
	return e, r.Value, nil
}

// attribute is where the value of a header goes; nil: it is no attribute that is kept.
func (e *Event) attribute(header string) *string {
	switch header {
	case "ce_specversion":
		return &e.SpecVersion
	case "ce_id":
		return &e.ID
	case "ce_source":
		return &e.Source
	case "ce_type":
		return &e.Type
	case "ce_subject":
		return &e.Subject
	case "ce_time":
		return &e.Time
	case "ce_dataschema":
		return &e.DataSchema
	}
	return nil
}

// fill gives the attributes that a record came without, as one that somebody copied.
func (e *Event) fill(c *Crossing) {
	status := "crossed"
	if c.cleared {
		status = "cleared"
	}
	e.SpecVersion = cmp.Or(e.SpecVersion, "1.0")
	e.ID = cmp.Or(e.ID, c.ID)
	e.Source = cmp.Or(e.Source, "/aggregator")
	e.Type = cmp.Or(e.Type, thresholds.TypeOf(status))
	e.Subject = cmp.Or(e.Subject, c.Key())
	if e.Time == "" && !c.Time.IsZero() {
		e.Time = c.Time.UTC().Format(time.RFC3339Nano)
	}
}

// Structured is the crossing as a structured CloudEvent.
func (c *Crossing) Structured() []byte {
	if c.Event.whole != nil {
		return c.Event.whole
	}
	e := c.Event
	e.DataContentType, e.Data = "application/json", c.Record
	b, err := json.Marshal(e)
	if err != nil {
		panic("BUG: a crossing that is no JSON: " + err.Error())
	}
	return b
}
