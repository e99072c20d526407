package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
)

// reach is whether brokers answer, and whether the topics are there, as last seen. It is told how calls end, and tells the metrics.
type reach struct {
	metrics  *metrics.Kafka
	answered atomic.Pointer[time.Time] // when a broker last answered anything; nil: none has yet
	failure  atomic.Pointer[error]     // of the last call that failed since then; nil: none has
	topics   atomic.Pointer[error]     // what is wrong with the topics; nil: no broker has said yet
}

var _ fetch.Watcher = (*reach)(nil)

// Answered is fetch.Watcher's.
func (r *reach) Answered(call string) {
	now := time.Now()
	r.answered.Store(&now)
	r.failure.Store(nil)
	r.metrics.Answered(call)
}

// Failed is fetch.Watcher's.
func (r *reach) Failed(call string, err error) {
	r.metrics.Failed(call, err)
	if !errors.Is(err, context.Canceled) {
		r.failure.Store(&err)
	}
}

// answerPatience is how long no broker may answer. Some call is made every second.
const answerPatience = 5 * time.Second

// brokers is the error of a Kafka of which no broker answers.
func (r *reach) brokers(now time.Time) error {
	answered := r.answered.Load()
	var silent string
	switch {
	case answered == nil:
		silent = "no broker has answered yet"
	case now.Sub(*answered) > answerPatience:
		silent = fmt.Sprintf("no broker has answered for %.0f s", now.Sub(*answered).Seconds())
	default:
		return nil
	}
	if failure := r.failure.Load(); failure != nil {
		return fmt.Errorf("%s: %w", silent, explain.Kafka(*failure))
	}
	return errors.New(silent)
}

var errNotLookedAt = errors.New("not looked at yet")

// missing is what is wrong with the topics.
func (r *reach) missing() error {
	if err := r.topics.Load(); err != nil {
		return *err
	}
	return errNotLookedAt
}

// topicLooker asks for a topic once, as fetch.Client does.
type topicLooker interface {
	LookAt(ctx context.Context, topic string) (fetch.Topic, error)
}

// watch looks at the topics once a second until ctx ends, so that Kafka is asked something even while there is nothing to read.
func (r *reach) watch(ctx context.Context, in topicLooker, topics []string) {
	r.look(ctx, in, topics)
	retry.Every(ctx, time.Second, func(time.Time) { r.look(ctx, in, topics) })
}

// look asks for each topic once. Where no broker answers, what was last known stays.
func (r *reach) look(ctx context.Context, in topicLooker, topics []string) {
	var missing []string
	var wrong error
	for _, topic := range topics {
		_, err := in.LookAt(ctx, topic)
		switch answer, said := errors.AsType[kafka.Error](err); {
		case err == nil:
		case said && answer == kafka.UnknownTopicOrPartition:
			missing = append(missing, topic)
		case said && answer == kafka.TopicAuthorizationFailed:
			wrong = fmt.Errorf("%s: %w", topic, explain.Kafka(err))
		default:
			return
		}
	}
	if len(missing) > 0 {
		wrong = fmt.Errorf("%s: %w", strings.Join(missing, ", "), partition.ErrNoTopic)
	}
	r.topics.Store(&wrong)
}
