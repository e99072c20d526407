package stream

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/segmentio/kafka-go"
)

// TestProducer: what is too late is not sent, and what comes after it is.
func TestProducer(t *testing.T) {
	k := newRig(t, 1, nil).kafka
	transport := k.Transport()
	defer transport.CloseIdleConnections()
	p := &outbox.Producer{Client: &kafka.Client{Addr: k.Addr(), Timeout: outbox.SendTimeout, Transport: transport}, Topic: "crossings"}
	message := func(text string) kafka.Message { return kafka.Message{Value: []byte(text), WriterData: 1} }
	if err := p.WriteMessages(t.Context(), time.Now().Add(-time.Second), message("late")); !errors.Is(err.(kafka.WriteErrors)[0], outbox.ErrTooLate) {
		t.Errorf("error %v", err)
	}
	large := strings.Repeat("x", outbox.BatchBytes)
	if err := p.WriteMessages(t.Context(), time.Now().Add(time.Minute), message("a"), message(large), message("b")); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteMessages(t.Context(), time.Time{}, kafka.Message{WriterData: 99}); err == nil {
		t.Error("a partition that does not exist took a message")
	}
	client := fetch.New(fetch.Options{Transport: transport, Brokers: k.Addr()})
	defer client.Close()
	if _, end, err := client.Offsets(t.Context(), "crossings", 1); err != nil || end != 3 {
		t.Errorf("the topic has %d messages, error %v", end, err)
	}
}
