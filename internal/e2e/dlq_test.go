package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// typeless are n clicks, over the partitions of a site, whose producer forgot the type. Each has text in it.
func (s *site) typeless(n int, text string) (list []*kgo.Record) {
	at := time.Now().UTC().Format(time.RFC3339)
	for i := range n {
		list = append(list, &kgo.Record{
			Partition: int32(i % s.partitions), Key: fmt.Appendf(nil, "inc-%d", i%s.partitions),
			Value: fmt.Appendf(nil, `{"id":"lost-%d","time":%q,"incident":"inc","content":%q}`, i, at, text),
		})
	}
	return list
}

// passWindow moves the clocks of the partitions on, for the n-th time, by which ids are forgotten: by two windows of a second.
func (s *site) passWindow(n int) {
	s.t.Helper()
	at := time.Now()
	for p := range s.partitions {
		s.produce(&kgo.Record{
			Partition: int32(p), Timestamp: at.Add(time.Duration(n) * 2 * time.Second),
			Value: fmt.Appendf(nil, `{"id":"pass-%d-%d","time":%q,"type":"other"}`, n, p, at.UTC().Format(time.RFC3339)),
		})
	}
}

// mustCount checks how many clicks of the one incident are counted.
func (s *site) mustCount(redis string, clicks int) {
	s.t.Helper()
	counts := strings.Join(s.counts(redis), "\n")
	if want := fmt.Sprintf(`"clicks":{"value":%d,`, clicks); strings.Count(counts, `"clicks":`) != 1 || !strings.Contains(counts, want) {
		s.t.Errorf("want %d clicks: %s", clicks, counts)
	}
}

// TestDLQ: what docs/events.md does, on records that a running service refused: they are listed by
// reason, repaired, and put back, after which they are counted, each once.
func TestDLQ(t *testing.T) {
	servers.Require(t, "jq")
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 3, redis: redis.Addr(), pack: skipPack, extra: "dedupe: {window: 1s}\n"})
	desk := newSiteDesk(s, redis.Addr())
	d := s.start("aggregator")
	s.produce(s.typeless(9, "c")...)
	s.produce(
		&kgo.Record{Value: []byte(`[{"specversion":"1.0","id":"1","source":"/s","type":"click"}]`)},
		&kgo.Record{Value: append([]byte{0, 0, 0, 0, 7}, `{"id":"framed"}`...), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("\x1b[31m")}}},
	)
	s.awaitDone()

	blocks := blocksUnder(t, "docs/events.md", "### To list them, and to put repaired ones back", "sh")
	listed := desk.do(blocks[0])
	for _, want := range []string{s.dead + ": 11 dead letters\n", "\nmissing: 9, first ", "\ncloudevents-batch: 1, ", "\nschema-registry: 1, ", "  message: type: absent or null", "send each CloudEvent in a record of its own"} {
		if !strings.Contains(listed, want) {
			t.Errorf("no %q in:\n%s", want, listed)
		}
	}
	if strings.Contains(listed, "\x1b") {
		t.Errorf("it acts on the terminal: %q", listed)
	}
	said := desk.do(blocks[1])
	for _, want := range []string{"dlq: 9 dead letters of reason missing\n", "dlq: 9 records: to send 9, there already 0", "dlq: 9 records: sent 9, there already 0"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in:\n%s", want, said)
		}
	}
	s.awaitDone()
	s.passWindow(1) // that they are there is not what the service remembers
	if said := desk.do("bin/aggregator dlq -config aggregator.yaml -replay good.ndjson"); !strings.Contains(said, "dlq: 9 records: sent 0, there already 9") {
		t.Errorf("again:\n%s", said)
	}
	said, err := desk.try("bin/aggregator dlq -config aggregator.yaml -replay bad.ndjson")
	if err == nil || !strings.Contains(said, "bad.ndjson:9: missing: type: absent or null") || !strings.Contains(said, "dlq: nothing was sent: 9 lines cannot be put back\n") {
		t.Errorf("as they were:\n%s", said)
	}
	s.awaitDone()
	d.Stop()
	s.mustCount(redis.Addr(), 9)
	s.mustVerify()
	back := 0
	for _, r := range s.read(s.events) {
		if string(r.Key) == fmt.Sprintf("inc-%d", r.Partition) && strings.HasSuffix(string(r.Value), `,"type":"click"}`) && len(r.Headers) == 0 {
			back++
		}
	}
	if back != 9 {
		t.Errorf("%d records are in their partitions, with their keys", back)
	}
	if n := len(s.read(s.dead)); n != 11 {
		t.Errorf("%d dead letters", n)
	}
}

// TestDLQKilled: the command is killed while it puts many records back, again and again. In between the window in which repeats are
// recognised passes. In the end each event is counted once.
func TestDLQKilled(t *testing.T) {
	const events = 30_000
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 3, redis: redis.Addr(), pack: skipPack, extra: "dedupe: {window: 1s}\n"})
	d := s.start("aggregator")
	s.produce(s.typeless(events, strings.Repeat("c", 200))...)
	s.awaitDone()
	bad := call(t, "", nil, "dlq", "-config", s.config, "-reason", "missing")
	if bad.code != exitFine || strings.Count(bad.out, "\n") != events {
		t.Fatalf("got %d, %d lines: %s", bad.code, strings.Count(bad.out, "\n"), bad.err)
	}
	file := filepath.Join(t.TempDir(), "good.ndjson")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(bad.out, `"incident":`, `"type":"click","incident":`)), 0o600); err != nil {
		t.Fatal(err)
	}
	command := []string{aggregator.Path(t), "dlq", "-config", s.config, "-replay", file}
	kills := 0
	for ; ; kills++ {
		out := &servers.Output{}
		p := servers.StartProgram(t, servers.ProgramOptions{Name: "dlq", Command: command, Stdout: out})
		eventually(t, "some are sent, or it has ended", func() bool { return p.Ended() || strings.Count(out.String(), `"sent"`) > kills*500 })
		ended := p.Ended()
		p.Kill()
		if ended {
			if p.ExitCode() != exitFine {
				t.Fatalf("got %d: %s", p.ExitCode(), p.Log)
			}
			break
		}
		s.passWindow(kills + 1)
	}
	s.awaitDone()
	again := call(t, "", nil, command[1:]...)
	if !strings.Contains(again.err, fmt.Sprintf("sent 0, there already %s", "30,000")) {
		t.Errorf("got %s", again.err)
	}
	d.Stop()
	s.mustCount(redis.Addr(), events)
	s.mustVerify()
	records := len(s.read(s.events)) - kills*s.partitions
	t.Logf("killed %d times; %d records were sent for %d events", kills, records-events, events)
	if kills == 0 {
		t.Error("it was never killed")
	}
}
