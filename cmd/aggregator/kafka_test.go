package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// fakeKafka starts a broker in this process, and writes a config that names it and
// a Redis.
func fakeKafka(t *testing.T, redis string, opts ...kfake.Opt) (addr, config string) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	addr = c.ListenAddrs()[0]
	return addr, servers.WriteFile(t, "c.yaml", fmt.Sprintf(
		"kafka: {brokers: [%q]}\nredis: {addrs: [%q]}\nhttp: {listen: \"127.0.0.1:0\"}\ncommit: {max_age: 100ms}\n", addr, redis))
}

func TestTopics(t *testing.T) {
	addr, config := fakeKafka(t, "127.0.0.1:1", kfake.SeedTopics(3, "threshold-crossings"))
	remedy := "threshold-crossings: left as it is; to change it: kafka-configs.sh --bootstrap-server " + addr +
		" --alter --entity-type topics --entity-name threshold-crossings --add-config retention.ms=63158400000\n"
	f := func(want string, args ...string) {
		t.Helper()
		r := call("", nil, append([]string{"topics", "-config", config}, args...)...)
		if r.code != exitFine || r.out != want || r.err != remedy {
			t.Errorf("%q: got %+v, want %q", args, r, want)
		}
	}
	f(`dissemination-events: made, 6 partitions
  cleanup.policy: delete
  message.timestamp.type: LogAppendTime
  retention.ms: 63158400000 (731d)
dissemination-events.dlq: made, 6 partitions
  cleanup.policy: delete
threshold-crossings: exists, 3 partitions
  cleanup.policy: delete
  retention.ms: wanted 63158400000 (731d), is 604800000 (7d)
`, "-partitions", "6")
	f(`dissemination-events: exists, 6 partitions
  cleanup.policy: delete
  message.timestamp.type: LogAppendTime
  retention.ms: 63158400000 (731d)
dissemination-events.dlq: exists, 6 partitions
  cleanup.policy: delete
threshold-crossings: exists, 3 partitions
  cleanup.policy: delete
  retention.ms: wanted 63158400000 (731d), is 604800000 (7d)
`)

	// What the config says is what a topic is made with. One topic cannot be made; the others are.
	r := call("", []string{
		"AGGREGATOR_KAFKA_EVENTS=more", "AGGREGATOR_KAFKA_CROSSINGS=dissemination-events_dlq", "AGGREGATOR_RETENTION_EVENTS=30d",
	}, "topics", "-config", config, "-replication", "1")
	if r.code != exitFailed || !strings.HasPrefix(r.out, "more: made, 12 partitions\n") || !strings.Contains(r.out, "\n  retention.ms: 2592000000 (30d)\nmore.dlq: made, 12 partitions\n") ||
		!strings.Contains(r.err, "dissemination-events_dlq: not made: ") {
		t.Errorf("got %+v", r)
	}
}

func TestTopicsWithoutBroker(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var err strings.Builder
	config := servers.WriteFile(t, "c.yaml", "kafka: {brokers: [\""+servers.FreeAddr(t)+"\"]}")
	if code := run(ctx, []string{"topics", "-config", config}, strings.NewReader(""), &err, &err, nil); code != exitFailed || !strings.Contains(err.String(), "create topics: kafka 127.0.0.1:") ||
		!strings.Contains(err.String(), "look whether Kafka runs there") || strings.Contains(err.String(), "Client") {
		t.Errorf("got %d, %s", code, err.String())
	}
}

