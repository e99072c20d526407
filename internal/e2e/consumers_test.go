package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// alertPack has a rule with two levels that clears.
const alertPack = `pack: alerts
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: four, by: incident, window: 1h, step: 1m, limits: {clicks: 4}, levels: [0.5, 1], clear: 0.4}]
`

// TestConsumers: the consumers of docs/consume.md do what the page says, in either mode of CloudEvents, also with a repeat in
// the topic, and that in Python over a restart too.
func TestConsumers(t *testing.T) {
	python := servers.KafkaPython(t)
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	program := filepath.Join(t.TempDir(), "consume")
	if out, err := exec.Command("go", "build", "-o", program, "../../docs/examples/consume").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, mode := range []string{"binary", "structured"} {
		t.Run(mode, func(t *testing.T) {
			s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: alertPack, extra: "cloudevents: {crossings: " + mode + "}\n"})
			s.start("aggregator")
			args, group := []string{strings.Join(kafka.Addrs(), ","), s.crossings}, "python-"+mode
			script := append([]string{python, "../../docs/examples/consume.py"}, append(args, group, filepath.Join(t.TempDir(), "done.db"))...)
			first := []string{"alert four/incident/A/1 warning 0.5", "alert four/incident/A/1 critical 1", "close four/incident/A/1"}

			s.produce(timedClicks("A", 0, 0, 1, 1, 120)...)
			s.awaitCrossings(3)
			s.consumed(first, group, script...)

			s.repeat(1)
			s.produce(timedClicks("A", 121)...)
			s.awaitCrossings(5)
			second := []string{"alert four/incident/A/2 warning 0.5"}
			s.consumed(second, group, script...)
			s.consumed(append(first, second...), "go-"+mode, append([]string{program}, append(args, "go-"+mode)...)...)
		})
	}
}

// timedClicks are clicks at some minutes of a day.
func timedClicks(incident string, minutes ...int) (list []*kgo.Record) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, m := range minutes {
		at := begin.Add(time.Duration(m) * time.Minute).Format(time.RFC3339)
		list = append(list, &kgo.Record{Value: fmt.Appendf(nil, `{"id":"%s-%d-%d","time":%q,"type":"click","incident":%q}`, incident, m, i, at, incident)})
	}
	return list
}

// repeat puts a crossing into its topic once more, as the program does: without compression.
func (s *site) repeat(n int) {
	s.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	r := s.read(s.crossings)[n]
	r = &kgo.Record{Topic: s.crossings, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}
	if err := client.ProduceSync(s.t.Context(), r).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// awaitCrossings waits until so many records are in the topic of crossings.
func (s *site) awaitCrossings(want int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%d crossings are published", want), func() bool { return len(s.read(s.crossings)) == want })
}

// consumed runs a consumer until it has printed some lines and its group has committed all, and ends it. It must print nothing else.
func (s *site) consumed(want []string, group string, command ...string) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	var out, log servers.Output
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	within(waitLimit, func() bool {
		missing := int64(0)
		for p, end := range s.ends(s.crossings) {
			missing += end - max(0, s.committedBy(group, s.crossings, s.partitionsOf(s.crossings))[p])
		}
		return missing == 0 && len(lines(out.String())) >= len(want)
	})
	cancel()
	_ = cmd.Wait() // it was killed
	if got := lines(out.String()); strings.Join(got, "\n") != strings.Join(want, "\n") {
		s.t.Errorf("%s\nprints %q, want %q\n%s", strings.Join(command, " "), got, want, log.String())
	}
}
