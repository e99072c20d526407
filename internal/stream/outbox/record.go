package outbox

import (
	"encoding/json"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// record is what of a crossing's record an entry of FormatRecord has as its header.
type record struct {
	ID      string      `json:"id"`
	Status  string      `json:"status"`
	By      string      `json:"by"`
	Subject string      `json:"subject"`
	Time    string      `json:"time"`
	Rule    string      `json:"rule"`
	Level   json.Number `json:"level"`

	Evidence struct {
		Partition int   `json:"partition"`
		Offset    int64 `json:"offset"`
	} `json:"evidence"`
}

// parseRecord reads the header from the record, which is all that the entry has.
func (e *Entry) parseRecord(b []byte) error {
	if !json.Valid(b) {
		return ErrDamaged
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	e.Header = Header{
		ID: r.ID, Key: r.By + "/" + r.Subject, Status: r.Status, Time: r.Time, Rule: r.Rule, Level: r.Level.String(),
		Partition: r.Evidence.Partition, Offset: r.Evidence.Offset,
	}
	e.Value = b
	return nil
}

// crossingID is the id of a published crossing, in either CloudEvents form, as its attribute has it.
func crossingID(r *records.Record) string {
	for _, h := range r.Headers {
		if string(h.Key) == "ce_id" {
			return string(h.Value)
		}
	}
	var published record
	if json.Unmarshal(r.Value, &published) != nil {
		return ""
	}
	return published.ID
}
