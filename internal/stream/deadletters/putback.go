package deadletters

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
)

// PutBack puts repaired records back into their events topics. Read comes first, then Run.
type PutBack struct {
	Source   fetch.Source
	Log      Appender
	Topics   []string // those of events
	Intake   engine.IntakeOptions
	Reason   string   // of the lines that are taken; "": all
	DryRun   bool     // nothing is sent
	Progress Progress // of looking through the log; nil: nobody is told
	// Told gets what became of each record, as soon as it is known.
	Told   func(*Outcome) error
	Now    func() time.Time // time.Now by default
	Totals Totals           // so far

	partitions map[string]int // by topic
	targets    []*target
}

// NewPutBack puts records back into topics that a source reads and a log takes.
func NewPutBack(source fetch.Source, log Appender, topics []string) *PutBack {
	return &PutBack{Source: source, Log: log, Topics: topics, partitions: map[string]int{}}
}

// Appender writes one batch, in order, to the partition that its messages name, and returns the offset of the first.
// After an error it may be there or not.
type Appender interface {
	Append(ctx context.Context, messages ...kafka.Message) (offset int64, err error)
}

// Totals counts records by what became of them.
type Totals struct {
	Records  int // that were read, without Passed
	Sent     int // by this run; with DryRun, that would be
	There    int // found in the log
	Repeated int // of the same event as an earlier line
	Passed   int // of other reasons
}

// Left is how many are still to be sent.
func (t *Totals) Left() int { return t.Records - t.Sent - t.There - t.Repeated }

// The results of an Outcome.
const (
	ResultSent     = "sent"
	ResultToSend   = "to-send" // of a dry run
	ResultThere    = "there"
	ResultRepeated = "repeated"
)

// Outcome is what became of a record.
type Outcome struct {
	Line      int    `json:"line"`
	Result    string `json:"result"`
	SameAs    int    `json:"same_as,omitempty"` // the line that has the same event
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    *int64 `json:"offset,omitempty"` // where it is in the log
	Letter    *Place `json:"letter,omitempty"`
}

// AppendJSON appends it as a line.
func (o *Outcome) AppendJSON(dst []byte) []byte { return append(append(dst, marshal(o)...), '\n') }

func (p *PutBack) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

// Run sends what is not in the log yet. If it fails, Totals has how far it came; running it again is safe.
func (p *PutBack) Run(ctx context.Context) error {
	if err := p.lookThrough(ctx); err != nil {
		return err
	}
	for _, t := range p.targets {
		for _, r := range t.records {
			if err := p.tellKnown(r); err != nil {
				return err
			}
		}
	}
	if p.DryRun {
		return nil
	}
	for _, t := range p.targets {
		if err := p.send(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// tellKnown tells of a record of which it is known what becomes of it before anything is sent.
func (p *PutBack) tellKnown(r *Record) error {
	switch {
	case r.sameAs != 0:
		p.Totals.Repeated++
		return p.tell(r, ResultRepeated)
	case r.offset >= 0:
		p.Totals.There++
		return p.tell(r, ResultThere)
	case p.DryRun:
		p.Totals.Sent++
		return p.tell(r, ResultToSend)
	}
	return nil
}

func (p *PutBack) tell(r *Record, result string) error {
	o := &Outcome{Line: r.Line, Result: result, SameAs: r.sameAs, Topic: r.Origin.Topic, Partition: r.Origin.Partition, Letter: r.Letter}
	if r.offset >= 0 {
		o.Offset = &r.offset
	}
	if err := p.Told(o); err != nil {
		return fmt.Errorf("%w: %w", errTold, err)
	}
	return nil
}

// errTold is that nobody can be told what became of a record.
var errTold = errors.New("write output")

// patience is for how long sending to a partition is tried that does not succeed. A request takes up to 40 s by itself.
const patience = time.Minute

// send sends what a partition does not have yet. After an error it is open whether the records under way are in the log. So they are
// looked for before they are sent again.
func (p *PutBack) send(ctx context.Context, t *target) error {
	pause := retry.Backoff{First: 200 * time.Millisecond, Most: 5 * time.Second}
	failing := time.Time{} // since when
	for {
		before := p.Totals.Sent
		err := p.sendMissing(ctx, t)
		if err == nil || ctx.Err() != nil || final(err) {
			return err
		}
		if p.Totals.Sent > before || failing.IsZero() {
			failing = time.Now()
			pause.Reset()
		}
		if time.Since(failing) > patience {
			return err
		}
		pause.Wait(ctx)
		if err := p.lookAgain(ctx, t); err != nil {
			return err
		}
	}
}

// sendMissing sends them, a batch at a time.
func (p *PutBack) sendMissing(ctx context.Context, t *target) error {
	var batch []*Record
	size := 0
	for _, r := range t.records {
		if r.sameAs != 0 || r.offset >= 0 {
			continue
		}
		if n := r.bytes(); size+n > outbox.BatchBytes && len(batch) > 0 {
			if err := p.post(ctx, batch); err != nil {
				return err
			}
			batch, size = batch[:0], 0
		}
		batch, size = append(batch, r), size+r.bytes()
	}
	if len(batch) == 0 {
		return nil
	}
	return p.post(ctx, batch)
}

// post sends a batch. If it is larger than the topic takes, it is sent in halves.
func (p *PutBack) post(ctx context.Context, batch []*Record) error {
	messages := make([]kafka.Message, len(batch))
	for i, r := range batch {
		messages[i] = r.message()
	}
	first, err := p.Log.Append(ctx, messages...)
	if tooLargeForTopic(err) && len(batch) > 1 {
		half := len(batch) / 2
		if err := p.post(ctx, batch[:half]); err != nil {
			return err
		}
		return p.post(ctx, batch[half:])
	}
	if err != nil {
		return fmt.Errorf("put %s back: %w", linesOf(batch), explain.Kafka(err))
	}
	for i, r := range batch {
		if err := p.arrived(r, first+int64(i)); err != nil {
			return err
		}
	}
	return nil
}

func linesOf(batch []*Record) string {
	if len(batch) == 1 {
		return fmt.Sprintf("line %d", batch[0].Line)
	}
	return fmt.Sprintf("lines %d to %d", batch[0].Line, batch[len(batch)-1].Line)
}

// arrived notes that a record is in the log.
func (p *PutBack) arrived(r *Record, offset int64) error {
	r.offset = offset
	p.Totals.Sent++
	return p.tell(r, ResultSent)
}

func tooLargeForTopic(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
}

// final reports errors that no further attempt cures.
func final(err error) bool {
	if answer, ok := errors.AsType[kafka.Error](err); ok {
		return !answer.Temporary()
	}
	return errors.Is(err, errTold) || fetch.Refused(err)
}
