package deadletters

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// Refusal is a line that cannot be put back.
type Refusal struct {
	Line   int
	Reason string // for which the service would refuse the record; "": it is no line that can be sent anywhere
	Err    error
}

// target is a partition, with what goes into it in the order of the file.
type target struct {
	topic     string
	partition int
	records   []*Record
	byID      map[string]*Record // by the event's identity
	end       int64              // offset up to which the log was looked through
}

// fileReading is a file that is read.
type fileReading struct {
	*PutBack
	judge *judge
	bytes int
}

// Read takes the records of a file, and returns the lines that cannot be put back. If there are any, nothing is to be sent.
func (p *PutBack) Read(ctx context.Context, in io.Reader) ([]Refusal, error) {
	f := fileReading{PutBack: p, judge: newJudge(p.Intake)}
	var refused []Refusal
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 0, 64<<10), LongestLine)
	number := 0
	for scanner.Scan() && ctx.Err() == nil {
		number++
		if len(bytes.TrimSpace(scanner.Bytes())) == 0 {
			continue
		}
		if err := f.take(ctx, number, scanner.Bytes()); err != nil {
			if errors.Is(err, errFile) {
				return nil, err
			}
			refused = append(refused, refusal(number, err))
		}
	}
	if errors.Is(scanner.Err(), bufio.ErrTooLong) {
		return append(refused, Refusal{Line: number + 1, Err: fmt.Errorf("longer than %s bytes", humanize.Number(LongestLine))}), nil
	}
	return refused, errors.Join(scanner.Err(), ctx.Err())
}

func refusal(number int, err error) Refusal {
	r := Refusal{Line: number, Err: err}
	if bad, ok := errors.AsType[*event.Malformed](err); ok {
		r.Reason = bad.Reason
	}
	return r
}

// errFile is what is wrong with more than a line.
var errFile = errors.New("put back")

// take takes one line.
func (f *fileReading) take(ctx context.Context, number int, text []byte) error {
	r, err := parseLine(text)
	if err != nil {
		return err
	}
	if f.Reason != "" && r.Reason != f.Reason {
		f.Totals.Passed++
		return nil
	}
	if err := f.exists(ctx, &r.Origin); err != nil {
		return err
	}
	if err := f.judge.refuse(r, engine.Milliseconds(f.now().UnixNano())); err != nil {
		return err
	}
	r.Line, r.offset = number, -1
	if f.bytes += r.bytes(); f.bytes > fileMost {
		return fmt.Errorf("%w: the file has more than %s bytes of records: split it", errFile, humanize.Number(fileMost))
	}
	f.place(r)
	return nil
}

// exists checks that there is such a partition, of an events topic.
func (f *fileReading) exists(ctx context.Context, at *Place) error {
	if !slices.Contains(f.Topics, at.Topic) {
		return fmt.Errorf("topic %q is not one of kafka.events (%s)", at.Topic, strings.Join(f.Topics, ", "))
	}
	n, known := f.partitions[at.Topic]
	if !known {
		var err error
		if n, err = f.Source.Partitions(ctx, at.Topic); err != nil {
			return fmt.Errorf("%w: %w", errFile, explain.Kafka(err))
		}
		f.partitions[at.Topic] = n
	}
	if at.Partition >= n {
		return fmt.Errorf("there is no partition %d: %s has %d", at.Partition, at.Topic, n)
	}
	return nil
}

// place puts a record behind those of its partition, or notes that the same event is there already.
func (p *PutBack) place(r *Record) {
	i := slices.IndexFunc(p.targets, func(t *target) bool { return t.topic == r.Origin.Topic && t.partition == r.Origin.Partition })
	if i < 0 {
		i = len(p.targets)
		p.targets = append(p.targets, &target{topic: r.Origin.Topic, partition: r.Origin.Partition, byID: map[string]*Record{}})
	}
	t := p.targets[i]
	first := t.byID[r.identity]
	if first != nil {
		r.sameAs, r.Value, r.Headers = first.Line, nil, nil
	} else {
		first, t.byID[r.identity] = r, r
	}
	intake := p.Intake.WithDefaults()
	first.refuse(r, intake.MaxAhead)
	t.records = append(t.records, r)
	p.Totals.Records++
}
