package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// liveTimeout bounds what is asked of Kafka, and what is asked of Redis.
const liveTimeout = 15 * time.Second

// findings prints what was found of the servers, and remembers whether
// something keeps the service from running.
type findings struct {
	*session
	failed, warned int
}

func (f *findings) fine(format string, args ...any) {
	fmt.Fprintf(f.out, "ok: "+format+"\n", args...)
}

func (f *findings) warn(format string, args ...any) {
	f.warned++
	fmt.Fprintf(f.err, "warning: "+format+"\n", args...)
}

func (f *findings) fail(format string, args ...any) {
	f.failed++
	fmt.Fprintf(f.err, "failed: "+format+"\n", args...)
}

// checkLive looks at the servers of a config.
func checkLive(ctx context.Context, s *session, c *config) error {
	f := &findings{session: s}
	f.kafka(ctx, c)
	f.redis(ctx, c)
	return f.verdict()
}

// verdict is the last line, after all that was found.
func (f *findings) verdict() error {
	switch {
	case f.failed > 0:
		fmt.Fprintf(f.err, "check: the service cannot run so: failed %d, warnings %d\n", f.failed, f.warned)
		return errTold
	case f.warned > 0:
		fmt.Fprintf(f.err, "check: the service can run: warnings %d\n", f.warned)
	default:
		fmt.Fprintln(f.err, "check: the service can run")
	}
	return nil
}

func (f *findings) kafka(ctx context.Context, c *config) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	transport := c.kafka.Transport()
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: c.kafka.Addr(), Transport: transport, Timeout: liveTimeout}
	names := topicNames(&c.kafka)
	res, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: names})
	if err != nil {
		f.fail("kafka %s: %v", strings.Join(c.kafka.Brokers, ","), stream.ExplainKafka(err))
		return
	}
	f.fine("kafka %s: %s", strings.Join(c.kafka.Brokers, ","), counted(len(res.Brokers), "broker"))
	there := map[string]bool{}
	for _, t := range res.Topics {
		there[t.Name] = f.topic(&t)
	}
	for _, name := range c.kafka.Events {
		if there[name] {
			f.timestamps(ctx, client, name)
		}
	}
	f.permissions(ctx, c)
}

// topic says whether a topic can be used.
func (f *findings) topic(t *kafka.Topic) bool {
	switch {
	case errors.Is(t.Error, kafka.UnknownTopicOrPartition):
		f.fail("topic %s: does not exist; make it with `aggregator topics`", t.Name)
	case t.Error != nil:
		f.fail("topic %s: %v", t.Name, stream.ExplainKafka(t.Error))
	default:
		f.fine("topic %s: %s", t.Name, counted(len(t.Partitions), "partition"))
		return true
	}
	return false
}

const (
	// timestampBound is the setting of topics that bounds how far ahead producers' timestamps may lie, in ms.
	timestampBound = "message.timestamp.after.max.ms"
	// boundAllowed is how far that may be: what Kafka 4 has by default.
	boundAllowed = time.Hour
)

// timestamps looks whether a producer's clock can push the windows on.
func (f *findings) timestamps(ctx context.Context, client *kafka.Client, topic string) {
	res, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{timestampType, timestampBound},
	}}})
	if err == nil && len(res.Resources) > 0 {
		err = res.Resources[0].Error
	}
	if err != nil {
		f.warn("topic %s: its settings cannot be read: %v; see to it that %s is %s", topic, err, timestampType, logAppendTime)
		return
	}
	settings := map[string]string{}
	for _, r := range res.Resources {
		for _, e := range r.ConfigEntries {
			settings[e.ConfigName] = e.ConfigValue
		}
	}
	f.judge(topic, settings)
}

func (f *findings) judge(topic string, settings map[string]string) {
	if settings[timestampType] == logAppendTime {
		f.fine("topic %s: %s", topic, logAppendTime)
		return
	}
	bound := settings[timestampBound]
	if ms, err := strconv.ParseInt(bound, 10, 64); err == nil && ms <= boundAllowed.Milliseconds() {
		f.fine("topic %s: %s, at most %v ahead", topic, settings[timestampType], time.Duration(ms)*time.Millisecond)
		return
	}
	f.fail("topic %s: producers' timestamps may lie far ahead, and would push the windows on; set %s=%s, or %s to at most %d",
		topic, timestampType, logAppendTime, timestampBound, boundAllowed.Milliseconds())
}

func (f *findings) redis(ctx context.Context, c *config) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	store, err := windows.NewRedis(ctx, c.redis)
	if err != nil {
		f.fail("%v", stream.ExplainStore(err))
		return
	}
	defer func() { _ = store.Close() }() // nothing was written
	if err := store.Ping(ctx); err != nil {
		f.fail("%v", stream.ExplainStore(err))
	}
	f.owner(ctx, c, store)
	servers, err := store.Check(ctx)
	for _, s := range servers {
		say := f.fine
		if len(s.Warnings) > 0 {
			say = f.warn
		}
		say("redis %s: version %s, %s, maxmemory-policy %s, appendfsync %s",
			s.Addr, known(s.Version), known(s.Role), known(s.Policy), known(s.Fsync))
		for _, w := range s.Warnings {
			f.warn("redis %s: %s", s.Addr, w)
		}
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			f.fail("%s", line)
		}
	}
}

// owner says whether the store is another deployment's.
func (f *findings) owner(ctx context.Context, c *config, store windows.Store) {
	switch group, err := stream.CheckOwner(ctx, &c.kafka, store); {
	case err != nil:
		f.fail("redis.prefix %s: %v", c.redis.Prefix, err)
	case group == "":
		f.fine("redis.prefix %s: nothing is stored yet", c.redis.Prefix)
	default:
		f.fine("redis.prefix %s: belongs to group %s", c.redis.Prefix, group)
	}
}

func known(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
