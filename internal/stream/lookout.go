package stream

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
)

// Lookout asks Kafka about a deployment, for those who show it. It has connections of its own, so that it holds up nobody who counts.
type Lookout struct {
	*fetch.Client
	kafka     *Kafka
	transport *kafka.Transport
}

// NewLookout makes one. Nothing is dialled yet.
func (k *Kafka) NewLookout() *Lookout {
	t := k.Transport()
	return &Lookout{fetch.New(fetch.Options{Transport: t, Brokers: k.Addr(), Timeout: lookoutTimeout, Patience: lookoutTimeout}), k, t}
}

// tailWait is how long a broker holds a question.
const tailWait = 500 * time.Millisecond

// lookoutTimeout bounds a question: somebody waits for the answer.
const lookoutTimeout = coordinatorTimeout / 2

// Owners are who has which partition of the events, by client id and host. Where Kafka does not let the group be described, nobody is known.
func (l *Lookout) Owners(ctx context.Context) (map[position.TopicPartition]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookoutTimeout)
	defer cancel()
	c, err := takeCensus(ctx, l.transport, l.kafka)
	switch {
	case errors.Is(err, kafka.GroupAuthorizationFailed):
		return nil, nil
	case err != nil:
		return nil, explain.Kafka(err)
	}
	owners := map[position.TopicPartition]string{}
	for _, p := range c.peers {
		for _, at := range p.held {
			owners[at] = p.client + " at " + p.host
		}
	}
	return owners, nil
}

// Close ends the connections.
func (l *Lookout) Close() {
	l.Client.Close()
	l.transport.CloseIdleConnections()
}

// TailSource reads topics that little comes to: the broker holds a question for half a second, and answers as soon as something comes. end gives
// its connections back.
func (k *Kafka) TailSource(fetchBytes int) (log fetch.Source, end func()) {
	t := k.Transport()
	c := fetch.New(fetch.Options{Transport: t, Brokers: k.Addr(), MaxWait: tailWait, MinBytes: 1, PartitionBytes: fetchBytes})
	return fetch.Kafka{Client: c}, func() {
		c.Close()
		t.CloseIdleConnections()
	}
}
