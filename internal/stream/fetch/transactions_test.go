package fetch

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestKafkaOpenTransaction: what an open transaction holds back is known, and whose it is.
func TestKafkaOpenTransaction(t *testing.T) {
	k := servers.SharedKafka(t)
	topic := k.NewTopic(1, nil)
	w := newKafkaWorld(t, k, Options{}, topic)
	plain := func(n int) {
		t.Helper()
		for range n {
			if err := w.producer.ProduceSync(w.ctx(), &kgo.Record{Topic: topic, Value: []byte("plain")}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	plain(3)
	f := func(want Ends, starts ...int64) (open []OpenTransaction) {
		t.Helper()
		ctx := w.ctx()
		for { // a broker ends a transaction some time after it said so
			got, err := w.client.Ends(ctx, topic, 0)
			if err != nil {
				t.Fatal(err)
			}
			if open, err = w.client.OpenTransactions(ctx, topic, 0); err != nil {
				t.Fatalf("%v; got %+v last, want %+v", err, got, want)
			}
			var at []int64
			for _, x := range open {
				at = append(at, x.Start)
			}
			if got == want && slices.Equal(at, starts) {
				return open
			}
		}
	}
	f(Ends{0, 3, 3})
	begin := func(name string) *kgo.Client {
		txn := w.kgo(kgo.TransactionalID(topic + name))
		if err := txn.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := txn.ProduceSync(w.ctx(), &kgo.Record{Topic: topic, Value: []byte(name)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		return txn
	}
	a := begin("a")
	b := begin("b")
	plain(3)
	open := f(Ends{0, 3, 8}, 3, 4)
	if id, epoch, err := b.ProducerID(w.ctx()); err != nil || open[1].Producer != id || open[1].Epoch != int32(epoch) {
		t.Errorf("%+v is not producer %d of epoch %d: %v", open[1], id, epoch, err)
	}
	w.end(a, true)
	f(Ends{0, 4, 9}, 4)
	w.end(b, false)
	f(Ends{0, 10, 10})
}

// TestProducersResponse: an answer that is cut short, or holds less than it says, is an error.
func TestProducersResponse(t *testing.T) {
	producer := func(b []byte, id, start int64) []byte {
		b = binary.BigEndian.AppendUint64(b, uint64(id))
		b = append(appendInt32(b, 7), make([]byte, 4+8+4)...)
		return append(binary.BigEndian.AppendUint64(b, uint64(start)), 0)
	}
	b := append(make([]byte, 4+4), 0, 0, 0, 0, 0, 1+1) // size, correlation, tags, throttle, topics
	b = append(appendCompact(b, "t"), 1+1)
	b = append(appendInt32(b, 0), 0, 0, 0, 1+2)
	b = producer(producer(b, 5, 99), 6, -1)
	b = append(b, 0, 0, 0)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	f := func(text []byte, want string) {
		t.Helper()
		q := &producersQuestion{topic: "t"}
		err := answered(q, text)
		if got := fmt.Sprintf("%+v %v", q.open, err); !strings.Contains(got, want) {
			t.Errorf("%x: got %s, want %s", text, got, want)
		}
	}
	f(b, "[{Producer:5 Epoch:7 Start:99}] <nil>")
	for n := range len(b) {
		f(b[:n], "EOF")
		if n >= 4 && n < len(b)-3 {
			short := slices.Clone(b[:n])
			binary.BigEndian.PutUint32(short, uint32(n-4))
			f(short, "malformed")
		}
	}
}
