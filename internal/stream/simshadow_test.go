package stream

import (
	"bytes"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// Some rules are shadow rules. Their crossings are written to a topic of their own, and never to the other. There
// they are compared with the oracle's as the others are.

// simCrossings are those that a topic must have.
type simCrossings struct {
	records map[string]string   // by id; where subjects are shared, only the ids are true
	order   map[string][]string // ids by key
}

func newSimCrossings() simCrossings {
	return simCrossings{records: map[string]string{}, order: map[string][]string{}}
}

// record is one of either topic.
func (o *simOutput) record(topic string, partition int, offset int64) *simRecord {
	if topic == "shadow" {
		return &o.tried[partition][offset]
	}
	return &o.published[partition][offset]
}

// checkTried looks at crossings that are about to be written to the topic of shadow rules.
func (w *simWorld) checkTried(messages []kafka.Message) {
	for i := range messages {
		if err := crossingFault(&messages[i]); err != nil {
			w.breaks(err)
		}
		if !bytes.Contains(messages[i].Value, []byte(`"shadow":true`)) {
			w.breaks(fmt.Errorf("a crossing of no shadow rule: %s", messages[i].Value))
		}
	}
}
