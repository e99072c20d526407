package deadletters

import (
	"bytes"
	"strconv"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
)

// Place is where a record is.
type Place struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
}

// Letter is a dead letter. Its bytes are those of the record that it was read from.
type Letter struct {
	At      Place
	Time    time.Time // when it was written
	Origin  Place     // where its record was refused; the topic is "" if the letter does not say it
	Reason  string
	Message string // what is wrong, as a sentence
	Cut     int64  // bytes of a value that was left out; 0: it is there
	Key     []byte
	Value   []byte
	Headers []event.Header // the producer's
}

// noReason is the reason of a record that is no dead letter of the service.
const noReason = "no-reason"

// parse makes a letter of a record of a dead-letter topic.
func parse(topic string, number int, r *records.Record) Letter {
	l := Letter{
		At: Place{topic, number, r.Offset}, Time: time.UnixMilli(r.Timestamp).UTC(), Origin: Place{Offset: -1}, Reason: noReason,
		Key: r.Key, Value: r.Value,
	}
	for _, h := range r.Headers {
		l.header(h)
	}
	if r.Fault != nil && l.Cut == 0 {
		l.Cut = max(r.Fault.Value, 0)
	}
	if l.Reason == noReason && l.Message == "" {
		l.Message = "not written by aggregator: it has no header " + partition.HeaderReason
	}
	return l
}

// header takes one header. The service's own come last, so the last one of a name is the service's.
func (l *Letter) header(h records.Header) {
	switch text := string(h.Value); string(h.Key) {
	case partition.HeaderTopic:
		l.Origin.Topic = text
	case partition.HeaderPartition:
		if n, err := strconv.Atoi(text); err == nil {
			l.Origin.Partition = n
		}
	case partition.HeaderOffset:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			l.Origin.Offset = n
		}
	case partition.HeaderReason:
		if l.Reason = text; text == "" {
			l.Reason = noReason
		}
	case partition.HeaderMessage:
		l.Message = text
	case partition.HeaderCut:
		l.Cut, _ = strconv.ParseInt(text, 10, 64) // 0: it does not say how much
	default:
		if name := partition.Restored(string(h.Key)); name != "" {
			l.Headers = append(l.Headers, event.Header{Key: []byte(name), Value: h.Value})
		}
	}
}

// example is a copy of the letter, cut so that it can be shown.
func (l *Letter) example() Letter {
	x := *l
	x.Key, x.Value, x.Headers = cutShort(l.Key), cutShort(l.Value), nil
	x.Message = string(cutShort([]byte(l.Message)))
	return x
}

// cutShort is a copy of the beginning of b. It ends between two characters, if these are UTF-8.
func cutShort(b []byte) []byte {
	if len(b) <= exampleMost {
		return bytes.Clone(b)
	}
	n := exampleMost
	for n > exampleMost-4 && b[n]&0xc0 == 0x80 {
		n--
	}
	return append(bytes.Clone(b[:n]), " ..."...)
}
