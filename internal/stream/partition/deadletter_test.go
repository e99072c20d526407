package partition

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
)

// narrowTopic takes messages up to a size, as a broker does, and a few that fail for another reason.
type narrowTopic struct {
	most     int // bytes of a batch
	fails    int // calls
	asked    int
	taken    []kafka.Message
	attempts int
}

func (t *narrowTopic) WriteMessages(_ context.Context, _ time.Time, messages ...kafka.Message) error {
	if t.attempts++; t.attempts > 1000 {
		panic("BUG: a dead letter goes round for ever")
	}
	if t.fails > 0 {
		t.fails--
		return fetchtest.ErrDown
	}
	bytes := 0
	for i := range messages {
		bytes += sizeOf(&messages[i])
	}
	if bytes > t.most {
		return slices.Repeat(kafka.WriteErrors{kafka.MessageSizeTooLarge}, len(messages))
	}
	t.taken = append(t.taken, messages...)
	return nil
}

// deadTo is a DeadTopic that writes there. It gives up after an error whose end it would wait for.
func deadTo(w *narrowTopic, tries int) *DeadTopic {
	return &DeadTopic{
		Writer: w, Topic: func(s string) string { return s + ".dlq" },
		Partitions: func(context.Context, string) (int, error) { w.asked++; return 2, nil },
		Retry: func(_ context.Context, _ string, f func() error) (err error) {
			for range tries {
				if err = f(); err == nil {
					return nil
				}
			}
			return err
		},
	}
}

func letterWith(value []byte, headers ...kafka.Header) deadLetter {
	return deadLetter{
		assignment: shard.NewAssignment("events", 5, 0, 1), offset: 7, key: []byte("k"), value: value, headers: headers,
		reason: "too-large", message: strings.Repeat("mañana", 100),
	}
}

// TestDeadLetterIsCut: whatever a producer writes, its letter is written, cut no further than the topic asks for.
func TestDeadLetterIsCut(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 2<<20)
	header := func(name string, value []byte) kafka.Header { return kafka.Header{Key: name, Value: value} }
	ours := []kafka.Header{header("__connect.errors.topic", nil), header(HeaderCut, []byte("1"))} // as in a dead letter put back
	for name, x := range map[string]struct {
		letter       deadLetter
		most         int // that the topic takes
		value, key   bool
		headers, cut string // of the producer, as they come; how long the value was
	}{
		"small":                  {letterWith([]byte("v"), header("h", nil)), 1 << 20, true, true, "h", ""},
		"large value":            {letterWith(large, header("h", nil)), 1 << 20, false, true, "h", "2097152"},
		"large value, our names": {letterWith(large, ours...), 1 << 20, false, true, "aggregator.original.__connect.errors.topic aggregator.original.aggregator.value.bytes", "2097152"},
		"large header":           {letterWith([]byte("v"), header("h", large)), 1 << 20, false, false, "", "1"},
		"large header name":      {letterWith(nil, header(string(large), nil)), 1 << 20, false, false, "", "0"},
		"many headers":           {letterWith(nil, slices.Repeat(ours, 100_000)...), 1 << 20, false, false, "", "0"},
		"narrow topic":           {letterWith(large[:5000], header("h", nil)), 2000, false, true, "h", "5000"},
		"narrower":               {letterWith(large[:5000], header("h", large[:5000])), 2000, false, false, "", "5000"},
		"no more than the least": {letterWith(large[:5000], ours...), 600, false, false, "", "5000"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &narrowTopic{most: x.most}
			if err := deadTo(w, 1).Write(t.Context(), []deadLetter{x.letter}); err != nil {
				t.Fatal(err)
			}
			m := w.taken[0]
			names := []string{}
			for _, h := range m.Headers {
				if !strings.HasPrefix(h.Key, "__connect.errors.") && h.Key != "aggregator.reason" && h.Key != HeaderCut {
					names = append(names, h.Key)
				}
			}
			if got := strings.Join(names, " "); len(w.taken) != 1 || (m.Value != nil) != x.value || (m.Key != nil) != x.key || got != x.headers || headerOf(m, HeaderCut) != x.cut {
				t.Errorf("%d written: value of %d, key %q, headers %s, cut %q", len(w.taken), len(m.Value), m.Key, got, headerOf(m, HeaderCut))
			}
			if headerOf(m, "aggregator.reason") != "too-large" || headerOf(m, "__connect.errors.offset") != "7" || m.Topic != "events.dlq" || m.WriterData != 1 {
				t.Errorf("%+v", m)
			}
			if text := headerOf(m, "__connect.errors.exception.message"); text != x.letter.message && (x.most > 600 || !strings.HasPrefix(x.letter.message, strings.TrimSuffix(text, " ..."))) {
				t.Errorf("says %q", text)
			}
		})
	}
}

