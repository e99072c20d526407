package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/preflight"
)

var topicsCommand = &command{
	name: "topics", args: "-config FILE [-partitions N] [-replication N]", about: "creates the topics that are missing",
	more: `Topics that exist are left as they are; where they differ from what is wanted, that is said, and
how to change it. New ones are made with cleanup.policy=delete, those of events with
message.timestamp.type=LogAppendTime besides, so that no producer's clock can run ahead. How long events
and crossings are kept (retention.ms) is as the config's section retention says. With -replication of 3
and more, min.insync.replicas is 2.
The number of partitions of the crossings' topic is fixed when the service first starts. The topic of canaries has one.`,
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
	c, set, err := s.load(o.config, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, topicsTimeout)
	defer cancel()
	site := c.site(s, set.packs)
	transport := c.kafka.Transport()
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: c.kafka.Addr(), Transport: transport, Timeout: topicsTimeout}
	res, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: o.wanted(site)})
	if err != nil {
		return fmt.Errorf("create topics: kafka %s: %w", strings.Join(c.kafka.Brokers, ","), explain.Kafka(err))
	}
	return o.printResults(ctx, s, site, res.Errors)
}

// wanted is every topic of the config.
func (o *topicsOptions) wanted(site *preflight.Options) []kafka.TopicConfig {
	var list []kafka.TopicConfig
	for _, name := range site.Kafka.Topics() {
		t := kafka.TopicConfig{Topic: name, NumPartitions: o.partitions, ReplicationFactor: o.replication}
		if name == site.Kafka.Canary {
			t.NumPartitions = 1
		}
		for _, w := range site.Wanted(name, o.replication) {
			t.ConfigEntries = append(t.ConfigEntries, kafka.ConfigEntry{ConfigName: w.Name, ConfigValue: w.Value})
		}
		list = append(list, t)
	}
	return list
}

// printResults prints what became of each topic, and how those that existed differ from what is wanted.
func (o *topicsOptions) printResults(ctx context.Context, s *session, site *preflight.Options, results map[string]error) error {
	there := existing(ctx, site, results)
	failed := false
	for _, t := range o.wanted(site) {
		var err error
		name := t.Topic
		switch made := results[name]; {
		case made == nil:
			err = o.printMade(s.out, site, &t)
		case !errors.Is(made, kafka.TopicAlreadyExists):
			failed = true
			fmt.Fprintf(s.err, "%s: not made: %v\n", name, explain.Kafka(made))
		default:
			err = printThere(s, site, name, there(name))
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

// existing asks, if some topics were there before, how they are.
func existing(ctx context.Context, site *preflight.Options, results map[string]error) func(name string) preflight.Topic {
	var there map[string]preflight.Topic
	var unread error
	if slices.ContainsFunc(slices.Collect(maps.Values(results)), func(err error) bool { return errors.Is(err, kafka.TopicAlreadyExists) }) {
		there, unread = preflight.Topics(ctx, site)
	}
	return func(name string) preflight.Topic {
		t, found := there[name]
		switch {
		case unread != nil:
			t.Err = unread
		case !found:
			t.Err = errors.New("the broker does not describe it")
		}
		return t
	}
}

// printMade prints a topic that was made, and its settings.
func (o *topicsOptions) printMade(out io.Writer, site *preflight.Options, t *kafka.TopicConfig) error {
	text := fmt.Sprintf("%s: made, %s\n", t.Topic, humanize.Count(t.NumPartitions, "partition"))
	for _, w := range site.Wanted(t.Topic, o.replication) {
		text += fmt.Sprintf("  %s: %s\n", w.Name, w.Shown(w.Value))
	}
	_, err := io.WriteString(out, text)
	return err
}

// printThere prints a topic that existed: each setting as it is, with what is wanted where that differs.
func printThere(s *session, site *preflight.Options, name string, t preflight.Topic) error {
	if t.Err != nil {
		fmt.Fprintf(s.err, "%s: its settings cannot be read: %v\n", name, t.Err)
		_, err := fmt.Fprintf(s.out, "%s: exists\n", name)
		return err
	}
	text := fmt.Sprintf("%s: exists, %s\n", name, humanize.Count(t.Partitions, "partition"))
	var differ []string
	for _, w := range site.Wanted(name, t.Replicas) {
		value, known := t.Settings[w.Name]
		switch {
		case !known:
			text += fmt.Sprintf("  %s: wanted %s, is not known\n", w.Name, w.Shown(w.Value))
		case w.Met(value):
			text += fmt.Sprintf("  %s: %s\n", w.Name, w.Shown(value))
		default:
			differ = append(differ, w.Name+"="+w.Value)
			text += fmt.Sprintf("  %s: wanted %s, is %s\n", w.Name, w.Shown(w.Value), w.Shown(value))
		}
	}
	if len(differ) > 0 {
		fmt.Fprintf(s.err, "%s: left as it is; to change it: kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s\n",
			name, site.Kafka.Brokers[0], name, strings.Join(differ, ","))
	}
	_, err := io.WriteString(s.out, text)
	return err
}
