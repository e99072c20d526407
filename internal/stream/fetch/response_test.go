package fetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

// pipe is a connection that has answered already.
type pipe struct {
	io.Reader
	bytes.Buffer
}

func (p *pipe) Read(b []byte) (int, error) { return p.Reader.Read(b) }

// given makes a response's frame.
func given(id int32, change func(*kmsg.FetchResponse), answers ...kmsg.FetchResponseTopic) []byte {
	res := kmsg.NewFetchResponse()
	res.Version = 11
	res.Topics = answers
	if change != nil {
		change(&res)
	}
	b := res.AppendTo(binary.BigEndian.AppendUint32(nil, uint32(id)))
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

func answer(topic string, partitions ...kmsg.FetchResponseTopicPartition) kmsg.FetchResponseTopic {
	return kmsg.FetchResponseTopic{Topic: topic, Partitions: partitions}
}

func gives(id int32, code int16, raw []byte, txns ...kmsg.FetchResponseTopicPartitionAbortedTransaction) kmsg.FetchResponseTopicPartition {
	p := kmsg.NewFetchResponseTopicPartition()
	p.Partition, p.ErrorCode, p.RecordBatches, p.AbortedTransactions = id, code, raw, txns
	p.HighWatermark, p.LastStableOffset, p.LogStartOffset = 900, 800, 7
	return p
}

func TestResponse(t *testing.T) {
	raw := batchOf(100, 2)
	x := asked("a/3@100", "a/1@200", "b/0@300", "b/1@400", "b/2@500")
	txn := kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: 5, FirstOffset: 6}
	frame := given(77, func(r *kmsg.FetchResponse) { r.ThrottleMillis = 1500 },
		answer("b", gives(2, 6, nil), gives(0, 0, nil)),
		answer("a", gives(1, 0, []byte{}, txn, txn), gives(3, 0, raw, txn)))
	m, err := x.RawExchange(&pipe{Reader: bytes.NewReader(frame)})
	if m != x || err != nil {
		t.Fatalf("%v, %v", m, err)
	}
	recordstest.Equal(t, "throttle", x.throttle, 1500*time.Millisecond)
	var got []string
	for _, p := range x.parts {
		got = append(got, fmt.Sprint(p.answered, p.err, p.set.HighWatermark, p.set.LogStart, p.set.Raw.Aborted, len(p.set.Raw.Bytes)))
	}
	recordstest.Equal(t, "answers", strings.Join(got, "\n"), strings.Join([]string{
		fmt.Sprintf("true <nil> 800 7 [{5 6}] %d", len(raw)),
		"true <nil> 800 7 [{5 6} {5 6}] 0",
		"true <nil> 800 7 [] 0",
		"false <nil> 0 0 [] 0",
		"true [6] Not Leader For Partition: the client attempted to send messages to a replica that is not the leader for some partition, the client's metadata are likely out of date 800 7 [] 0",
	}, "\n"))
	if !bytes.Equal(x.parts[0].set.Raw.Bytes, raw) {
		t.Error("other records came")
	}
}

func TestResponseBad(t *testing.T) {
	raw := batchOf(100, 2)
	good := given(77, nil, answer("a", gives(3, 0, raw)), answer("b", gives(0, 0, nil)))
	f := func(what string, frame []byte, want error) {
		t.Helper()
		x := asked("a/3@100", "b/0@300")
		_, err := x.RawExchange(&pipe{Reader: bytes.NewReader(frame)})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	f("as it should be", good, nil)
	for n := range good {
		f(fmt.Sprint("cut at ", n), good[:n], io.ErrUnexpectedEOF)
	}
	f("size too small", append([]byte{0, 0, 0, 30}, good[4:]...), errFrame)
	f("size too large", append([]byte{0, 0, 1, good[3] + 1}, append(good[4:], make([]byte, 300)...)...), errFrame)
	f("negative size", append([]byte{0xff}, good[1:]...), errFrame)
	f("another request's", given(78, nil), errFrame)
	f("not asked for", given(77, nil, answer("a", gives(4, 0, nil))), errFrame)
	f("unknown topic", given(77, nil, answer("c", gives(3, 0, nil))), errFrame)
	f("twice", given(77, nil, answer("a", gives(3, 0, nil), gives(3, 0, nil))), errFrame)
	f("error of the whole", given(77, func(r *kmsg.FetchResponse) { r.ErrorCode = 71 }), kafka.InvalidFetchSessionEpoch)
	f("topics without end", append(given(77, nil)[:18], 0x7f, 0xff, 0xff, 0xff), errFrame)
}

// TestResponseTooLarge keeps the header of a record set that is too large, and reads on after it.
func TestResponseTooLarge(t *testing.T) {
	const header, large = 61, records.MaxBatch + 12 + 1 // of a batch, and one byte more than one may have
	x := asked("a/3@100", "b/0@300")
	frame := given(77, nil, answer("a", gives(3, 0, make([]byte, large))), answer("b", gives(0, 0, []byte("x"))))
	if _, err := x.RawExchange(&pipe{Reader: bytes.NewReader(frame)}); err != nil {
		t.Fatal(err)
	}
	if p := x.parts[0]; p.err != nil || p.set.Raw.Oversized != large || len(p.set.Raw.Bytes) != header {
		t.Errorf("%v, oversized %d, %d bytes", p.err, p.set.Raw.Oversized, len(p.set.Raw.Bytes))
	}
	if p := x.parts[1]; p.err != nil || p.set.Raw.Oversized != 0 || string(p.set.Raw.Bytes) != "x" {
		t.Errorf("the one after: %v, oversized %d, %q", p.err, p.set.Raw.Oversized, p.set.Raw.Bytes)
	}
}
