package fetch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestKafkaLogEnd: the end of the log is where its leader has written to, also while followers do not answer; readers are
// shown less.
func TestKafkaLogEnd(t *testing.T) {
	k := servers.Kafka(t, servers.KafkaOptions{Brokers: 3})
	k.CreateTopic("events", 1, nil)
	w := newKafkaWorld(t, k, Options{}, "events")
	w.produce(w.producer, 0, 0, 20, 5)
	f := func(end, shown int64) {
		t.Helper()
		got, err := w.client.LogEnd(t.Context(), "events", 0)
		_, seen, err2 := w.client.Offsets(t.Context(), "events", 0)
		if err != nil || err2 != nil || got != end || seen != shown {
			t.Errorf("end %d, shown %d, errors %v, %v; want %d, %d", got, seen, err, err2, end, shown)
		}
	}
	f(20, 20)
	leader := k.Leader("events", 0)
	for i := range 3 {
		if i != leader {
			k.Broker(i).Pause()
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addrs()[leader]), kgo.DefaultProduceTopic("events"), kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), kgo.StringRecord("not replicated")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	f(21, 20)
}

// TestEndResponse: an answer that is cut short, too long or of another epoch is an error.
func TestEndResponse(t *testing.T) {
	good := func(code uint16, epoch uint32, end uint64, rest ...byte) []byte {
		b := make([]byte, 4+4+4) // size, correlation, throttle
		b = append(binary.BigEndian.AppendUint32(b, 1), 0, 1, 't')
		b = binary.BigEndian.AppendUint32(b, 1)
		b = binary.BigEndian.AppendUint16(b, code)
		b = binary.BigEndian.AppendUint32(b, 0)
		b = binary.BigEndian.AppendUint32(b, epoch)
		b = append(binary.BigEndian.AppendUint64(b, end), rest...)
		binary.BigEndian.PutUint32(b, uint32(len(b)-4))
		return b
	}
	f := func(text []byte, end int64, want string) {
		t.Helper()
		q := &endQuestion{topic: "t", epoch: 5}
		err := answered(q, text)
		if got := fmt.Sprint(err); !strings.Contains(got, want) || want == "nil" && q.end != end {
			t.Errorf("%x: end %d, error %v; want %d, %s", text, q.end, err, end, want)
		}
	}
	whole := good(0, 5, 1000)
	f(whole, 1000, "nil")
	f(good(0, 4, 1000), 0, "another epoch")
	f(good(0, 5, 1<<64-1), 0, "another epoch")
	f(good(74, 5, 1000), 0, "Fenced Leader Epoch")
	f(good(0, 5, 1000, 1), 0, "too many")
	for n := range len(whole) {
		f(whole[:n], 0, "E") // EOF, unexpected EOF
		short := bytes.Clone(whole[:max(n, 4)])
		binary.BigEndian.PutUint32(short, uint32(len(short)-4))
		f(short, 0, "malformed")
	}
}

// answered returns the error of a question whose response is text.
func answered(q question, text []byte) error {
	x := &inquiry{question: q}
	if err := x.readResponse(bytes.NewReader(text)); err != nil {
		return err
	}
	return x.err
}
