package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect/inspecttest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// e2eSeed is the seed of a test's events: $E2E_SEED, or the clock. It is printed.
func e2eSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("E2E_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d (E2E_SEED=%d repeats it)", seed, seed)
	return seed
}

// site is one deployment: topics and a group of its own in a Kafka, and a prefix of its own in a Redis.
type site struct {
	t                       *testing.T
	kafka                   *servers.KafkaServer
	client                  *kgo.Client
	events, crossings, dead string
	group, prefix           string
	partitions              int
	config                  string   // file
	packs                   []string // texts of what it counts by
	master                  string   // of Sentinels
	shards                  int
}

// siteOptions are what sites differ in.
type siteOptions struct {
	partitions int
	redis      string // addresses, separated by commas
	master     string // that these, as Sentinels, watch
	brokers    string // where processes find Kafka; "": where the tests do
	shards     int    // 0: as many as one Redis has
	pack       string // text of the only pack; "": the default pack
	both       bool   // the pack is not the only one: there is the default pack, too
	extra      string // lines of YAML
	made       bool   // the topics are to be made by `aggregator topics`
	usual      bool   // names are those of the default config
	name       string // of the group, and in front of all other names; "": one that no other site has
}

var sitesMade atomic.Int64

// newSite makes the topics and the config file of a deployment.
func newSite(t *testing.T, k *servers.KafkaServer, o siteOptions) *site {
	t.Helper()
	s := &site{t: t, kafka: k, partitions: o.partitions, master: o.master, shards: cmp.Or(o.shards, stream.DefaultShards)}
	s.events = fmt.Sprintf("events-%d", sitesMade.Add(1))
	s.crossings, s.group, s.prefix = s.events+"-crossings", s.events, s.events+":"
	if o.usual {
		s.events, s.crossings, s.group, s.prefix = "dissemination-events", "threshold-crossings", "aggregator", windowstore.DefaultPrefix
	}
	if o.name != "" {
		s.events, s.crossings, s.group, s.prefix = o.name+"-events", o.name+"-crossings", o.name, o.name+":"
	}
	s.dead = s.events + ".dlq"
	rules := s.choosePacks(o)
	s.config = servers.WriteFile(t, "aggregator.yaml", fmt.Sprintf(
		"kafka: {brokers: [%s], group: %s, events: [%s], crossings: %s}\nredis: {addrs: [%s], master_name: %q, prefix: %q}\nhttp: {listen: \"127.0.0.1:0\"}\nlog: {format: json}\n%s%s",
		cmp.Or(o.brokers, strings.Join(k.Addrs(), ",")), s.group, s.events, s.crossings, o.redis, o.master, s.prefix, rules, o.extra))
	if o.made {
		if r := call(t, "", nil, "topics", "-config", s.config, "-partitions", strconv.Itoa(o.partitions)); r.code != exitFine {
			t.Fatalf("topics: %+v", r)
		}
	} else {
		k.CreateTopic(s.events, o.partitions, nil)
		k.CreateTopic(s.crossings, 5, nil)
		k.CreateTopic(s.dead, 2, nil)
	}
	s.connect()
	return s
}

// choosePacks notes the packs of a site, and returns the lines of its config that name them.
func (s *site) choosePacks(o siteOptions) string {
	s.t.Helper()
	builtin := ""
	if o.pack == "" || o.both {
		builtin = defaultPack
		s.packs = append(s.packs, packText(s.t, defaultPack))
	}
	if o.pack == "" {
		return ""
	}
	s.packs = append(s.packs, o.pack)
	return fmt.Sprintf("rules: {packs: [%s], files: [%q]}\n", builtin, servers.WriteFile(s.t, "pack.yaml", o.pack))
}

// connect makes a client, which knows what topics there are now.
func (s *site) connect() {
	s.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(1_000_000), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(client.Close)
	s.client = client
}

// start starts a process of the deployment, with variables that override its config.
func (s *site) start(name string, environ ...string) *daemon {
	s.t.Helper()
	return startDaemon(s.t, name, s.config, environ...)
}

// produce writes records to the partitions that they name, in order, and returns when they are safe.
func (s *site) produce(records ...*kgo.Record) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), waitLimit)
	defer cancel()
	for _, r := range records {
		r.Topic = s.events
	}
	if err := s.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// ends are the ends of a topic's partitions.
func (s *site) ends(topic string) map[int32]int64 {
	s.t.Helper()
	ends, err := s.endsOf(s.t.Context(), topic, s.partitionsOf(topic))
	if err != nil {
		s.t.Fatal(err)
	}
	return ends
}

