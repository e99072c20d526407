//go:build slow

package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestSlowBacklog: a day waits in twelve partitions and is read by two processes with windows of
// minutes. It gives what the day would have given. No event is late because another partition was
// read faster, or because a process was killed and begins again at what it had stored. Three
// partitions are silent for hours.
func TestSlowBacklog(t *testing.T) {
	seed := e2eSeed(t)
	pack := strings.Replace(quickPack, "window: 5m,  step: 30s", "window: 10m, step: 1m", 1)
	f := func(name, pack string, span, jitter time.Duration, certain func(day *judgedEvents, key string) bool) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			runDay(t, pack, gen.Config{
				Seed: seed, Events: int(span.Hours() * 6_000), Incidents: 40, Accounts: 4_000, Span: span, Partitions: 12, Jitter: jitter, Repeats: 0.02,
			}, certain)
		})
	}
	// Without clears a subject's time is that of its newest event, so that values are certain whatever feeds it.
	f("values", regexp.MustCompile(`, clear: [0-9.]+`).ReplaceAllString(pack, ""), 24*time.Hour, 5*time.Second, func(*judgedEvents, string) bool { return true })
	// Events in order within a partition: which of them comes first after a clear is then certain.
	f("crossings and clears", pack, 16*time.Hour, time.Nanosecond, func(day *judgedEvents, key string) bool { return !day.loose(key) })
}

// runDay sends a day to a deployment of two processes, and compares what is certain.
func runDay(t *testing.T, pack string, c gen.Config, certain func(*judgedEvents, string) bool) {
	t.Helper()
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: c.Partitions, redis: redis.Addr(), pack: pack, extra: "dedupe: {window: 48h}\n"})
	o, err := oracle.Options{DedupeWindow: 48 * time.Hour}.New([]byte(pack))
	if err != nil {
		t.Fatal(err)
	}
	day := &judgedEvents{g: gen.New(c), o: o}
	s.sendDay(day, c)
	began := time.Now()
	a, b := s.start("first"), s.start("second")
	eventually(t, "the first has read a part", func() bool { return a.metric("aggregator_events_total") > float64(c.Events/40) })
	a.Kill()
	a = s.start("first again")
	s.awaitDone()
	took := time.Since(began)
	displaced := day.o.Displaced()
	exact := func(key string) bool {
		_, found := slices.BinarySearch(displaced, key)
		return !found && !day.loose(key)
	}
	want := filter(day.wanted, exact)
	var diff comparison
	ended := within(time.Minute, func() bool { // the last clears come with a sweep
		diff = compareAll(filter(readCrossings(t, s.read(s.crossings)), exact), want, strict)
		return len(diff.missed) == 0
	})
	gaveUp, late := a.metric("aggregator_partition_wait_timeouts_total")+b.metric("aggregator_partition_wait_timeouts_total"), a.metric("aggregator_late_total")+b.metric("aggregator_late_total")
	a.Stop()
	b.Stop()
	counts := s.compareDay(redis.Addr(), day, exact, func(key string) bool {
		_, found := slices.BinarySearch(displaced, key)
		return !found && certain(day, key)
	})
	t.Logf("%d events in %v: %+v; crossings of subjects of one partition %d; missed %d, wrong %d, repeated %d; counts wrong %d; late %v, gave up %v",
		day.made, took.Round(time.Millisecond), day.o.Results(), len(want), len(diff.missed), len(diff.wrong), len(diff.repeated), len(counts), late, gaveUp)
	if !ended || !diff.exact() || len(want) < 100 {
		t.Errorf("crossings: %v", diff)
	}
	if counts != nil {
		t.Errorf("%d counts are wrong:\n%s", len(counts), strings.Join(counts[:min(len(counts), 5)], "\n"))
	}
	if gaveUp > 0 || int64(late) != day.o.Results().Late {
		t.Errorf("a partition gave up waiting %v times; %v operations were late", gaveUp, late)
	}
}

// sendDay sends the records of a day. One partition begins late, two are silent in the middle. At
// the end each has an event of one and the same time, so that the stream's time is certain.
func (s *site) sendDay(day *judgedEvents, c gen.Config) {
	s.t.Helper()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	silent := func(partition int, at time.Time) bool {
		hour := at.Sub(start).Hours()
		return partition == 0 && hour < 8 || partition <= 2 && hour > 10 && hour < 15.5
	}
	var r gen.Record
	records := []gen.Record{}
	for day.g.Next(&r) {
		if !silent(r.Partition, eventTime(r.Value)) { // a repeat goes with what it repeats
			records = append(records, r)
			r = gen.Record{}
		}
	}
	end := start.Add(c.Span + time.Second)
	for p := range c.Partitions {
		value := fmt.Sprintf(`{"id":"end-%d","time":%q,"type":"click","incident":"end-%d","account":"end"}`, p, end.Format(time.RFC3339), p)
		records = append(records, gen.Record{Partition: p, Key: fmt.Appendf(nil, "end-%d", p), Value: []byte(value), TimeMillis: end.UnixMilli()})
	}
	for some := range slices.Chunk(records, 50_000) {
		for _, r := range some {
			day.made++
			day.wanted = append(day.wanted, expectedOf(day.o.ApplyTo(r.Partition, r.Value, r.TimeMillis))...)
		}
		sent := kafkaNow(some)
		for i := range sent {
			sent[i].Timestamp = time.UnixMilli(some[i].TimeMillis)
		}
		s.produce(sent...)
	}
}

// filter returns the crossings of some subjects.
func filter(all []crossing, keep func(key string) bool) []crossing {
	return slices.DeleteFunc(slices.Clone(all), func(a crossing) bool { return !keep(a.key) })
}

// levelText is what of a counts line depends on the order in which several partitions were applied.
var levelText = regexp.MustCompile(`"level":[0-9.]+,"episode":[0-9]+,`)

// compareDay compares the counts that are certain: exactly those of the subjects that exact names, of others the values.
func (s *site) compareDay(redis string, day *judgedEvents, exact, certain func(key string) bool) []string {
	s.t.Helper()
	var want []string
	for _, line := range day.o.Counts() {
		want = append(want, string(line))
	}
	drop := func(lines []string) []string {
		lines = slices.DeleteFunc(lines, func(line string) bool {
			return !certain(subjectOf(line)) || !exact(subjectOf(line)) && strings.Contains(line, `"rule":"order"`)
		})
		for i, line := range lines {
			if !exact(subjectOf(line)) {
				lines[i] = levelText.ReplaceAllString(line, "")
			}
		}
		return lines
	}
	got, wanted := drop(s.counts(redis)), drop(want)
	if len(wanted) < 100 {
		s.t.Errorf("only %d counts are certain", len(wanted))
	}
	return sameLines(got, wanted, strict)
}

// subjectOf is the kind/id of a counts line.
func subjectOf(line string) string {
	_, rest, _ := strings.Cut(line, `"by":"`)
	by, rest, _ := strings.Cut(rest, `","subject":"`)
	subject, _, _ := strings.Cut(rest, `"`)
	return by + "/" + subject
}
