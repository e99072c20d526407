package engine

import (
	"bytes"
	"encoding/hex"
	"strconv"

	"github.com/dchest/siphash"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// IsCanary reports whether the event is a canary, by its type. It moves the stream's time, whoever sent it.
func (in *Intake) IsCanary() bool { return string(in.Event.Type) == thresholds.CanaryType }

// CountCanaries makes canaries of a partition be counted, by a subject of its own. Without it they only move the stream's time.
func (in *Intake) CountCanaries(partition int) {
	in.canaries = &canaries{secret: in.matcher.secret, partition: partition, subject: AppendCanarySubject(nil, partition), adds: []Addition{{num: 1}}}
}

// canaries makes operations of the canaries of a partition.
type canaries struct {
	secret    Secret
	partition int
	subject   []byte
	adds      []Addition
	id        []byte
	op        [1]Operation
}

// operations are those of a canary; none if it is not counted, or if it is none that the service sent to this partition.
func (c *canaries) operations(e *event.Event) []Operation {
	if c == nil {
		return nil
	}
	c.id = AppendCanaryID(c.id[:0], c.secret, c.partition, e.Time)
	if !bytes.Equal(c.id, e.ID) {
		return nil
	}
	c.op[0] = Operation{Kind: thresholds.Canary, ID: c.subject, Event: e.ID, Time: e.Time, Adds: c.adds}
	return c.op[:]
}

// AppendCanarySubject appends the id of the subject by which the canaries of a partition are counted.
func AppendCanarySubject(dst []byte, partition int) []byte {
	return strconv.AppendInt(append(dst, "canary-"...), int64(partition), 10)
}

// AppendCanaryID appends the id of the canary that is sent to a partition at some time, ns. It ends with a digest that only those can make
// who have the secret. So nobody else can have canaries counted: he could flood their topic.
func AppendCanaryID(dst []byte, s Secret, partition int, at int64) []byte {
	begin := len(dst)
	dst = append(AppendCanarySubject(dst, partition), '-')
	dst = append(strconv.AppendInt(dst, at, 10), '-')
	var digest [8]byte
	sum := siphash.Hash(s.K0, s.K1, dst[begin:])
	for i := range digest {
		digest[i] = byte(sum >> (8 * i))
	}
	return hex.AppendEncode(dst, digest[:])
}

// renew begins a new episode of a canary's subject, so that each canary is announced.
func renew(s *Subject) {
	if state := s.RuleState(0); state.Level > 0 {
		state.Level, state.Episode = 0, state.Episode+1
		s.SetRuleState(0, state)
	}
}
