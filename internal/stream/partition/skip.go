package partition

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Skip is a place of the log at which what cannot be read is to be passed over.
type Skip struct {
	Topic     string
	Partition int
	Offset    int64
}

// ParseSkip reads TOPIC/PARTITION/OFFSET.
func ParseSkip(text string) (Skip, error) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 || parts[0] == "" {
		return Skip{}, errors.New("write it as TOPIC/PARTITION/OFFSET, as the log says where it stands still")
	}
	x := Skip{Topic: parts[0]}
	var err error
	if x.Partition, err = strconv.Atoi(parts[1]); err != nil || x.Partition < 0 {
		return Skip{}, fmt.Errorf("partition %q is not a number from 0 on", parts[1])
	}
	if x.Offset, err = strconv.ParseInt(parts[2], 10, 64); err != nil || x.Offset < 0 {
		return Skip{}, fmt.Errorf("offset %q is not a number from 0 on", parts[2])
	}
	return x, nil
}

func (x Skip) String() string { return fmt.Sprintf("%s/%d/%d", x.Topic, x.Partition, x.Offset) }

// explainStandstill adds to the reason for which a partition stands still what an operator can do about it. Of a log
// that cannot be read that is the way past it.
func explainStandstill(err error) error {
	if bad, ok := errors.AsType[*fetch.Corrupt](err); ok {
		return fmt.Errorf("%w: what is there was damaged where it is stored; if no replica has it whole, pass it over with `aggregator run -skip %v`",
			err, Skip{bad.Topic, bad.Partition, bad.Offset})
	}
	return explain.Kafka(err)
}

// Stretch is [from, to) of a partition's log.
type Stretch struct{ From, To int64 }

// Stretches are those of a partition that were passed over: rising, and none touches another.
type Stretches []Stretch

// Append writes the stretches as they are stored: "30-33 45-46".
func (s Stretches) Append(dst []byte) []byte {
	for i, x := range s {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(strconv.AppendInt(dst, x.From, 10), '-')
		dst = strconv.AppendInt(dst, x.To, 10)
	}
	return dst
}

// With are the stretches, and those stored in b beside them.
func (s Stretches) With(b []byte) (Stretches, error) {
	for _, text := range strings.Fields(string(b)) {
		from, to, ok := strings.Cut(text, "-")
		x := Stretch{}
		var errs [2]error
		x.From, errs[0] = strconv.ParseInt(from, 10, 64)
		x.To, errs[1] = strconv.ParseInt(to, 10, 64)
		if err := errors.Join(errs[:]...); err != nil || !ok || x.From < 0 || x.To <= x.From {
			return nil, fmt.Errorf("%q in the store is no stretch of a log that was passed over", text)
		}
		s = s.and(x)
	}
	return s, nil
}

// and are the stretches and one more.
func (s Stretches) and(x Stretch) Stretches {
	all := append(slices.Clone(s), x)
	slices.SortFunc(all, func(a, b Stretch) int { return int(max(-1, min(1, a.From-b.From))) })
	merged := all[:1]
	for _, x := range all[1:] {
		if last := &merged[len(merged)-1]; x.From <= last.To {
			last.To = max(last.To, x.To)
		} else {
			merged = append(merged, x)
		}
	}
	return merged
}

// from is the first stretch that ends behind an offset; one at never if there is none.
func (s Stretches) from(offset int64) Stretch {
	for _, x := range s {
		if x.To > offset {
			return x
		}
	}
	return Stretch{math.MaxInt64, math.MaxInt64}
}

// passing reads a partition without the stretches that were passed over, be they readable by now: to whoever
// reads they look like records that the log no longer holds.
type passing struct {
	fetch.Reader
	out  *Stretches
	at   int64           // where the next set begins
	lent fetch.RecordSet // by the reader
	set  passingSet
}

// passedOver is the error that is returned in the place of a stretch.
type passedOver struct{ gone *fetch.OutOfRange }

func (e *passedOver) Error() string { return e.gone.Error() }
func (e *passedOver) Unwrap() error { return e.gone }

// SeekTo is reader's.
func (r *passing) SeekTo(offset int64) {
	r.at, r.lent = offset, nil
	r.Reader.SeekTo(offset)
}

// Next is reader's.
func (r *passing) Next(ctx context.Context) (fetch.RecordSet, error) {
	if r.lent != nil {
		r.at, _ = r.lent.Span()
		r.lent = nil
	}
	next := r.out.from(r.at)
	if next.From <= r.at {
		return nil, &passedOver{&fetch.OutOfRange{Offset: r.at, Start: next.To, End: math.MaxInt64}}
	}
	set, err := r.Reader.Next(ctx)
	if err != nil {
		return nil, err
	}
	if r.lent = set; next.From < engine.Never {
		r.set = passingSet{RecordSet: set, to: next.From}
		r.lent = &r.set
	}
	return r.lent, nil
}

// passingSet is a set as far as the next stretch.
type passingSet struct {
	fetch.RecordSet
	to   int64
	over bool // it is there
}

// Read is recordSet's.
func (s *passingSet) Read(ctx context.Context, r *fetch.Record) (bool, error) {
	if s.over {
		return false, nil
	}
	more, err := s.RecordSet.Read(ctx, r)
	bad, broken := errors.AsType[*fetch.Corrupt](err)
	if s.over = more && r.Next() > s.to || broken && bad.Offset >= s.to; s.over {
		return false, nil
	}
	return more, err
}

// Span is recordSet's.
func (s *passingSet) Span() (next, end int64) {
	next, end = s.RecordSet.Span()
	if s.over {
		next = s.to
	}
	return min(next, s.to), end
}

