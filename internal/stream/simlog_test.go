package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
)

// simLog is Kafka as consumers see it: the events, of which some are not
// written yet, and the crossings.
type simLog struct {
	world  *simWorld
	events [][]sentEvent // by partition
	there  []int         // how many of them are written
	shown  int           // partitions that the topic has
	opened *simReader    // last
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
func (l *simLog) Open(topic string, partition int, offset int64) fetch.Reader {
	l.opened = &simReader{log: l, topic: topic, partition: partition, next: offset}
	return l.opened
}

func (l *simLog) Offsets(ctx context.Context, topic string, partition int) (start, end int64, err error) {
	return 0, l.end(topic, partition), l.world.call(ctx)
}

func (l *simLog) end(topic string, partition int) int64 {
	switch topic {
	case "crossings":
		return int64(len(l.world.output.published[partition]))
	case "shadow":
		return int64(len(l.world.output.tried[partition]))
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
	if err := l.world.call(ctx); err != nil {
		return 0, err
	}
	return l.partitionsOf(topic), nil
}

func (l *simLog) partitionsOf(topic string) int {
	switch topic {
	case "events":
		return l.partitions()
	case "crossings", "shadow": // a partition for each shard: who reads the end of one holds others up, and here one thing happens at a time
		return simOutPartitions
	}
	return 1
}

// simCluster is the log as a cluster of brokers.
type simCluster struct{ *simLog }

// Topic is cluster's, as are the next ones.
func (c simCluster) Topic(ctx context.Context, topic string) (fetch.Topic, error) {
	if err := c.world.call(ctx); err != nil {
		return fetch.Topic{}, err
	}
	return fetch.Topic{ID: fetch.TopicID{topic[0]}, Partitions: c.partitionsOf(topic)}, nil
}

func (c simCluster) LogEnd(ctx context.Context, topic string, partition int) (int64, error) {
	if err := c.world.call(ctx); err != nil {
		return 0, err
	}
	return c.end(topic, partition), nil
}

func (c simCluster) Ends(context.Context, string, int) (fetch.Ends, error) {
	panic("nothing is measured here")
}

func (c simCluster) OpenTransactions(context.Context, string, int) ([]fetch.OpenTransaction, error) {
	panic("nothing is measured here")
}

func (c simCluster) Timestamp(context.Context, string, int, int64) (int64, error) {
	panic("nothing is measured here")
}

func (c simCluster) LookAt(context.Context, string) (fetch.Topic, error) {
	panic("nothing is measured here")
}

func (c simCluster) Close() {}

// simReader reads a partition of it; it is its own record set.
type simReader struct {
	log       *simLog
	topic     string
	partition int
	next, to  int64
	headers   [1]records.Header
}

func (r *simReader) Next(ctx context.Context) (fetch.RecordSet, error) {
	if err := r.log.world.call(ctx); err != nil {
		return nil, err
	}
	r.to = r.log.end(r.topic, r.partition)
	if !r.log.world.calm {
		r.to = min(r.to, r.next+1+r.log.world.rnd.Int64N(8))
	}
	return r, nil
}

func (r *simReader) Read(_ context.Context, rec *records.Record) (bool, error) {
	if r.next >= r.to {
		return false, nil
	}
	*rec = records.Record{Offset: r.next}
	if r.topic == "crossings" || r.topic == "shadow" {
		x := r.log.world.output.record(r.topic, r.partition, r.next)
		r.headers[0] = records.Header{Key: []byte("ce_id"), Value: []byte(x.id)}
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
	tried     [][]simRecord // crossings of shadow rules by partition
	dead      []simLetter
	canaries  int // handed to their topic
}

// simRecord is a published crossing.
type simRecord struct {
	id, key string
	value   []byte
	by      *simProcess
}

// simLetter is a dead letter: where it came from, and whether it is ahead, not malformed.
type simLetter struct {
	partition, offset int
	ahead             bool
}

// simWriter writes to it for a process.
type simWriter struct {
	*simOutput
	process *simProcess
	tries   bool // it writes to the topic of shadow rules
}

// WriteMessages is messageWriter's. It may fail having written some, or all.
func (o simWriter) WriteMessages(_ context.Context, notAfter time.Time, messages ...kafka.Message) error {
	o.world.between()
	if !notAfter.IsZero() && time.Now().After(notAfter) {
		return simErrors(len(messages), 0, outbox.ErrTooLate)
	}
	n := len(messages)
	failed := o.world.fails()
	if failed {
		n = o.world.rnd.IntN(n + 1)
	}
	switch {
	case o.tries:
		o.world.checkTried(messages[:n])
	case messages[0].Topic == "":
		o.world.checkWrite(o.process, messages[:n])
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
	return simErrors(len(messages), n, errCut)
}

// simErrors are those of messages of which the first are safe.
func simErrors(messages, safe int, err error) error {
	if messages == safe {
		return nil
	}
	errs := make(kafka.WriteErrors, messages)
	for i := safe; i < messages; i++ {
		errs[i] = err
	}
	return errs
}

func (o simWriter) write(m *kafka.Message) {
	if m.Topic == "" {
		r := simRecord{id: header(m.Headers, "ce_id"), key: string(m.Key), value: bytes.Clone(m.Value), by: o.process}
		if p := m.WriterData.(int); o.tries {
			o.tried[p] = append(o.tried[p], r)
		} else {
			o.published[p] = append(o.published[p], r)
		}
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
