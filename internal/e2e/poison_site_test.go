//go:build slow

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// Limits of what poison may do.
const (
	poisonPatience = 10 * time.Second // until the crossing of a good event that came after it is published
	poisonMemory   = 512 << 20        // resident: the limit of deploy/k8s
	poisonIdleCPU  = 0.5              // of a core, while nothing comes
)

// poisonPack has windows, zones and conditions of many kinds, and a rule that each good event crosses.
const poisonPack = `pack: poison
measures:
  good:      {sum: count, types: [good]}
  clicks:    {sum: count, types: [click]}
  readers:   {distinct: account, types: [click, view, share, comment]}
  posts:     {distinct: content, types: [publish, click]}
  members:   {distinct: group, weight: members, types: [share, send, group]}
  followers: {distinct: account, weight: followers, types: [publish, follow]}
  orders:    {sum: count, types: [order]}
  defied:    {sum: count, types: [click, publish], after: orders}
  money:     {sum: amount, types: [pay, gain]}
rules:
  - {id: good,    title: T, by: incident, window: 1h,  step: 1m,  limits: {good: 1}, levels: [1]}
  - {id: seconds, title: T, by: incident, window: 60s, step: 1s,  limits: {clicks: 10}, levels: [0.5, 1], clear: 0.4}
  - {id: minutes, title: T, by: incident, window: 10m, step: 10s, limits: {clicks: 10, readers: 4}, levels: [0.5, 1], clear: 0.3}
  - {id: hours,   title: T, by: incident, window: 1h,  step: 5m,  limits: {readers: 5}, levels: [0.2, 1], clear: 0.15}
  - {id: day,     title: T, by: incident, window: 24h, step: 1h,  limits: {posts: 3}, levels: [1], clear: 0.5}
  - {id: week,    title: T, by: incident, window: 7d,  step: 6h,  limits: {clicks: 3, members: 300}, combine: ratio, levels: [0.5, 1], clear: 0.4}
  - {id: years,   title: T, by: incident, window: 731d, step: 1d, limits: {clicks: 3}, levels: [0.5, 1], clear: 0.4}
  - {id: ever,    title: T, by: incident, window: all, limits: {clicks: 1000000, followers: 20000}, levels: [0.1, 1]}
  - {id: defied,  title: T, by: incident, window: 3h,  step: 3h,  limits: {defied: 3}, levels: [1], clear: 0.5}
  - {id: account, title: T, by: account,  window: 10m, step: 2m,  limits: {posts: 3, money: 20000}, levels: [1], clear: 0.9}
  - {id: content, title: T, by: content,  window: 30m, step: 1m,  limits: {readers: 3}, levels: [0.5, 1], clear: 0.2}
  - {id: group,   title: T, by: group,    window: 1h,  step: 1h,  limits: {members: 50}, levels: [1], clear: 0.5}
`

// poisonSite is a deployment that is poisoned: two partitions of default settings, and a process as deploy/k8s runs it.
type poisonSite struct {
	*site
	d         *daemon
	consumer  *kgo.Client // reads the crossings
	leader    int32
	id        [16]byte // of the events' topic
	processes int      // restarts
	good      int      // good events sent
	counted   float64  // records that the metrics of this process had counted after the last round; -1: it was started since
	slowest   time.Duration
	peak      int // of all its processes, bytes
}

func newPoisonSite(t *testing.T, kafka *servers.KafkaServer) *poisonSite {
	t.Helper()
	redis := servers.Redis(t, servers.RedisOptions{})
	w := &poisonSite{site: newSite(t, kafka, siteOptions{partitions: 2, redis: redis.Addr(), pack: poisonPack})}
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Addrs()...), kgo.ConsumeTopics(w.crossings), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	w.consumer = client
	request := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &w.events
	request.Topics = append(request.Topics, topic)
	reply, err := request.RequestWith(t.Context(), w.client)
	if err != nil {
		t.Fatal(err)
	}
	w.id, w.leader = reply.Topics[0].TopicID, reply.Topics[0].Partitions[0].Leader
	w.launch()
	return w
}