// Skipper carries out -skip.
type Skipper struct {
	Source fetch.Source
	Store  windowstore.Store
	Shards int
	Log    *slog.Logger
}

// Skip notes what cannot be read at a place as passed over, for whoever reads the partition from now on. What can be read
// is not.
func (k *Skipper) Skip(ctx context.Context, x Skip) error {
	noted, err := k.noted(ctx, x)
	if err != nil {
		return err
	}
	if s := noted.from(x.Offset); s.From <= x.Offset {
		k.Log.Info("passed over before: nothing to skip", "topic", x.Topic, "partition", x.Partition, "from", s.From, "to", s.To)
		return nil
	}
	to, err := k.readableFrom(ctx, x)
	var gone *fetch.OutOfRange
	if to == x.Offset || errors.As(err, &gone) {
		k.Log.Warn("not skipped: nothing at this offset is there that cannot be read", "topic", x.Topic, "partition", x.Partition, "offset", x.Offset)
		return nil
	}
	if err != nil {
		return err
	}
	for n := range k.Shards {
		if err := k.note(ctx, n, x, Stretch{x.Offset, to}); err != nil {
			return err
		}
	}
	k.Log.Warn("passed over what cannot be read, as -skip says", "topic", x.Topic, "partition", x.Partition, "from", x.Offset, "to", to)
	return nil
}

// noted are the stretches of a partition that were passed over before.
func (k *Skipper) noted(ctx context.Context, x Skip) (all Stretches, err error) {
	for n := range k.Shards {
		values, err := k.Store.Load(ctx, n, [][]byte{k.Store.Keys().AppendSkippedKey(nil, n, x.Topic, x.Partition)}, nil)
		if err != nil {
			return nil, err
		}
		if all, err = all.With(values[0]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// note adds a stretch to those that a shard has.
func (k *Skipper) note(ctx context.Context, shard int, x Skip, add Stretch) error {
	key := k.Store.Keys().AppendSkippedKey(nil, shard, x.Topic, x.Partition)
	for {
		values, err := k.Store.Load(ctx, shard, [][]byte{key}, nil)
		if err != nil {
			return err
		}
		all, err := Stretches(nil).With(values[0])
		if err != nil {
			return err
		}
		res, err := k.Store.Commit(ctx, shard, &windowstore.Commit{Fences: []windowstore.Fence{{Key: key, From: values[0], To: all.and(add).Append(nil)}}})
		if err != nil || res.Outcome == windowstore.Done {
			return err
		}
	}
}

// readableFrom is the offset behind what cannot be read at that of x, or that itself: the end of a damaged batch, or
// of what the broker does not give. What is damaged behind it is another place, and for another -skip.
func (k *Skipper) readableFrom(ctx context.Context, x Skip) (int64, error) {
	first, err := k.look(ctx, x, x.Offset)
	if err != nil || first.state == whole {
		return x.Offset, err
	}
	_, end, err := k.Source.Offsets(ctx, x.Topic, x.Partition)
	if err != nil {
		return 0, err
	}
	end = max(end, x.Offset+1)
	if first.state == notGiven {
		return k.givenFrom(ctx, x, end)
	}
	if next := first.end; next > x.Offset+1 && next <= end {
		last, err := k.look(ctx, x, next-1)
		if err != nil {
			return 0, err
		}
		if last.state == damaged && last.end == next {
			return next, nil
		}
	}
	for at := x.Offset + 1; at < end; at++ { // its header is damaged too
		if found, err := k.look(ctx, x, at); err != nil || found.state != damaged {
			return at, err
		}
	}
	return end, nil
}

// givenFrom is the first offset behind that of x of which the broker gives something. How far a damaged length goes only the broker
// can say, which looks from the next place of its index on: it is found by trying.
func (k *Skipper) givenFrom(ctx context.Context, x Skip, end int64) (int64, error) {
	low, high := x.Offset, end // of low it gives nothing
	for step := int64(1); low+step < high; step *= 2 {
		found, err := k.look(ctx, x, low+step)
		if err != nil {
			return 0, err
		}
		if found.state != notGiven {
			high = low + step
			break
		}
		low += step
	}
	for high-low > 1 {
		middle := low + (high-low)/2
		found, err := k.look(ctx, x, middle)
		if err != nil {
			return 0, err
		}
		if found.state != notGiven {
			high = middle
		} else {
			low = middle
		}
	}
	return high, nil
}

// finding is what is at an offset of the log.
type finding struct {
	state condition
	end   int64 // of what is damaged: the offset behind its batch, as its header has it; 0: not known
}

type condition uint8

const (
	whole    condition = iota
	damaged            // a batch that is none, or not as it was written
	notGiven           // nothing, though the log goes on
)

// look finds out whether the log can be read at an offset.
func (k *Skipper) look(ctx context.Context, x Skip, offset int64) (finding, error) {
	stream := k.Source.Open(x.Topic, x.Partition, offset)
	defer stream.Close()
	var r fetch.Record
	for {
		set, err := stream.Next(ctx)
		if bad, ok := errors.AsType[*fetch.Corrupt](err); ok && bad.Offset <= offset {
			return finding{state: notGiven}, nil
		}
		more := false
		if err == nil {
			more, err = set.Read(ctx, &r)
		}
		if bad, ok := errors.AsType[*fetch.Corrupt](err); ok && bad.Offset <= offset {
			return finding{damaged, bad.End}, nil
		} else if ok {
			return finding{}, nil
		}
		if err != nil {
			return finding{}, err
		}
		if next, end := set.Span(); more || next > offset || next >= end {
			return finding{}, nil
		}
	}
}
