package thresholds

import (
	"strconv"
	"time"
)

// Notice goes with every crossing.
const Notice = "A prompt for human review, not a finding."

// Crossing is the record that announces a level of a rule for a subject, or
// that an episode of it has ended.
type Crossing struct {
	Rule     *Rule
	Subject  string    // the bare id; its kind is Rule.By
	Level    Level     // 0: cleared
	Episode  uint64    // the episode that the level belongs to; of a clear, the episode that ended
	Values   []Value   // by limit of Rule
	From     time.Time // the start of the oldest bucket covered; it may lie before what nanoseconds reach
	Time     int64     // Unix nanoseconds: the subject's time, where the window ends
	Detected int64     // Unix nanoseconds; 0: left out
	Producer string    // the program that found it, with its version; "": left out
	Event    string    // id of the event that crossed; a clear has none

	// Where that event lies in Kafka. Topic "": left out.
	Topic     string
	Partition int
	Offset    int64
}

// Status is "crossed" or "cleared".
func (c *Crossing) Status() string {
	if c.Level == 0 {
		return "cleared"
	}
	return "crossed"
}

// TypeOf is the CloudEvents type of a crossing's record by its status.
func TypeOf(status string) string { return "aggregator.threshold." + status }

// Severity is "warning" below the limit, "critical" from it on, "info" for a clear.
func (c *Crossing) Severity() string {
	switch {
	case c.Level == 0:
		return "info"
	case c.Level < LevelOne:
		return "warning"
	default:
		return "critical"
	}
}

// AppendKey appends by/subject, the record's key in Kafka.
func (c *Crossing) AppendKey(dst []byte) []byte {
	dst = append(dst, c.Rule.By.String()...)
	dst = append(dst, '/')
	return append(dst, c.Subject...)
}

// AppendDedupKey appends rule/by/subject/episode, which the crossings of one
// episode and its clear share.
func (c *Crossing) AppendDedupKey(dst []byte) []byte {
	dst = append(dst, c.Rule.ID...)
	dst = append(dst, '/')
	dst = c.AppendKey(dst)
	dst = append(dst, '/')
	return strconv.AppendUint(dst, c.Episode, 10)
}

// AppendID appends rule/by/subject/episode/level: the same crossing has the
// same id for ever.
func (c *Crossing) AppendID(dst []byte) []byte {
	dst = c.AppendDedupKey(dst)
	dst = append(dst, '/')
	return c.Level.append(dst)
}

// AppendJSON appends the record, version 1, as one JSON object without spaces
// and without a line's end.
func (c *Crossing) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"schema":1`...)
	dst = c.appendIdentity(dst)
	dst = c.appendRule(dst)
	dst = c.appendState(dst)
	dst = c.appendTimes(dst)
	dst = c.appendEvidence(dst)
	dst = appendMember(dst, "notice", Notice)
	return append(dst, '}')
}

func (c *Crossing) appendIdentity(dst []byte) []byte {
	dst = appendMember(dst, "id", string(c.AppendID(nil)))
	dst = appendMember(dst, "dedup_key", string(c.AppendDedupKey(nil)))
	dst = appendMember(dst, "status", c.Status())
	dst = appendMember(dst, "severity", c.Severity())
	return appendMember(dst, "summary", string(c.AppendSummary(nil)))
}

func (c *Crossing) appendRule(dst []byte) []byte {
	dst = appendMember(dst, "pack", c.Rule.Pack.Name)
	dst = appendMember(dst, "rule", c.Rule.ID)
	dst = appendMember(dst, "title", c.Rule.Title)
	dst = appendMember(dst, "cite", c.Rule.Cite)
	if c.Rule.Shadow {
		dst = append(dst, `,"shadow":true`...)
	}
	return dst
}

func (c *Crossing) appendState(dst []byte) []byte {
	dst = appendSubject(dst, c.Rule.By, c.Subject)
	dst = appendStanding(dst, State{c.Level, c.Episode}, c.Rule.Progress(c.Values))
	dst = append(dst, `,"reached":[`...)
	for n, i := range c.reached() {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, c.Rule.Limits[i].Measure.Name)
	}
	dst = append(dst, `],"measures":`...)
	return AppendValues(dst, c.Rule, c.Values)
}

// reached is the indexes of the limits that alone reach the level; none for a clear.
func (c *Crossing) reached() []int {
	if c.Level == 0 {
		return nil
	}
	return c.Rule.Reached(c.Level, c.Values, nil)
}

func (c *Crossing) appendTimes(dst []byte) []byte {
	dst = append(dst, `,"window":{"from":`...)
	dst = appendInstant(dst, c.From, rfc3339)
	dst = append(dst, `,"to":`...)
	dst = appendTime(dst, c.Time, rfc3339)
	dst = append(dst, `},"time":`...)
	dst = appendTime(dst, c.Time, rfc3339)
	if c.Detected != 0 {
		dst = append(dst, `,"detected":`...)
		dst = appendTime(dst, c.Detected, rfc3339Milli)
	}
	if c.Producer != "" {
		dst = appendMember(dst, "producer", c.Producer)
	}
	return dst
}

func (c *Crossing) appendEvidence(dst []byte) []byte {
	dst = append(dst, `,"evidence":{`...)
	if c.Level != 0 {
		dst = append(dst, `"event":`...)
		dst = appendString(dst, c.Event)
		dst = c.appendPlace(dst)
		dst = append(dst, ',')
	}
	dst = append(dst, `"pack_hash":`...)
	dst = appendString(dst, c.Rule.Pack.Hash)
	return append(dst, '}')
}

func (c *Crossing) appendPlace(dst []byte) []byte {
	if c.Topic == "" {
		return dst
	}
	dst = appendMember(dst, "topic", c.Topic)
	dst = append(dst, `,"partition":`...)
	dst = strconv.AppendInt(dst, int64(c.Partition), 10)
	dst = append(dst, `,"offset":`...)
	return strconv.AppendInt(dst, c.Offset, 10)
}
