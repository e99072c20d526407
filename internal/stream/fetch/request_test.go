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
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

// asked makes an exchange for partitions given as "topic/partition@offset".
func asked(places ...string) *exchange {
	x := &exchange{broker: 2, clientID: "me", id: 77, maxWait: 50 * time.Millisecond, minBytes: 1000, version: fetchVersion}
	for _, s := range places {
		var p part
		s = strings.NewReplacer("/", " ", "@", " ").Replace(s)
		if _, err := fmt.Sscan(s, &p.topic, &p.id, &p.offset); err != nil {
			panic(err)
		}
		p.limit = 5000
		p.set = records.NewSet(p.topic, int(p.id), records.NewDecoder())
		x.parts = append(x.parts, p)
	}
	return x
}

// TestRequest reads what is sent with franz-go's reader.
func TestRequest(t *testing.T) {
	x := asked("a/3@100", "a/1@200", "b/0@300", "a/7@0")
	b := x.appendRequest(nil)
	head := binary.BigEndian.AppendUint32(nil, uint32(len(b)-4))
	head = append(head, 0, 1, 0, 11, 0, 0, 0, 77, 0, 2, 'm', 'e')
	if !bytes.HasPrefix(b, head) {
		t.Fatalf("header %x, want %x", b[:len(head)], head)
	}
	req := kmsg.NewFetchRequest()
	req.Version = 11
	if err := req.ReadFrom(b[len(head):]); err != nil {
		t.Fatal(err)
	}
	recordstest.Equal(t, "body again", fmt.Sprintf("%x", req.AppendTo(nil)), fmt.Sprintf("%x", b[len(head):]))
	recordstest.Equal(t, "body", fmt.Sprint(req.ReplicaID, req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel, req.SessionID, req.SessionEpoch, len(req.Rack)),
		"-1 50 1000 2147483647 1 0 -1 0")
	var got []string
	for _, topic := range req.Topics {
		got = append(got, topic.Topic)
		for _, p := range topic.Partitions {
			got = append(got, fmt.Sprint(p.Partition, p.CurrentLeaderEpoch, p.FetchOffset, p.LogStartOffset, p.PartitionMaxBytes))
		}
	}
	recordstest.Equal(t, "partitions", strings.Join(got, ", "), "a, 3 -1 100 -1 5000, 1 -1 200 -1 5000, b, 0 -1 300 -1 5000, a, 7 -1 0 -1 5000")
}

func TestExchangeRoute(t *testing.T) {
	x := asked()
	c := protocol.Cluster{Brokers: map[int32]protocol.Broker{1: {ID: 1}, 2: {ID: 2, Host: "two"}}}
	if b, err := x.Broker(c); b.Host != "two" || err != nil {
		t.Errorf("%v, %v", b, err)
	}
	delete(c.Brokers, 2)
	if _, err := x.Broker(c); !errors.Is(err, kafka.BrokerNotAvailable) {
		t.Error(err)
	}
	if !x.Required(map[protocol.ApiKey]int16{protocol.Fetch: 10}) {
		t.Error("not required")
	}
	if _, err := x.RawExchange(nil); !errors.Is(err, errFetchVersion) || !final(err) {
		t.Errorf("Fetch v10: %v", err)
	}
}
