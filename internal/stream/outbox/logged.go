package outbox

import (
	"encoding/json"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// loggedCrossings is how many crossings the log names in ten seconds. The topic has them all.
const loggedCrossings = 10

// log says that a crossing was published, unless many are.
func (p *KafkaPublisher) log(e *Entry) {
	if held, ok := p.Quiet.Pass(); ok {
		p.Log.Info("crossing published", append(e.logged(), "held_back", held)...)
	}
}

// logged is what the log says of a crossing. A log is read by more people than the crossings are, and kept elsewhere. So
// an account is not named there: it is a person. The place of the event leads to it.
func (e *Entry) logged() []any {
	by, subject, _ := strings.Cut(e.Key, "/")
	said := []any{"rule", e.Rule, "by", by}
	if by != thresholds.Account.String() {
		said = append(said, "subject", subject)
	}
	said = append(said, "crossing_level", e.Level, "status", e.Status, "episode", e.episode())
	if topic := e.topic(); topic != "" {
		said = append(said, "topic", topic, "partition", e.Partition, "offset", e.Offset)
	}
	return said
}

// episode is the number of the crossing's episode, which stands before the level at the end of its id.
func (h *Header) episode() string {
	rest := h.ID[:max(0, strings.LastIndexByte(h.ID, '/'))]
	return rest[strings.LastIndexByte(rest, '/')+1:]
}

// topic is the topic of the event that crossed. Only the record has it; a clear has none.
func (e *Entry) topic() string {
	var r struct {
		Evidence struct {
			Topic string `json:"topic"`
		} `json:"evidence"`
	}
	if json.Unmarshal(e.Value, &r) != nil {
		return ""
	}
	return r.Evidence.Topic
}
