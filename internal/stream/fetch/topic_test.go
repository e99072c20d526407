package fetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestKafkaTopic: a topic keeps its id until it is deleted; recreated it has another.
func TestKafkaTopic(t *testing.T) {
	k := servers.SharedKafka(t)
	name := k.NewTopic(3, nil)
	other := k.NewTopic(1, nil)
	w := newKafkaWorld(t, k, Options{Patience: time.Minute}, name, other)
	id := func(topic string) TopicID {
		t.Helper()
		found, err := w.client.Topic(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]int{name: 3, other: 1}[topic]; found.Partitions != want {
			t.Errorf("%d partitions, want %d", found.Partitions, want)
		}
		return found.ID
	}
	first := id(name)
	if first == (TopicID{}) || id(name) != first || id(other) == first {
		t.Errorf("ids %x, %x, %x", first, id(name), id(other))
	}
	k.DeleteTopic(name)
	k.CreateTopic(name, 3, nil)
	if again := id(name); again == first || again == (TopicID{}) {
		t.Errorf("recreated it has id %x, before it was %x", again, first)
	}
	brief := newKafkaWorld(t, k, Options{Patience: time.Millisecond})
	if _, err := brief.client.Topic(t.Context(), name+"-missing"); !errors.Is(err, kafka.UnknownTopicOrPartition) {
		t.Errorf("of a topic that is missing: %v", err)
	}
}

// TestTopicResponse: an answer that is cut short, or too short for what it says it holds, is an error.
func TestTopicResponse(t *testing.T) {
	text := func(b []byte, s string) []byte { return append(append(b, byte(len(s)+1)), s...) }
	b := make([]byte, 4+4)
	b = append(b, 1, 7, 2, 'x', 'y') // a tag
	b = appendInt32(b, 0)
	b = append(b, 1+1)
	b = appendInt32(text(appendInt32(b, 1), "host"), 9092)
	b = append(b, 0, 0) // no rack, no tags
	b = appendInt32(text(b, "cluster"), 1)
	b = append(b, 1+1, 0, 0)
	b = append(text(b, "t"), "0123456789abcdef"...)
	rest := append([]byte{0, 1 + 2}, make([]byte, 2*partitionSize+6)...)
	b = append(b, rest...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	f := func(text []byte, want string) {
		t.Helper()
		q := &topicQuestion{topic: "t"}
		err := answered(q, text)
		if got := fmt.Sprintf("%s %d %v", q.found.ID[:], q.found.Partitions, err); !strings.Contains(got, want) {
			t.Errorf("%x: got %s, want %s", text, got, want)
		}
	}
	f(b, "0123456789abcdef 2 <nil>")
	for n := range len(b) {
		f(b[:n], "EOF")
		if n >= 4 && n < len(b)-len(rest) {
			short := bytes.Clone(b[:n])
			binary.BigEndian.PutUint32(short, uint32(n-4))
			f(short, "malformed")
		}
	}
}
