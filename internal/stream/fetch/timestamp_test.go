package fetch

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestKafkaTimestamp: a real broker tells the timestamp at an offset, by the batch: of plain and compressed ones, of its own
// timestamps, and of what an open transaction holds back.
func TestKafkaTimestamp(t *testing.T) {
	k := servers.SharedKafka(t)
	at := time.UnixMilli(1_767_225_600_000)
	for name, config := range map[string]map[string]string{"producer": nil, "broker": {"message.timestamp.type": "LogAppendTime"}} {
		topic := k.NewTopic(1, config)
		w := newKafkaWorld(t, k, Options{}, topic)
		began := time.Now().Add(-time.Minute).UnixMilli() // clocks of one machine, and some room
		txn := w.kgo(kgo.TransactionalID(topic))
		if err := txn.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for i, p := range []*kgo.Client{w.producer, w.kgo(kgo.ProducerBatchCompression(kgo.ZstdCompression())), txn} {
			var batch []*kgo.Record
			for j := range 3 {
				batch = append(batch, &kgo.Record{Topic: topic, Timestamp: at.Add(time.Duration(10*i+j) * time.Second), Value: bytes.Repeat([]byte("x"), 5000)})
			}
			if err := p.ProduceSync(w.ctx(), batch...).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		for offset := range int64(9) {
			got, err := w.client.Timestamp(t.Context(), topic, 0, offset)
			want := at.Add(time.Duration(10*(offset/3)) * time.Second).UnixMilli()
			if name == "producer" && got != want || name == "broker" && got < began || err != nil {
				t.Errorf("%s, offset %d: %d, %v, want %d", name, offset, got, err, want)
			}
		}
		if _, err := w.client.Timestamp(t.Context(), topic, 0, 9); !errors.Is(err, errNoBatch) {
			t.Errorf("at the end: %v", err)
		}
		if err := txn.EndTransaction(w.ctx(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTimestampResponse: an answer that is cut short is an error; so is a log that has nothing there, and a broker that refuses.
func TestTimestampResponse(t *testing.T) {
	answer := func(code, refused int16, batch []byte) []byte {
		b := make([]byte, 4+4+4) // size, correlation, throttle
		b = binary.BigEndian.AppendUint16(b, uint16(code))
		b = appendInt32(b, 0) // session
		b = appendString(appendInt32(b, 1), "t")
		b = appendInt32(appendInt32(b, 1), 0)
		b = binary.BigEndian.AppendUint16(b, uint16(refused))
		b = append(b, make([]byte, 3*8)...)
		b = append(appendInt32(b, 1), make([]byte, 16)...) // aborted
		b = appendInt32(b, -1)
		b = append(appendInt32(b, int32(len(batch))), batch...)
		return sized(b)
	}
	batch := func(format, attributes byte) []byte {
		b := make([]byte, batchFront+100)
		b[16], b[22] = format, attributes
		binary.BigEndian.PutUint64(b[27:], 7)
		binary.BigEndian.PutUint64(b[35:], 9)
		return b
	}
	f := func(text []byte, want string) {
		t.Helper()
		q := &timestampQuestion{}
		err := answered(q, text)
		if got := fmt.Sprintf("%d %v", q.timestamp, err); !strings.Contains(got, want) {
			t.Errorf("%x: got %s, want %s", text, got, want)
		}
	}
	whole := answer(0, 0, batch(2, 0))
	f(whole, "7 <nil>")
	f(answer(0, 0, batch(2, byBroker)), "9 <nil>")
	f(answer(0, 0, batch(1, 0)), errNoBatch.Error())
	f(answer(0, 0, nil), errNoBatch.Error())
	f(answer(0, 6, nil), kafka.NotLeaderForPartition.Error())
	f(answer(70, 0, nil), kafka.FetchSessionIDNotFound.Error())
	for n := range len(whole) {
		f(whole[:n], "EOF")
	}
}

// told notes what it is told.
type told struct {
	mu   sync.Mutex
	list []string
}

func (x *told) note(line string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !slices.Contains(x.list, line) {
		x.list = append(x.list, line)
	}
}

func (x *told) Answered(call string)          { x.note(call) }
func (x *told) Failed(call string, err error) { x.note(call + " " + ErrorKind(err)) }

// TestWatcher: each call of a broker is told, with what came of it; also what a broker refuses in an answer.
func TestWatcher(t *testing.T) {
	x := &told{}
	w := newWorld(t, 1, 1, Options{Watch: x, Patience: time.Millisecond})
	f := func(call func() error, want ...string) {
		t.Helper()
		x.mu.Lock()
		x.list = nil
		x.mu.Unlock()
		err := call()
		x.mu.Lock()
		defer x.mu.Unlock()
		if slices.Sort(x.list); !slices.Equal(x.list, want) {
			t.Errorf("told %q, want %q; %v", x.list, want, err)
		}
	}
	f(func() error { _, err := w.client.LookAt(t.Context(), "events"); return err }, "metadata")
	f(func() error { _, err := w.client.LookAt(t.Context(), "none"); return err }, "metadata", "metadata topic")
	f(func() error { _, err := w.client.Topic(t.Context(), "none"); return err }, "metadata", "metadata topic")
	f(func() error { _, err := w.client.Partitions(t.Context(), "events"); return err }) // as the transport last saw it
	f(func() error { _, err := w.client.Ends(t.Context(), "events", 0); return err }, "offsets")
	f(func() error { _, err := w.client.Ends(t.Context(), "events", 9); return err }, "offsets", "offsets topic")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	f(func() error { _, err := w.client.Ends(gone, "events", 0); return err }) // nobody waits for it any more
	giving, giveUp := context.WithCancel(t.Context())
	f(func() error {
		return w.client.retry(giving, CallOffsets, func(context.Context) error {
			giveUp()
			return io.ErrUnexpectedEOF
		})
	})
	f(func() error {
		s := w.open(0, 0)
		defer s.Close()
		_, err := s.Next(w.ctx())
		return err
	}, "fetch")
	w.kafka.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		res := w.answer(req, nil).(*kmsg.FetchResponse)
		res.Topics[0].Partitions[0].ErrorCode = int16(kafka.TopicAuthorizationFailed)
		return res, nil, true
	})
	f(func() error {
		s := w.open(0, 0)
		defer s.Close()
		_, err := s.Next(w.ctx())
		return err
	}, "fetch", "fetch auth")
}
