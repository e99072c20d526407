package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
)

// simLog is Kafka as consumers see it: the events, of which some are not
// written yet, and the crossings.
type simLog struct {
	world  *simWorld
	events [][]sentEvent // by partition
	there  []int         // how many of them are written
	shown  int           // partitions that the topic has
}

func newSimLog(w *simWorld) *simLog {
	l := &simLog{world: w, events: w.truth.events}
	l.there, l.shown = slices.Clone(w.truth.begins), w.truth.partitions
	return l
}

func (l *simLog) partitions() int { return l.shown }

// grow gives the topic one more partition, if there is one to come. It may hold events at once.
func (l *simLog) grow() { l.shown = min(l.shown+1, len(l.events)) }

func (l *simLog) growAll() { l.shown = len(l.events) }

// produce writes the next n events of a partition.
func (l *simLog) produce(partition, n int) {
	l.there[partition] = min(l.there[partition]+n, len(l.events[partition]))
}

func (l *simLog) produceAll() {
	for p := range l.events {
		l.there[p] = len(l.events[p])
	}
}

// Open is source's, as are the next three.
func (l *simLog) Open(topic string, partition int, offset int64) reader {
	return &simReader{log: l, topic: topic, partition: partition, next: offset}
}

func (l *simLog) Offsets(ctx context.Context, topic string, partition int) (start, end int64, err error) {
	return 0, l.end(topic, partition), l.world.call(ctx)
}

func (l *simLog) end(topic string, partition int) int64 {
	if topic == "crossings" {
		return int64(len(l.world.output.published[partition]))
	}
	return int64(l.there[partition])
}

func (l *simLog) OffsetAt(ctx context.Context, _ string, partition int, ms int64) (int64, error) {
	written := l.events[partition][:l.there[partition]]
	i := slices.IndexFunc(written, func(e sentEvent) bool { return e.millis >= ms })
	if i < 0 {
		i = len(written)
	}
	return int64(i), l.world.call(ctx)
}

func (l *simLog) Partitions(ctx context.Context, topic string) (int, error) {
	if topic == "crossings" {
		return simOutPartitions, l.world.call(ctx)
	}
	return l.partitions(), l.world.call(ctx)
}

// simReader reads a partition of it; it is its own record set.
type simReader struct {
	log       *simLog
	topic     string
	partition int
	next, to  int64
	headers   [1]fetch.Header
}

func (r *simReader) Next(ctx context.Context) (recordSet, error) {
	if err := r.log.world.call(ctx); err != nil {
		return nil, err
	}
	r.to = r.log.end(r.topic, r.partition)
	if !r.log.world.calm {
		r.to = min(r.to, r.next+1+r.log.world.rnd.Int64N(8))
	}
	return r, nil
}

func (r *simReader) Read(_ context.Context, rec *fetch.Record) (bool, error) {
	if r.next >= r.to {
		return false, nil
	}
	*rec = fetch.Record{Offset: r.next}
	if r.topic == "crossings" {
		x := &r.log.world.output.published[r.partition][r.next]
		r.headers[0] = fetch.Header{Key: []byte("ce_id"), Value: []byte(x.id)}
		rec.Value, rec.Headers = x.value, r.headers[:]
	} else {
		e := &r.log.events[r.partition][r.next]
		rec.Timestamp, rec.Value = e.millis, e.value
	}
	r.next++
	return true, nil
}

func (r *simReader) Span() (next, end int64) { return r.next, r.log.end(r.topic, r.partition) }
func (r *simReader) SeekTo(offset int64)     { r.next = offset }
func (r *simReader) Close()                  {}

const simOutPartitions = 2

// simOutput is Kafka as producers see it: crossings and dead letters.
type simOutput struct {
	world     *simWorld
	published [][]simRecord // crossings by partition
	dead      []simLetter
}

// simRecord is a published crossing.
type simRecord struct {
	id, key string
	value   []byte
}

// simLetter is a dead letter: where it came from, and whether it is ahead, not malformed.
type simLetter struct {
	partition, offset int
	ahead             bool
}

// WriteMessages is messageWriter's. It may fail having written some, or all.
func (o *simOutput) WriteMessages(_ context.Context, messages ...kafka.Message) error {
	o.world.between()
	n := len(messages)
	failed := o.world.fails()
	if failed {
		n = o.world.rnd.IntN(n + 1)
	}
	for i := range messages[:n] {
		o.write(&messages[i])
	}
	o.world.between()
	switch {
	case !failed:
		return nil
	case o.world.rnd.IntN(2) == 0:
		return errCut
	}
	errs := make(kafka.WriteErrors, len(messages))
	for i := n; i < len(messages); i++ {
		errs[i] = errCut
	}
	if n == len(messages) {
		return nil
	}
	return errs
}

func (o *simOutput) write(m *kafka.Message) {
	if m.Topic == "" {
		r := simRecord{id: header(m.Headers, "ce_id"), key: string(m.Key), value: bytes.Clone(m.Value)}
		p := m.WriterData.(int)
		o.published[p] = append(o.published[p], r)
		return
	}
	at := func(name string) int {
		n, err := strconv.Atoi(header(m.Headers, "__connect.errors."+name))
		if err != nil {
			panic(err)
		}
		return n
	}
	o.dead = append(o.dead, simLetter{at("partition"), at("offset"), header(m.Headers, "aggregator.reason") == event.ReasonAhead})
}

// checkDead compares the dead letters with those due: each record at least once, with its reason.
func (o *simOutput) checkDead(want map[simLetter]bool) error {
	got := map[simLetter]bool{}
	for _, l := range o.dead {
		if got[l] = true; !want[l] {
			return fmt.Errorf("%+v is no dead letter", l)
		}
	}
	if len(got) != len(want) {
		return errors.New("dead letters are missing")
	}
	return nil
}
