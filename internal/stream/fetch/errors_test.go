package fetch

import (
	"fmt"
	"io"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

func TestFinal(t *testing.T) {
	f := func(err error, want bool) {
		t.Helper()
		if got := final(fmt.Errorf("fetch: %w", err)); got != want {
			t.Errorf("%v: final %v", err, got)
		}
	}
	f(kafka.TopicAuthorizationFailed, true)
	f(kafka.ClusterAuthorizationFailed, true)
	f(kafka.SASLAuthenticationFailed, true)
	f(kafka.UnsupportedSASLMechanism, true)
	f(kafka.InvalidTopic, true)
	f(errFetchVersion, true)
	f(kafka.UnknownTopicOrPartition, false) // it may be made any moment
	f(kafka.NotLeaderForPartition, false)
	f(kafka.OffsetOutOfRange, false)
	f(kafka.Unknown, false)
	f(io.ErrUnexpectedEOF, false)
}

func TestErrorText(t *testing.T) {
	recordstest.Equal(t, "out of range", &OutOfRange{"events", 3, 5, 7, 20}, "fetch events/3 at offset 5: out of range, the log holds [7,20)")
}
