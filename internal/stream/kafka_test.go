package stream

import (
	"slices"
	"testing"
)

// TestKafkaTopics: each topic once, also where all dead letters go to one.
func TestKafkaTopics(t *testing.T) {
	f := func(dead string, want ...string) {
		t.Helper()
		k := Kafka{Events: []string{"a", "b"}, Crossings: "c", DeadLetters: dead}
		if got := k.Topics(); !slices.Equal(got, want) {
			t.Errorf("dead letters %q: got %q, want %q", dead, got, want)
		}
	}
	f("", "a", "b", "a.dlq", "b.dlq", "c")
	f("dead", "a", "b", "dead", "c")
}
