package e2e

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

var quietLog = log.New(io.Discard, "", 0)

// notifyRun is a deployment of `notify` with three sinks, while crossings come and faults are injected.
type notifyRun struct {
	t      *testing.T
	kafka  *servers.KafkaServer
	topic  string
	config string
	sinks  []*fakeSink
	rng    *rand.Rand
	client *kgo.Client

	processes  []*daemon
	started    int
	partitions int
	kills      []time.Time
	faults     map[string]int // of each sink, or of processes
	mu         sync.Mutex
	wanted     map[string][]string // ids by subject
	made       int
	subjects   []notifySubject
}

// notifySubject is one whose crossings come.
type notifySubject struct {
	name      string
	partition int32
	episode   int
	crossed   bool
}

func newNotifyRun(t *testing.T, kafka *servers.KafkaServer) *notifyRun {
	t.Helper()
	seed := e2eSeed(t)
	x := &notifyRun{
		t: t, kafka: kafka, topic: fmt.Sprintf("crossings-%d", sitesMade.Add(1)), rng: rand.New(rand.NewPCG(seed, 3)),
		faults: map[string]int{}, wanted: map[string][]string{},
	}
	x.grow(3)
	good, bad := servers.NewAuthority(t), servers.NewAuthority(t)
	text := fmt.Sprintf("kafka: {brokers: [%q], crossings: %s, group: %s}\nhttp: {listen: \"127.0.0.1:0\"}\nlog: {format: json}\nnotify:\n", kafka.Addr(), x.topic, x.topic)
	tls := "tls: {ca_file: " + good.File + "}"
	for _, kind := range []string{"webhook", "pagerduty", "alertmanager"} {
		s := newFakeSink(t, kind, good, bad)
		x.sinks = append(x.sinks, s)
		text += fmt.Sprintf("  - {name: %s, %s: {%s, %s}}\n", kind, kind, map[string]string{
			"webhook": `url: "https://` + s.addr + `/hook"`, "pagerduty": `url: "https://` + s.addr + `/v2/enqueue", routing_key: 0123456789abcdefghijABCDEFGHIJ01`,
			"alertmanager": `urls: ["https://` + s.addr + `"]`,
		}[kind], tls)
	}
	x.config = servers.WriteFile(t, "aggregator.yaml", text)
	var err error
	x.client, err = kgo.NewClient(kgo.SeedBrokers(kafka.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.client.Close)
	return x
}

// grow gives the topic more partitions, and each new one subjects of its own.
func (x *notifyRun) grow(by int) {
	x.t.Helper()
	if x.partitions == 0 {
		x.kafka.CreateTopic(x.topic, by, nil)
	} else {
		x.kafka.AddPartitions(x.topic, x.partitions+by)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for range by {
		for i := range 7 {
			x.subjects = append(x.subjects, notifySubject{name: fmt.Sprintf("s%d-%d", x.partitions, i), partition: int32(x.partitions)})
		}
		x.partitions++
	}
}

// cross writes the next crossing, or clear, of some subject.
func (x *notifyRun) cross(ctx context.Context, rng *rand.Rand) error {
	x.mu.Lock()
	s := &x.subjects[rng.IntN(len(x.subjects))]
	s.crossed = !s.crossed
	level, status := 1, "crossed"
	if s.crossed {
		s.episode++
	} else {
		level, status = 0, "cleared"
	}
	key := fmt.Sprintf("r/incident/%s/%d", s.name, s.episode)
	id := key + "/" + strconv.Itoa(level)
	x.wanted[s.name] = append(x.wanted[s.name], id)
	x.made++
	r := &kgo.Record{Topic: x.topic, Partition: s.partition, Key: []byte("incident/" + s.name), Headers: []kgo.RecordHeader{{Key: "ce_id", Value: []byte(id)}}}
	x.mu.Unlock()
	r.Value = fmt.Appendf(nil, `{"schema":1,"id":%q,"dedup_key":%q,"status":%q,"severity":"critical","summary":%q,"pack":"p","rule":"r","by":"incident","subject":%q,"level":%d,"episode":%d,"time":%q}`,
		id, key, status, id, s.name, level, s.episode, time.Now().UTC().Format(time.RFC3339Nano))
	for {
		err := x.client.ProduceSync(ctx, r).FirstErr()
		if err == nil || !strings.Contains(err.Error(), "invalid record partitioning choice") {
			return err
		}
		x.client.ForceMetadataRefresh() // the partition is new
		<-time.After(100 * time.Millisecond)
	}
}

// feed writes so many crossings, with pauses, and tells when it is done.
func (x *notifyRun) feed(n int, pause time.Duration) (done chan error) {
	done = make(chan error, 1)
	rng := rand.New(rand.NewPCG(x.rng.Uint64(), 1))
	go func() {
		for range n {
			if err := x.cross(x.t.Context(), rng); err != nil {
				done <- err
				return
			}
			<-time.After(time.Duration(rng.Int64N(int64(2 * pause))))
		}
		done <- nil
	}()
	return done
}

// start starts one more process, which kills itself at a point if it is told to.
func (x *notifyRun) start(point string) {
	x.t.Helper()
	x.started++
	name := fmt.Sprintf("%s-%d", x.topic, x.started)
	d := launchUnchecked(x.t, name, []string{faultAggregator.Path(x.t), "notify", "-config", x.config}, "AGGREGATOR_KAFKA_CLIENT_ID="+name, "FAULTPOINT="+point)
	d.awaitStarted()
	x.processes = append(x.processes, d)
}

// kill kills the oldest process, at the point that it was started with if it passes that, and takes it out of the groups as the end of its
// sessions would.
func (x *notifyRun) kill() {
	x.t.Helper()
	d := x.processes[0]
	x.processes = x.processes[1:]
	d.Signal(syscall.SIGUSR1)
	select {
	case <-d.Done():
	case <-time.After(time.Second):
		d.Kill()
	}
	x.kills = append(x.kills, time.Now())
	x.checkLog(d)
	if x.rng.IntN(20) == 0 {
		return // its sessions run out by themselves
	}
	for _, s := range x.sinks {
		x.kafka.RemoveMembers(x.topic+"-notify-"+s.kind, d.Name)
	}
}

func (x *notifyRun) checkLog(d *daemon) {
	for _, text := range mustNotLog(d.Log.String()) {
		x.t.Errorf("%s: %q in its log:\n%s", d.Name, text, logEnd(d.Log.String()))
	}
}

// stop stops the oldest process in order.
func (x *notifyRun) stop() {
	x.t.Helper()
	d := x.processes[0]
	x.processes = x.processes[1:]
	d.Stop()
	x.checkLog(d)
}

// notifyPoints are where a process may kill itself: once a sink has taken a crossing and nobody else knows, and before a commit.
var notifyPoints = []string{"notify-taken 1 0s", "notify-taken 5 0s", "notify-taken 20 2ms", "notify-commit 1 0s", "notify-commit 3 0s"}

// fault injects one.
func (x *notifyRun) fault(i int) {
	x.t.Helper()
	wait := func(most time.Duration) { <-time.After(time.Duration(x.rng.Int64N(int64(most)))) }
	switch x.rng.IntN(10) {
	case 0: // a process is killed
		x.start(notifyPoints[x.rng.IntN(len(notifyPoints))])
		wait(500 * time.Millisecond)
		x.kill()
		x.faults["kill"]++
	case 1: // one more joins, and one leaves
		x.start(notifyPoints[x.rng.IntN(len(notifyPoints))])
		wait(500 * time.Millisecond)
		x.stop()
		x.faults["rebalance"]++
	case 2:
		if i%10 == 0 {
			x.grow(1)
			x.faults["partitions"]++
		}
	default: // something is wrong with some of the sinks
		for _, s := range x.sinks {
			if x.rng.IntN(3) > 0 {
				mode := sinkModes[x.rng.IntN(len(sinkModes))]
				s.set(mode)
				x.faults[s.kind]++
			}
		}
		wait(1500 * time.Millisecond)
		for _, s := range x.sinks {
			s.set("")
		}
	}
	wait(200 * time.Millisecond)
}

// conclude waits until all is delivered, stops all processes, and judges.
func (x *notifyRun) conclude() {
	x.t.Helper()
	for _, s := range x.sinks {
		s.set("")
		if !within(waitLimit, func() bool { return s.has() >= x.made }) {
			x.t.Errorf("%s has taken %d of %d", s.kind, s.has(), x.made)
		}
	}
	if x.t.Failed() {
		for _, d := range x.processes {
			_, ready := d.Get("/readyz?verbose")
			x.t.Logf("%s:\n%s\n%s", d.Name, ready, logEnd(d.Log.String()))
		}
	}
	for len(x.processes) > 0 {
		x.stop()
	}
	for _, s := range x.sinks {
		v := s.judge(x.wanted, x.kills)
		x.t.Logf("%s: crossings %d, deliveries %d, requests by mode %v; lost %d, out of order %d, repeated %d, of these not by a kill %d",
			s.kind, x.made, len(s.taken), s.refused, len(v.lost), len(v.disordered), v.repeated, len(v.unexplained))
		if len(v.lost)+len(v.disordered)+len(v.unexplained) > 0 {
			x.t.Errorf("%s: lost %v, out of order %v, repeated without a kill %v", s.kind, head(v.lost), head(v.disordered), head(v.unexplained))
		}
	}
	x.t.Logf("faults %v, kills %d, partitions %d", x.faults, len(x.kills), x.partitions)
}

func head(list []string) []string { return list[:min(len(list), 5)] }

// sinkFaults is how many faults the sink with the fewest has had, those of processes included.
func (x *notifyRun) sinkFaults() int {
	least := x.faults[x.sinks[0].kind]
	for _, s := range x.sinks {
		least = min(least, x.faults[s.kind])
	}
	return least + x.faults["kill"] + x.faults["rebalance"] + x.faults["partitions"]
}

// run delivers so many crossings through so many faults of each sink.
func (x *notifyRun) run(crossings, faults int, pause time.Duration) {
	x.t.Helper()
	x.start(notifyPoints[0])
	done := x.feed(crossings, pause)
	for i := 1; x.sinkFaults() < faults; i++ {
		x.fault(i)
	}
	if err := <-done; err != nil {
		x.t.Fatal(err)
	}
	x.conclude()
}

// TestNotifyFaults: whatever happens to sinks and processes, every crossing is delivered to each sink, in the order of its subject, and twice only
// where a process was killed.
func TestNotifyFaults(t *testing.T) {
	newNotifyRun(t, servers.SharedKafka(t)).run(300, 10, 20*time.Millisecond)
}
