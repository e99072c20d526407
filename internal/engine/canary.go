package engine

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/dchest/siphash"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// IsCanary reports whether the event is a canary, by its type. It moves the stream's time, whoever sent it.
func (in *Intake) IsCanary() bool { return string(in.Event.Type) == thresholds.CanaryType }

// CountCanaries makes canaries of a partition be counted, by a subject of its own. Without it they only move the stream's time.
func (in *Intake) CountCanaries(partition int) {
	in.canaries = &canaries{secret: in.matcher.secret, partition: partition, window: in.IDs.Window, subject: AppendCanarySubject(nil, partition), adds: []Addition{{num: 1}}}
}

// canaries makes operations of the canaries of a partition.
type canaries struct {
	secret    Secret
	partition int
	window    int64 // ms, for which ids are remembered
	subject   []byte
	adds      []Addition
	id        []byte
	op        [1]Operation
}

// operations are those of a canary whose record has a timestamp, ms; none if it is not counted, or if it is none that the service sent to
// this partition. A copy is a repeat for as long as ids are remembered, and too old from then on.
func (c *canaries) operations(e *event.Event, stamp int64) []Operation {
	if c == nil {
		return nil
	}
	sent, ok := canarySent(e.ID)
	c.id = AppendCanaryID(c.id[:0], c.secret, c.partition, sent)
	if !ok || !bytes.Equal(c.id, e.ID) || e.Time > sent || e.Time < sent-int64(CanaryLag) || stamp-Milliseconds(sent) > c.window {
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

// CanaryLag bounds how far a canary's time is before it is sent. A backfill of old events would hold clears up for longer.
const CanaryLag = time.Hour

// canarySent is when a canary was sent, ns, as its id says.
func canarySent(id []byte) (at int64, ok bool) {
	end := bytes.LastIndexByte(id, '-')
	if end < 0 {
		return 0, false
	}
	begin := bytes.LastIndexByte(id[:end], '-') + 1
	at, err := strconv.ParseInt(string(id[begin:end]), 10, 64)
	return at, err == nil
}

// renew begins a new episode of a canary's subject, so that each canary is announced.
func renew(s *Subject) {
	if state := s.RuleState(0); state.Level > 0 {
		state.Level, state.Episode = 0, state.Episode+1
		s.SetRuleState(0, state)
	}
}
