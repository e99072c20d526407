package stream

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/subscribe"
)

// subscribers are the processes of a group that reads a topic in a broker in memory.
type subscribers struct {
	t      *testing.T
	kafka  Kafka
	client *kgo.Client
	slow   time.Duration // what is under way at the end takes so long
	sudden time.Duration // after so long without a word the group expels a member; 0: as it is

	mu   sync.Mutex
	read []string // values, in the order in which they came
}

func newSubscribers(t *testing.T, partitions int32) *subscribers {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "crossings"),
		kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "1000"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("crossings"), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &subscribers{t: t, client: client, kafka: Kafka{Brokers: cluster.ListenAddrs(), Crossings: "crossings", ClientID: "test"}}
}

// write writes values into a partition.
func (x *subscribers) write(partition int32, values ...string) {
	x.t.Helper()
	for _, v := range values {
		servers.Await(x.t, time.Minute, 10*time.Millisecond, "a record is written", func() bool {
			err := x.client.ProduceSync(x.t.Context(), &kgo.Record{Partition: partition, Value: []byte(v)}).FirstErr()
			if err != nil {
				x.client.ForceMetadataRefresh()
			}
			return err == nil
		})
	}
}

// Read is subscribe.User's: it notes each record, and is as far as that.
func (x *subscribers) Read(ctx context.Context, p *subscribe.Partition) {
	at := p.From
	p.Tell(func() (int64, string) {
		x.mu.Lock()
		defer x.mu.Unlock()
		return at, fmt.Sprintf("%d was read", at)
	})
	if want := fmt.Sprintf("%d was read", p.From); p.Note != "" && p.Note != want {
		x.t.Errorf("the note is %q, want %q", p.Note, want)
	}
	reader := p.Source.Open(p.Topic, p.ID, p.From)
	defer reader.Close()
	var r records.Record
	for ctx.Err() == nil {
		set, err := reader.Next(ctx)
		if err != nil {
			continue
		}
		for more := true; more; {
			if more, err = set.Read(ctx, &r); err != nil || !more {
				break
			}
			if r.Offset > p.From && x.slow > 0 { // it is under way until long after the end
				<-ctx.Done()
				<-time.After(x.slow)
			}
			x.mu.Lock()
			x.read, at = append(x.read, string(r.Value)), r.Next()
			x.mu.Unlock()
			if x.slow > 0 && ctx.Err() != nil {
				return
			}
		}
	}
}

// start starts a process, which stop stops.
func (x *subscribers) start(begin subscribe.Start) (s *subscribe.Subscription, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	connections := x.kafka.Subscribe("group")
	if x.sudden > 0 {
		connections.Join = func() (*kafka.ConsumerGroup, error) {
			return kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
				ID: "group", Brokers: x.kafka.Brokers, Topics: []string{"crossings"}, HeartbeatInterval: 100 * time.Millisecond, SessionTimeout: x.sudden,
				RebalanceTimeout: time.Minute, JoinGroupBackoff: 100 * time.Millisecond, StartOffset: kafka.FirstOffset,
			})
		}
	}
	s = subscribe.New(connections, begin, x, slog.New(slog.NewTextHandler(x.t.Output(), nil)))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	return s, sync.OnceFunc(func() {
		cancel()
		<-ended
	})
}

// has waits until so much was read, in whatever order.
func (x *subscribers) has(want string) {
	x.t.Helper()
	ok := servers.Within(time.Minute, 10*time.Millisecond, func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		got := slices.Clone(x.read)
		slices.Sort(got)
		return strings.Join(got, " ") == want
	})
	if !ok {
		x.t.Fatalf("read %q, want %q", x.read, want)
	}
}

func joined(t *testing.T, list ...*subscribe.Subscription) {
	t.Helper()
	servers.Await(t, time.Minute, 10*time.Millisecond, "the group has settled", func() bool {
		n := 0
		for _, s := range list {
			state := s.State()
			if !state.Joined || state.Partitions == 0 || state.Answered.IsZero() {
				return false
			}
			n += state.Partitions
		}
		return n >= 2
	})
}

// TestSubscribe: a new group begins where it is told to; from then on it goes on where it was, and a partition that the topic gets is read from its start.
func TestSubscribe(t *testing.T) {
	x := newSubscribers(t, 2)
	x.write(0, "a1", "a2")
	x.write(1, "b1")
	latest := subscribe.Start{Latest: true}
	s, stop := x.start(latest)
	defer stop()
	joined(t, s)
	x.write(0, "a3")
	x.has("a3")
	stop()
	x.write(1, "b2")
	s, stop = x.start(latest)
	defer stop()
	x.has("a3 b2")

	// The topic gets a partition, with records in it before anybody knows of it.
	request := kmsg.NewPtrCreatePartitionsRequest()
	request.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: "crossings", Count: 3}}
	if _, err := request.RequestWith(t.Context(), x.client); err != nil {
		t.Fatal(err)
	}
	x.write(2, "c1")
	x.has("a3 b2 c1")
	if state := s.State(); state.Partitions != 3 {
		t.Errorf("%+v", state)
	}
}

// TestSubscribeTogether: processes share the partitions, and what one has read when it stops nobody reads again.
func TestSubscribeTogether(t *testing.T) {
	x := newSubscribers(t, 2)
	x.write(0, "a1", "a2")
	x.write(1, "b1")
	a, stopA := x.start(subscribe.Start{})
	defer stopA()
	x.has("a1 a2 b1")
	b, stopB := x.start(subscribe.Start{})
	defer stopB()
	joined(t, a, b)
	x.write(0, "a3")
	x.write(1, "b2")
	x.has("a1 a2 a3 b1 b2")
	stopA()
	x.write(0, "a4")
	x.write(1, "b3")
	x.has("a1 a2 a3 a4 b1 b2 b3")
}

// TestSubscribeFrom: a new group may begin at a time, or some time back.
func TestSubscribeFrom(t *testing.T) {
	x := newSubscribers(t, 1)
	x.write(0, "old")
	<-time.After(20 * time.Millisecond)
	at := time.Now()
	<-time.After(20 * time.Millisecond)
	x.write(0, "new")
	_, stop := x.start(subscribe.Start{Time: at})
	x.has("new")
	stop()

	y := newSubscribers(t, 1)
	y.write(0, "old")
	_, stop = y.start(subscribe.Start{Back: time.Hour})
	y.has("old")
	stop()
}

// TestSubscribeSlowEnd: what is under way when another process joins, or at a stop, may take longer than a session. Nobody else reads
// the partition meanwhile, and what was done is committed.
func TestSubscribeSlowEnd(t *testing.T) {
	x := newSubscribers(t, 2)
	x.slow, x.sudden = 4*time.Second, 1500*time.Millisecond
	x.write(0, "a1", "a2")
	x.write(1, "b1", "b2")
	_, stopA := x.start(subscribe.Start{})
	defer stopA()
	x.has("a1 b1")
	_, stopB := x.start(subscribe.Start{})
	defer stopB()
	x.has("a1 a2 b1 b2")
	x.write(0, "a3", "a4")
	x.write(1, "b3", "b4")
	x.has("a1 a2 a3 b1 b2 b3")
	stopA()
	stopB()
	x.has("a1 a2 a3 a4 b1 b2 b3 b4")
}