func (w *poisonSite) launch() {
	w.t.Helper()
	w.d = w.start(fmt.Sprintf("%s-%d", w.events, w.processes), "GOMEMLIMIT=460MiB")
	w.d.mayLogErrors = true // what it meets may be worth an error
	w.counted = -1
	w.processes++
}

// send sends a payload to a partition. It returns how many records the metrics must count; -1: unknown.
func (w *poisonSite) send(x payload, partition int32) (records int, err error) {
	for _, r := range x.records {
		r.Partition = partition
	}
	if len(x.records) > 0 {
		if err := w.write(x); err != nil {
			return 0, err
		}
	}
	for _, b := range x.batches {
		taken, err := w.sendRaw(b, partition)
		if err != nil {
			return 0, err
		}
		if !taken && x.counted >= 0 {
			x.counted = max(0, x.counted-x.each)
		}
	}
	return x.counted, nil
}

// write writes the records of a payload as a client does, in a transaction if the payload has one.
func (w *poisonSite) write(x payload) error {
	options := []kgo.Opt{
		kgo.SeedBrokers(w.kafka.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(64 << 20),
		kgo.ProducerLinger(5 * time.Millisecond), kgo.ProducerBatchCompression(x.codec), kgo.MaxBufferedRecords(1_000_000), kgo.MaxBufferedBytes(1 << 30),
	}
	if x.transaction != none {
		options = append(options, kgo.TransactionalID(w.group))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), waitLimit)
	defer cancel()
	if x.transaction != none {
		if err := client.BeginTransaction(); err != nil {
			return err
		}
	}
	for _, r := range x.records {
		r.Topic = w.events
	}
	if err := client.ProduceSync(ctx, x.records...).FirstErr(); err != nil {
		return err
	}
	if x.transaction != none {
		return client.EndTransaction(ctx, kgo.TransactionEndTry(x.transaction == committed))
	}
	return nil
}

// sendRaw sends a batch as it is. Many are refused by the broker, which is as good.
func (w *poisonSite) sendRaw(batch []byte, partition int32) (taken bool, err error) {
	request := kmsg.NewPtrProduceRequest()
	request.Acks, request.TimeoutMillis = -1, 30_000
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = w.events, w.id
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, batch
	t.Partitions = append(t.Partitions, p)
	request.Topics = append(request.Topics, t)
	reply, err := w.client.Broker(int(w.leader)).Request(w.t.Context(), request)
	if err != nil {
		return false, err
	}
	return kerr.ErrorForCode(reply.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode) == nil, nil
}

// awaitGoodEvents sends a good event to each partition, after the poison, and waits until its crossing is published. It returns how long that took.
func (w *poisonSite) awaitGoodEvents() (time.Duration, error) {
	w.t.Helper()
	missing, began := map[string]bool{}, time.Now()
	for p := range w.partitions {
		w.good++
		name := fmt.Sprintf("good-%d", w.good)
		missing[name] = true
		w.produce(&kgo.Record{Partition: int32(p), Value: fmt.Appendf(nil, `{"id":%q,"time":%q,"type":"good","incident":%q}`,
			name, began.UTC().Format(time.RFC3339Nano), name)})
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), poisonPatience)
	defer cancel()
	for len(missing) > 0 {
		fetches := w.consumer.PollFetches(ctx)
		if ctx.Err() != nil {
			return 0, fmt.Errorf("after %v the crossing of a good event after it is not published: %v", poisonPatience, missing)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			var c struct{ Subject string }
			if json.Unmarshal(r.Value, &c) == nil {
				delete(missing, c.Subject)
			}
		})
	}
	w.slowest = max(w.slowest, time.Since(began))
	return time.Since(began), nil
}

