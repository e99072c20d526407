package stream

import (
	"bytes"
	"errors"
	"testing"

	"github.com/segmentio/kafka-go"
)

// TestDeadLetterTooLarge: a letter that no topic would take goes without its value.
func TestDeadLetterTooLarge(t *testing.T) {
	d := deadTopic{topic: func(s string) string { return s + ".dlq" }}
	m := d.message(&deadLetter{
		lease: newLease("events", 1, 1, 1), offset: 7, key: []byte("k"), value: bytes.Repeat([]byte("x"), 2<<20),
		headers: []kafka.Header{{Key: "h", Value: []byte("v")}}, reason: "too-large", message: "too large",
	})
	m = cut(m)
	if m.Value != nil || string(m.Key) != "k" || header(m.Headers, headerCut) != "2097152" || header(m.Headers, "h") != "v" || header(m.Headers, "aggregator.reason") != "too-large" {
		t.Fatalf("cut to %q %d %v", m.Key, len(m.Value), m.Headers)
	}
	if m = cut(m); m.Key != nil || header(m.Headers, "h") != "" || header(m.Headers, "aggregator.reason") != "too-large" {
		t.Fatalf("cut twice to %q %v", m.Key, m.Headers)
	}
	left := unwritten([]kafka.Message{{Value: []byte("a")}, {Value: []byte("b")}, {Value: []byte("c")}}, kafka.WriteErrors{nil, kafka.MessageSizeTooLarge, errors.New("gone")})
	if len(left) != 2 || left[0].Value != nil || string(left[1].Value) != "c" {
		t.Fatalf("left to write: %v", left)
	}
}
