package stream

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
)

func testReach(t *testing.T) *reach {
	t.Helper()
	return &reach{metrics: metrics.New(prometheus.NewRegistry(), compile(t, smallPack)).Kafka}
}

// TestReachBrokers: a Kafka that has not answered for some time is out of reach, and it is said why.
func TestReachBrokers(t *testing.T) {
	r, now := testReach(t), time.Now()
	f := func(at time.Time, want string) {
		t.Helper()
		err := r.brokers(at)
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f(now, "no broker has answered yet")
	r.Failed(fetch.CallMetadata, kafka.SASLAuthenticationFailed)
	f(now, "no broker has answered yet: "+kafka.SASLAuthenticationFailed.Error()+": look at kafka.sasl.username and kafka.sasl.password")
	r.Answered(fetch.CallFetch)
	f(now.Add(time.Second), "")
	r.Failed(fetch.CallFetch, errors.New("away"))
	r.Failed(fetch.CallFetch, context.Canceled) // by the caller
	f(now.Add(time.Second), "")
	f(now.Add(time.Minute), "no broker has answered for 60 s: away")
}

// lookedAt is what a broker says of topics.
type lookedAt map[string]error

func (x lookedAt) LookAt(_ context.Context, topic string) (fetch.Topic, error) {
	return fetch.Topic{}, x[topic]
}

// TestReachTopics: each topic that is missing, or that may not be seen, is named. What was known stays while no broker answers.
func TestReachTopics(t *testing.T) {
	r := testReach(t)
	f := func(in lookedAt, want string) {
		t.Helper()
		r.look(t.Context(), in, []string{"events", "crossings", "dead"})
		err := r.missing()
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: got %v, want %q", in, err, want)
		}
	}
	away := errors.New("away")
	f(lookedAt{"events": away}, "not looked at yet")
	f(lookedAt{}, "")
	f(lookedAt{"crossings": away}, "")
	f(lookedAt{"crossings": kafka.UnknownTopicOrPartition, "dead": kafka.UnknownTopicOrPartition}, "crossings, dead: topic does not exist: make it with")
	f(lookedAt{"events": away}, "crossings, dead: topic does not exist: make it with")
	f(lookedAt{"dead": kafka.TopicAuthorizationFailed}, "dead: "+kafka.TopicAuthorizationFailed.Error())
	f(lookedAt{}, "")
}
