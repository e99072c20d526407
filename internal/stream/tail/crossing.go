package tail

import (
	"cmp"
	"encoding/json"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Crossing is a record of the topic.
type Crossing struct {
	Place
	// Record is a JSON object: what was published, without white space, escaped so that it can be shown anywhere. It is made so once, and not
	// again for each who reads it.
	Record []byte

	ID, Rule, By, Subject, Status string // members of the record
}

// Place is where a record stands in the topic. Records are ordered by it.
type Place struct {
	Timestamp int64 // Kafka's, ms
	Partition int
	Offset    int64
}

// Compare orders places: by timestamp, then partition, then offset.
func (p Place) Compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Timestamp, q.Timestamp), cmp.Compare(p.Partition, q.Partition), cmp.Compare(p.Offset, q.Offset))
}

// parse takes the crossing out of a record, which may be a structured CloudEvent; ok is false for a record that is no
// crossing.
func parse(partition int, r *records.Record) (c *Crossing, ok bool) {
	if r.Fault != nil {
		return nil, false
	}
	var envelope struct {
		SpecVersion string          `json:"specversion"`
		Data        json.RawMessage `json:"data"`
	}
	record := r.Value
	if json.Unmarshal(record, &envelope) == nil && envelope.SpecVersion != "" {
		record = envelope.Data
	}
	var x struct {
		ID, Rule, By, Subject, Status string
		Topic, Partition, Offset      json.RawMessage // these stand beside the record where it is shown
	}
	if json.Unmarshal(record, &x) != nil || x.ID == "" || x.Status == "" || x.Topic != nil || x.Partition != nil || x.Offset != nil {
		return nil, false
	}
	return &Crossing{
		Place: Place{r.Timestamp, partition, r.Offset}, Record: showable(record),
		ID: x.ID, Rule: x.Rule, By: x.By, Subject: x.Subject, Status: x.Status,
	}, true
}

// showable is a JSON text as it can be shown anywhere.
func showable(text json.RawMessage) []byte {
	plain, err := json.Marshal(text)
	if err != nil {
		panic("BUG: a record that was read is no JSON: " + err.Error())
	}
	return thresholds.AppendShown(nil, plain)
}

// bytes is about what the crossing takes in memory.
func (c *Crossing) bytes() int {
	const overhead = 300 // the struct, its place in lists and in the index of ids
	return len(c.Record) + len(c.ID) + len(c.Rule) + len(c.By) + len(c.Subject) + len(c.Status) + overhead
}