func headerOf(m kafka.Message, name string) string { return header(m.Headers, name) }

// TestDeadLettersOfANarrowTopic: a dead letter that is refused for its size takes no other with it.
// Each is written once, in order, and what fails otherwise is tried again.
func TestDeadLettersOfANarrowTopic(t *testing.T) {
	var letters []deadLetter
	for i := range 50 {
		d := letterWith(bytes.Repeat([]byte("x"), 20*i))
		d.offset, d.message = int64(i), "x"
		letters = append(letters, d)
	}
	w := &narrowTopic{most: 1000, fails: 2}
	if err := deadTo(w, 3).Write(t.Context(), letters); err != nil {
		t.Fatal(err)
	}
	for i, m := range w.taken {
		if headerOf(m, "__connect.errors.offset") != strconv.Itoa(i) {
			t.Errorf("offset %s in place %d", headerOf(m, "__connect.errors.offset"), i)
		}
		if all := letters[i].record(cutNothing); (len(m.Value) == 20*i) != (sizeOf(&all) <= w.most) {
			t.Errorf("offset %d: %d bytes of %d", i, len(m.Value), 20*i)
		}
	}
	if len(w.taken) != len(letters) || w.asked != 1+2 {
		t.Errorf("%d written, partitions asked for %d times", len(w.taken), w.asked)
	}
}

// TestDeadLetterThatDoesNotFit: a topic that does not even take the least of a letter is for the operator to mend.
func TestDeadLetterThatDoesNotFit(t *testing.T) {
	w := &narrowTopic{most: 100}
	err := deadTo(w, 3).Write(t.Context(), []deadLetter{letterWith([]byte("v")), letterWith(nil)})
	if !errors.Is(err, kafka.MessageSizeTooLarge) || !strings.Contains(err.Error(), "raise max.message.bytes of events.dlq") || len(w.taken) > 0 {
		t.Errorf("%v", err)
	}
}

// TestDeadLetterPutBack: a dead letter that is put back, again and again, says where it came from at first, and does not grow.
func TestDeadLetterPutBack(t *testing.T) {
	d := letterWith([]byte("v"), kafka.Header{Key: "h", Value: []byte("1")}, kafka.Header{Key: "aggregator.reason", Value: []byte("mine")})
	var sizes []int
	for i := range 5 {
		d.offset = int64(100 + i)
		m := d.record(cutNothing)
		sizes = append(sizes, sizeOf(&m))
		d.headers = m.Headers
		if i > 0 && (headerOf(m, "aggregator.original.aggregator.reason") != "mine" || headerOf(m, "aggregator.original.__connect.errors.offset") != "100") {
			t.Errorf("put back %d times: %v", i, m.Headers)
		}
		if headerOf(m, "aggregator.reason") != "too-large" || headerOf(m, "__connect.errors.offset") != fmt.Sprint(100+i) || headerOf(m, "h") != "1" {
			t.Errorf("put back %d times: %v", i, m.Headers)
		}
	}
	if sizes[1] != sizes[4] {
		t.Errorf("sizes %v", sizes)
	}
}
