package fetch

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(servers.Suite{M: m}) }

// world is an embedded Kafka, a client of ours and a producer that is not.
type world struct {
	*testing.T
	kafka    *kfake.Cluster
	addrs    []string
	client   *Client
	producer *kgo.Client
}

// newWorld starts brokers with one topic, "events".
func newWorld(t *testing.T, brokers int, partitions int32, opts Options) *world {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(brokers), kfake.SeedTopics(partitions, "events"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := &world{T: t, kafka: c, addrs: c.ListenAddrs()}
	w.client = newClient(t, w.addrs, opts)
	w.producer = w.kgo()
	return w
}

func newClient(t *testing.T, addrs []string, opts Options) *Client {
	t.Helper()
	if opts.Transport == nil {
		opts.Transport = &kafka.Transport{}
	}
	opts.Transport.ClientID = "fetch-test"
	opts.Transport.MetadataTTL = 100 * time.Millisecond
	opts.Transport.MetadataTopics = append(opts.Transport.MetadataTopics, "events")
	opts.Brokers = kafka.TCP(addrs...)
	if opts.MaxWait == 0 {
		opts.MaxWait = 20 * time.Millisecond
	}
	c := New(opts)
	t.Cleanup(func() {
		c.Close()
		opts.Transport.CloseIdleConnections()
	})
	return c
}

// kgo returns a client of franz-go.
func (w *world) kgo(opts ...kgo.Opt) *kgo.Client {
	w.Helper()
	opts = append([]kgo.Opt{
		kgo.SeedBrokers(w.addrs...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(50 * time.Millisecond),
	}, opts...)
	c, err := kgo.NewClient(opts...)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(c.Close)
	return c
}

func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	w.Cleanup(cancel)
	return ctx
}

// produce writes records of values first, first+1, ... to a partition, n in
// batches of size.
func (w *world) produce(p *kgo.Client, partition int32, first, n, size int) {
	w.Helper()
	for n > 0 {
		size = min(size, n)
		var batch []*kgo.Record
		for range size {
			batch = append(batch, &kgo.Record{Topic: "events", Partition: partition, Value: fmt.Append(nil, first)})
			first++
			n--
		}
		if err := p.ProduceSync(w.ctx(), batch...).FirstErr(); err != nil {
			w.Fatal(err)
		}
	}
}

// open opens a stream that ends with the test.
func (w *world) open(partition int, offset int64) Stream {
	s := w.client.Open("events", partition, offset)
	w.Cleanup(s.Close)
	return s
}

// next returns the next set, which must be no error.
func (w *world) next(s Stream) *records.Set {
	w.Helper()
	set, err := s.Next(w.ctx())
	if err != nil {
		w.Fatal(err)
	}
	return set
}

// values reads until the stream has come to end, and returns what was read as
// "offset=value".
func (w *world) values(s Stream, end int64) (got []string) {
	w.Helper()
	for next := int64(-1); next < end; {
		set := w.next(s)
		got = append(got, drain(w.T, set)...)
		next = set.Next
	}
	return got
}

func drain(t testing.TB, set *records.Set) (got []string) {
	t.Helper()
	var r records.Record
	for {
		ok, err := set.Read(t.Context(), &r)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return got
		}
		got = append(got, fmt.Sprintf("%d=%s", r.Offset, r.Value))
	}
}

// counted is what values returns for offsets [from,to) written by produce from
// value 0 on.
func counted(from, to int) (want []string) {
	for i := from; i < to; i++ {
		want = append(want, fmt.Sprintf("%d=%d", i, i))
	}
	return want
}

// each runs f for every partition at once.
func each(n int, f func(partition int)) {
	var wg sync.WaitGroup
	for p := range n {
		wg.Go(func() { f(p) })
	}
	wg.Wait()
}
