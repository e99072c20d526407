package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
)

// partitions is how many the topic of events has. The topic of crossings has one, so that they are
// read in order.
const partitions = 4

// broker is a Kafka in this process.
type broker struct {
	cluster *kfake.Cluster
	kafka   stream.Kafka
}

// startBroker starts a broker on a free port of the loopback interface. It keeps the last megabytes
// of each partition. What falls out was counted long before, since the feed waits for the service.
func startBroker() (*broker, error) {
	k := stream.Kafka{Group: "aggregator", ClientID: "aggregator", Events: []string{"dissemination-events"}, Crossings: "threshold-crossings"}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.SeedTopics(partitions, k.Events[0]),
		kfake.SeedTopics(1, k.Crossings, k.DeadTopic(k.Events[0])),
		kfake.BrokerConfigs(map[string]string{
			"log.message.timestamp.type": "LogAppendTime",
			"log.retention.bytes":        fmt.Sprint(4 << 20),
			"log.segment.bytes":          fmt.Sprint(1 << 20),
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	k.Brokers = cluster.ListenAddrs()
	return &broker{cluster: cluster, kafka: k}, nil
}

// trim drops what is beyond the broker's bound, now and then.
func (b *broker) trim(ctx context.Context) {
	retry.Every(ctx, 5*time.Second, func(time.Time) { b.cluster.ApplyRetention() })
}

// ends is how many records the topics of events and of crossings ever had.
func (b *broker) ends() (events, crossings int64) {
	for _, p := range b.cluster.PartitionInfos(b.kafka.Events[0]) {
		events += p.HighWatermark
	}
	return events, b.cluster.PartitionInfo(b.kafka.Crossings, 0).HighWatermark
}