// TestLive looks at a broker with topics as `topics` makes them, and at a real Redis.
func TestLive(t *testing.T) {
	redis := servers.Redis(t, servers.RedisOptions{})
	addr, config := fakeKafka(t, redis.Addr())
	live := func() result { return call("", nil, "check", "-config", config, "-live") }
	expect := func(r result, code int, want ...string) {
		t.Helper()
		if r.code != code {
			t.Errorf("got %d, want %d:\n%s%s", r.code, code, r.out, r.err)
		}
		for _, w := range want {
			if !strings.Contains(r.out+r.err, w) {
				t.Errorf("no %q in:\n%s%s", w, r.out, r.err)
			}
		}
	}
	r := live()
	expect(r, exitFailed, "failed: topic dissemination-events: does not exist; make it with `aggregator topics`\n", "check: the service cannot run so: failed 3, warnings 0\n")
	if !strings.HasPrefix(r.out, "ok: packs 1, rules 17") {
		t.Errorf("got %s", r.out)
	}

	if r := call("", nil, "topics", "-config", config); r.code != exitFine {
		t.Fatalf("got %+v", r)
	}
	expect(live(), exitFine,
		"ok: kafka "+addr+": 1 broker\n", "ok: topic dissemination-events: 12 partitions\n", "ok: topic dissemination-events: LogAppendTime\n",
		"ok: topic threshold-crossings: 12 partitions\n", "ok: redis "+redis.Addr()+": version ", ", master, maxmemory-policy noeviction, appendfsync everysec\n",
		"ok: topic dissemination-events: the leaders of all partitions let us read (12)\n", "ok: topic threshold-crossings: the leaders of all partitions let us write (12)\n",
		"ok: group aggregator: joined and left again\n", "ok: redis "+redis.Addr()+": reads, writes and runs the script of commits\n",
		"warning: topic dissemination-events: 1 replica: ", "ok: topic dissemination-events: it keeps events for 731d\n", "ok: topic threshold-crossings: it keeps crossings for 731d\n",
		"check: the service can run: warnings 3\n")

	redis.Do("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	redis.Do("CONFIG", "SET", "appendonly", "no")
	expect(live(), exitFailed, "failed: redis "+redis.Addr()+": maxmemory-policy is allkeys-lru", "warning: redis "+redis.Addr()+": version ", "warning: redis "+redis.Addr()+": appendonly is off")
	redis.Stop()
	expect(live(), exitFailed, "failed: connect to redis "+redis.Addr())
	r = call("", []string{"AGGREGATOR_KAFKA_BROKERS=" + servers.FreeAddr(t)}, "check", "-config", config, "-live")
	expect(r, exitFailed, "failed: kafka 127.0.0.1:", "no broker was reached: look whether Kafka runs there, and at kafka.brokers\n")
	if strings.Contains(r.err, "kafka.(*Client)") {
		t.Errorf("an error names the library's functions:\n%s", r.err)
	}
}

// TestPermissions: a user who may read events, and nothing else.
func TestPermissions(t *testing.T) {
	redis := servers.Redis(t, servers.RedisOptions{})
	addr, config := fakeKafka(t, redis.Addr(), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("PLAIN", "root", "secret"),
		kfake.User("PLAIN", "reader", "secret",
			acl(kmsg.ACLResourceTypeTopic, "*", kmsg.ACLOperationDescribe),
			acl(kmsg.ACLResourceTypeTopic, "*", kmsg.ACLOperationDescribeConfigs),
			acl(kmsg.ACLResourceTypeTopic, "dissemination-events", kmsg.ACLOperationRead)))
	as := func(user string) []string {
		return []string{"AGGREGATOR_KAFKA_SASL_MECHANISM=plain", "AGGREGATOR_KAFKA_SASL_USERNAME=" + user, "AGGREGATOR_KAFKA_SASL_PASSWORD=secret"}
	}
	if r := call("", as("root"), "topics", "-config", config); r.code != exitFine {
		t.Fatalf("%s: got %+v", addr, r)
	}
	r := call("", as("root"), "check", "-config", config, "-live")
	if r.code != exitFine || !strings.Contains(r.out, "ok: topic threshold-crossings: allowed: READ, WRITE, DESCRIBE\n") {
		t.Errorf("got %+v", r)
	}
	r = call("", as("reader"), "check", "-config", config, "-live")
	if r.code != exitFailed || !strings.Contains(r.out, "ok: topic dissemination-events: allowed: READ, DESCRIBE\n") ||
		!strings.Contains(r.err, "failed: topic threshold-crossings: not allowed: READ, WRITE\n") ||
		!strings.Contains(r.err, "failed: group aggregator: GROUP_AUTHORIZATION_FAILED") {
		t.Errorf("got %+v", r)
	}
}

// produce sends values to a topic.
func produce(t *testing.T, addr, topic string, values ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, v := range values {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// consume reads n values of a topic from its start.
func consume(t *testing.T, addr, topic string, n int) []string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var values []string
	for len(values) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%d of %d values of %s: %v", len(values), n, topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

// acl allows an operation on a resource.
func acl(resource kmsg.ACLResourceType, name string, operation kmsg.ACLOperation) kfake.ACL {
	return kfake.ACL{Resource: resource, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: operation, Allow: true}
}