// checkCounted compares what the metrics count with what was sent since the last round.
func (w *poisonSite) checkCounted(records int) error {
	before, at := w.counted, 0.0
	counted := func() float64 {
		at = w.d.metric("aggregator_events_total") + w.d.metric("aggregator_records_passed_over_total")
		return at
	}
	if before < 0 || records < 0 {
		w.counted = counted()
		return nil
	}
	want := before + float64(records)
	defer func() { w.counted = at }()
	if !within(poisonPatience, func() bool { return counted() == want }) {
		return fmt.Errorf("metrics count %v records, %d were sent", at-before, records)
	}
	return nil
}

// checkMemory fails if memory is not within its bound.
func (w *poisonSite) checkMemory() error {
	n := w.d.peak()
	w.peak = max(w.peak, n)
	if n > poisonMemory {
		return fmt.Errorf("it has taken %d MiB, at most %d", n>>20, poisonMemory>>20)
	}
	return nil
}

// checkIdle fails if the process does not come to rest when nothing comes.
func (w *poisonSite) checkIdle() error {
	var share float64
	ok := within(30*time.Second, func() bool {
		before, began := w.cpuNow(), time.Now()
		<-time.After(2 * time.Second) // it is measured what it does in a quiet moment
		share = (w.cpuNow() - before).Seconds() / time.Since(began).Seconds()
		return share < poisonIdleCPU
	})
	if !ok {
		return fmt.Errorf("it uses %.2f of a core while nothing comes", share)
	}
	return nil
}

// cpuNow is the time that the running process has used; 0 if it has ended.
func (w *poisonSite) cpuNow() time.Duration {
	used, _ := w.d.CPUNow()
	return used
}

// stop stops the process by SIGTERM, which must work in its time.
func (w *poisonSite) stop() error {
	began := time.Now()
	w.d.Signal(syscall.SIGTERM)
	select {
	case <-w.d.Done():
	case <-time.After(stopDeadline + 10*time.Second):
		w.d.Kill()
		return fmt.Errorf("SIGTERM does not stop it")
	}
	if code := w.d.ExitCode(); code != exitFine {
		return fmt.Errorf("exit code %d, %v after SIGTERM", code, time.Since(began).Round(time.Second))
	}
	return nil
}

// readDeadLetters reads all dead letters as any consumer would. Each says where it came from and why.
func (w *poisonSite) readDeadLetters() (n int, err error) {
	want := int64(0)
	for _, end := range w.ends(w.dead) {
		want += end
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.Addrs()...), kgo.ConsumeTopics(w.dead))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), waitLimit)
	defer cancel()
	for int64(n) < want {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return n, fmt.Errorf("%d of %d dead letters read: %w", n, want, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			for _, name := range []string{"aggregator.reason", "__connect.errors.topic", "__connect.errors.partition", "__connect.errors.offset"} {
				if got := headersOf(r, name); len(got) != 1 || got[0] == "" {
					err = fmt.Errorf("dead letter %d/%d: header %s: %q", r.Partition, r.Offset, name, got)
				}
			}
			n++
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// round sends a payload of a kind and looks what comes of it.
func (w *poisonSite) round(k poisonKind, g *poisoner) error {
	records, err := w.send(k.make(g), int32(g.rng.IntN(w.partitions)))
	if err != nil {
		return fmt.Errorf("not sent: %w", err)
	}
	if g.rng.IntN(12) == 0 { // in the middle of it
		if err := w.stop(); err != nil {
			return err
		}
		w.launch()
	}
	if _, err := w.awaitGoodEvents(); err != nil {
		return err
	}
	if records >= 0 {
		records += w.partitions
	}
	if err := w.checkCounted(records); err != nil {
		return err
	}
	return w.checkMemory()
}

// conclude looks at what has lasted.
func (w *poisonSite) conclude() error {
	if err := w.checkIdle(); err != nil {
		return err
	}
	if err := w.stop(); err != nil {
		return err
	}
	n, err := w.readDeadLetters()
	w.t.Logf("%d good events, %d processes, the slowest after %v, at most %d MiB, %d dead letters", w.good, w.processes, w.slowest.Round(time.Millisecond), w.peak>>20, n)
	return err
}
