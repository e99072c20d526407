package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/preflight"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
)

var topicsCommand = &command{
	name: "topics", args: "-config FILE [-partitions N] [-replication N]", about: "creates the topics that are missing",
	more: `Topics that exist are left as they are. New ones are made with
cleanup.policy=delete, those of events with message.timestamp.type=LogAppendTime besides, so that no
producer's clock can run ahead.
The number of partitions of the crossings' topic is fixed when the service first starts.`,
	flags: func(fs *flag.FlagSet) runner {
		var o topicsOptions
		fs.StringVar(&o.config, "config", "", "the config `file` (needed)")
		fs.IntVar(&o.partitions, "partitions", 12, "partitions of each topic made")
		fs.IntVar(&o.replication, "replication", -1, "replicas of each partition; -1: as the brokers have it by default")
		return o.run
	},
}

type topicsOptions struct {
	config                  string
	partitions, replication int
}

// topicsTimeout bounds the whole command.
const topicsTimeout = 30 * time.Second

func (o *topicsOptions) run(ctx context.Context, s *session, _ []string) error {
	switch {
	case o.config == "":
		return &usageError{message: "topics: -config is missing"}
	case o.partitions < 1 || o.partitions > 100_000:
		return &usageError{message: "topics: -partitions is from 1 to 100000"}
	case o.replication < -1 || o.replication == 0 || o.replication > 1_000:
		return &usageError{message: "topics: -replication is from 1, or -1 for the brokers' default"}
	}
	c, bad := s.loadConfig(o.config)
	if err := bad.orNil(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, topicsTimeout)
	defer cancel()
	transport := c.kafka.Transport()
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: c.kafka.Addr(), Transport: transport, Timeout: topicsTimeout}
	res, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: o.wanted(&c.kafka)})
	if err != nil {
		return fmt.Errorf("create topics: kafka %s: %w", strings.Join(c.kafka.Brokers, ","), explain.Kafka(err))
	}
	return o.printResults(s, &c.kafka, res.Errors)
}

// wanted is every topic of the config.
func (o *topicsOptions) wanted(k *stream.Kafka) []kafka.TopicConfig {
	var list []kafka.TopicConfig
	for _, name := range k.Topics() {
		t := kafka.TopicConfig{Topic: name, NumPartitions: o.partitions, ReplicationFactor: o.replication}
		t.ConfigEntries = []kafka.ConfigEntry{{ConfigName: preflight.CleanupPolicy, ConfigValue: "delete"}} // whatever the brokers' default is
		if slices.Contains(k.Events, name) {
			t.ConfigEntries = append(t.ConfigEntries, kafka.ConfigEntry{ConfigName: preflight.TimestampType, ConfigValue: preflight.LogAppendTime})
		}
		list = append(list, t)
	}
	return list
}

// printResults prints what became of each topic.
func (o *topicsOptions) printResults(s *session, k *stream.Kafka, results map[string]error) error {
	failed := false
	for _, name := range k.Topics() {
		var err error
		switch made := results[name]; {
		case made == nil:
			_, err = fmt.Fprintf(s.out, "%s: made, %s\n", name, humanize.Count(o.partitions, "partition"))
		case errors.Is(made, kafka.TopicAlreadyExists):
			_, err = fmt.Fprintf(s.out, "%s: exists\n", name)
		default:
			failed = true
			fmt.Fprintf(s.err, "%s: not made: %v\n", name, explain.Kafka(made))
		}
		if err != nil {
			return err
		}
	}
	if failed {
		return errReported
	}
	return nil
}