// endsOf asks once for the ends of a topic of so many partitions.
func (s *site) endsOf(ctx context.Context, topic string, partitions int) (map[int32]int64, error) {
	request := kmsg.NewPtrListOffsetsRequest()
	request.ReplicaID = -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for p := range partitions {
		x := kmsg.NewListOffsetsRequestTopicPartition()
		x.Partition, x.Timestamp = int32(p), -1
		t.Partitions = append(t.Partitions, x)
	}
	request.Topics = append(request.Topics, t)
	reply, err := request.RequestWith(ctx, s.client)
	if err != nil {
		return nil, err
	}
	ends := map[int32]int64{}
	for _, x := range reply.Topics[0].Partitions {
		if err := kerr.ErrorForCode(x.ErrorCode); err != nil {
			return nil, err
		}
		ends[x.Partition] = x.Offset
	}
	return ends, nil
}

func (s *site) partitionsOf(topic string) int {
	s.t.Helper()
	return len(s.topic(topic).Partitions)
}

// topic is what Kafka says of a topic.
func (s *site) topic(name string) kmsg.MetadataResponseTopic {
	s.t.Helper()
	request := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &name
	request.Topics = append(request.Topics, t)
	reply, err := request.RequestWith(s.t.Context(), s.client)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply.Topics[0]
}

// committed are the offsets of the group, by partition of the events' topic.
func (s *site) committed() map[int32]int64 { return s.committedBy(s.group, s.events, s.partitions) }

// committedBy are the offsets of a group in a topic of so many partitions.
func (s *site) committedBy(group, topic string, partitions int) map[int32]int64 {
	s.t.Helper()
	request := kmsg.NewPtrOffsetFetchRequest()
	request.Group = group
	t := kmsg.NewOffsetFetchRequestTopic()
	t.Topic = topic
	for p := range partitions {
		t.Partitions = append(t.Partitions, int32(p))
	}
	request.Topics = append(request.Topics, t)
	offsets := map[int32]int64{}
	reply, err := request.RequestWith(s.t.Context(), s.client)
	if errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kerr.NotCoordinator) || errors.Is(err, kerr.CoordinatorLoadInProgress) {
		return offsets // the first group of all is being made room for
	}
	if err != nil {
		s.t.Fatal(err)
	}
	for _, t := range reply.Topics {
		for _, p := range t.Partitions {
			offsets[p.Partition] = p.Offset
		}
	}
	return offsets
}

// done is how many records the group has committed, and how many there are.
func (s *site) done() (committed, all int64) {
	s.t.Helper()
	for _, n := range s.ends(s.events) {
		all += n
	}
	for _, n := range s.committed() {
		committed += max(0, n)
	}
	return committed, all
}

// awaitDone waits until the group has committed everything.
func (s *site) awaitDone() {
	s.t.Helper()
	eventually(s.t, "the group commits everything", func() bool {
		committed, all := s.done()
		return committed == all
	})
}

// read reads a whole topic, in the order of each partition.
func (s *site) read(topic string) []*kgo.Record {
	s.t.Helper()
	ends, want := s.ends(topic), 0
	from := map[int32]kgo.Offset{}
	for p, n := range ends {
		from[p] = kgo.NewOffset().AtStart()
		want += int(n)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Addrs()...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(s.t.Context(), waitLimit)
	defer cancel()
	var records []*kgo.Record
	for len(records) < want {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			s.t.Fatalf("read %s: %v after %d of %d", topic, err, len(records), want)
		}
		records = append(records, fetches.Records()...)
	}
	if topic == s.dead {
		s.checkLetters(records)
	}
	return records
}

// checkLetters holds dead letters against the contract, except for what other programs put into their topic.
func (s *site) checkLetters(records []*kgo.Record) {
	s.t.Helper()
	for _, r := range records {
		if headers := headerMap(r); headers["aggregator.reason"] != "" {
			apitest.DeadLetter.Check(s.t, headers, nil)
		}
	}
}

// program compiles the packs of the site, as the daemons do.
func (s *site) program() *engine.Program {
	s.t.Helper()
	var packs []*thresholds.Pack
	for _, text := range s.packs {
		pack, faults := thresholds.Parse("pack.yaml", []byte(text), thresholds.Options{})
		if pack == nil {
			s.t.Fatal(faults)
		}
		packs = append(packs, pack)
	}
	p, err := engine.Compile(packs, thresholds.DefaultMaxMembers)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// counts are the counts lines of what is in Redis.
func (s *site) counts(redis string) []string {
	s.t.Helper()
	store := s.store(redis)
	defer func() { _ = store.Close() }()
	var lines []string
	err := inspecttest.Counts(s.t.Context(), &inspect.Reader{Program: s.program(), Store: store, Shards: s.shards}, func(line []byte) bool {
		lines = append(lines, string(line))
		return true
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return lines
}

// store is a connection to what the processes store.
func (s *site) store(redis string) *redisstore.Store {
	s.t.Helper()
	store, err := redisstore.New(s.t.Context(), redisstore.Options{
		Addrs: strings.Split(redis, ","), MasterName: s.master, Prefix: s.prefix,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return store
}

// packText is the text of a built-in pack.
func packText(t *testing.T, name string) string {
	t.Helper()
	data, ok := thresholds.Builtin(name)
	if !ok {
		t.Fatalf("no built-in pack %s", name)
	}
	return string(data)
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
