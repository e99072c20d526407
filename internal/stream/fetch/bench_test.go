package fetch

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

// BenchmarkFetch reads a million records from 12 partitions of a real Kafka. One
// operation is a million records; cpu-s is what this process takes for them.
func BenchmarkFetch(b *testing.B) {
	const partitions, total = 12, 1_000_000
	k := servers.Kafka(b, servers.KafkaOptions{JVM: []string{"-Xms512m", "-Xmx512m"}})
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		topic := k.NewTopic(partitions, nil)
		fillTopic(b, k.Addrs(), topic, codec, partitions, total)
		transport := &kafka.Transport{MetadataTopics: []string{topic}, MetadataTTL: time.Second}
		c := New(Options{Transport: transport, Brokers: kafka.TCP(k.Addrs()...)})
		b.Run(name, func(b *testing.B) {
			before := cpuSeconds(b)
			for b.Loop() {
				var n atomic.Int64
				each(partitions, func(p int) { n.Add(readPartition(b, c, topic, p)) })
				if n.Load() != total {
					b.Fatalf("%d records of %d", n.Load(), total)
				}
			}
			b.ReportMetric((cpuSeconds(b)-before)/float64(b.N), "cpu-s/op")
		})
		c.Close()
		transport.CloseIdleConnections()
	}
}

func fillTopic(b *testing.B, addrs []string, topic string, codec kgo.CompressionCodec, partitions, total int) {
	c, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(50*time.Millisecond), kgo.ProducerBatchMaxBytes(128<<10))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for i := range total {
		c.Produce(b.Context(), &kgo.Record{Topic: topic, Partition: int32(i % partitions), Key: fmt.Appendf(nil, "inc-%d", i*7919%1000), Value: recordstest.Event(uint64(i), i)}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	if err := c.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func readPartition(b *testing.B, c *Client, topic string, partition int) (n int64) {
	s := c.Open(topic, partition, 0)
	defer s.Close()
	var r records.Record
	for {
		set, err := s.Next(b.Context())
		if err != nil {
			b.Error(err)
			return n
		}
		for {
			ok, err := set.Read(b.Context(), &r)
			if err != nil {
				b.Error(err)
			}
			if !ok {
				break
			}
			n++
		}
		if set.Next >= set.HighWatermark {
			return n
		}
	}
}

func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
