package overview

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Overview is how a deployment does.
type Overview struct {
	StreamTime int64 // ns; NoTime: nothing was matched yet, or that is not known
	Partitions []Partition
	Outbox     Outbox
}

// Partition is how far a partition of an events' topic is counted.
type Partition struct {
	Topic     string
	Partition int
	Owner     string // who has it: client id and host; "": nobody
	Offset    int64  // up to which all shards have counted it; -1: not known
	End       int64  // of its log
	Lag       int64  // records not counted yet; -1: not known
	Oldest    int64  // Kafka timestamp of the oldest of them, ms; NoTime: there is none, or it is not known

	from int64 // where the first of them is
}

// Outbox is the crossings that wait to be published.
type Outbox struct {
	Entries uint64
	Oldest  int64 // Kafka timestamp of the event of the oldest, ms; NoTime: none waits
}

// Reader reads overviews.
type Reader struct {
	Store  store
	Shards int
	Events []string // topics
	Log    log
	Group  group
}

// store is what a reader needs of the store.
type store interface {
	windowstore.Atomic
	Keys() windowstore.Keys
}

// log is what is asked of Kafka about the events' topics.
type log interface {
	Partitions(ctx context.Context, topic string) (int, error)
	Ends(ctx context.Context, topic string, partition int) (fetch.Ends, error)
	Timestamp(ctx context.Context, topic string, partition int, offset int64) (int64, error)
}

// group knows who has which partition.
type group interface {
	Owners(ctx context.Context) (map[position.TopicPartition]string, error)
}

// atOnce is how many partitions are asked about at a time.
const atOnce = 8

// Read reads how the deployment does now. An error is one of the store or of Kafka.
func (r *Reader) Read(ctx context.Context) (*Overview, error) {
	partitions, err := r.AllPartitions(ctx)
	if err != nil {
		return nil, err
	}
	var (
		o       = Overview{Partitions: make([]Partition, len(partitions))}
		owners  map[position.TopicPartition]string
		ends    = make([]fetch.Ends, len(partitions))
		stored  = make([]stored, len(partitions))
		g, each = errgroup.WithContext(ctx)
	)
	g.SetLimit(atOnce)
	g.Go(func() (err error) { o.Outbox, err = r.outbox(each); return err })
	g.Go(func() (err error) { owners, err = r.Group.Owners(each); return err })
	g.Go(func() error { return r.fences(each, partitions, stored) })
	for i, at := range partitions {
		g.Go(func() (err error) { ends[i], err = r.Log.Ends(each, at.Topic, at.Partition); return err })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	reach := position.NewReach()
	for i, at := range partitions {
		o.Partitions[i] = newPartition(at, owners[at], &stored[i], ends[i])
		reach.Add(&stored[i].furthest)
	}
	o.StreamTime = reach.Time()
	r.age(ctx, &o)
	return &o, nil
}

// AllPartitions are those of all topics.
func (r *Reader) AllPartitions(ctx context.Context) (list []position.TopicPartition, err error) {
	for _, topic := range r.Events {
		n, err := r.Log.Partitions(ctx, topic)
		if err != nil {
			return nil, err
		}
		for p := range n {
			list = append(list, position.TopicPartition{Topic: topic, Partition: p})
		}
	}
	return list, nil
}

// newPartition puts together what is known of a partition. What its log has lost is not waited for.
func newPartition(at position.TopicPartition, owner string, s *stored, ends fetch.Ends) Partition {
	p := Partition{Topic: at.Topic, Partition: at.Partition, Owner: owner, Offset: -1, End: ends.End, Lag: -1, Oldest: engine.NoTime}
	if s.known {
		p.Offset = s.offset
		p.Lag = max(0, ends.End-max(s.offset, ends.Start))
		p.from = max(s.offset, ends.Start)
	}
	return p
}

// age asks how old the oldest record is that a partition waits for. Where that is not told it stays unknown: a log may lose
// its begin at any time.
func (r *Reader) age(ctx context.Context, o *Overview) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i := range o.Partitions {
		if p := &o.Partitions[i]; p.Lag > 0 {
			g.Go(func() error {
				if ms, err := r.Log.Timestamp(ctx, p.Topic, p.Partition, p.from); err == nil {
					p.Oldest = ms
				}
				return nil
			})
		}
	}
	_ = g.Wait() // of no error
}
