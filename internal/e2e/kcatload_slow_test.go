//go:build slow

package e2e

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// kcatSite is a site that is fed by kcat. kcat finds the partition by the key: CRC-32 of it, which is what we tell the oracle.
type kcatSite struct {
	*site
	config gen.Config
	g      *gen.Generator
	at     [][]int32 // by partition: numbers of the events, by offset
	sent   int
}

func newKcatSite(t *testing.T, k *servers.KafkaServer, redis string, c gen.Config) *kcatSite {
	t.Helper()
	s := newSite(t, k, siteOptions{partitions: c.Partitions, redis: redis, made: true, extra: "dedupe: {window: 1h}\n"})
	return &kcatSite{site: s, config: c, g: gen.New(c), at: make([][]int32, c.Partitions)}
}

func (s *kcatSite) partitionOf(key []byte) int {
	return int(crc32.ChecksumIEEE(key) % uint32(s.partitions))
}

// feed sends the next n records by kcat, fewer if there are no more, and reports whether there were any.
func (s *kcatSite) feed(n int) bool {
	s.t.Helper()
	var input bytes.Buffer
	var r gen.Record
	sent := 0
	for ; sent < n && s.g.Next(&r); sent++ {
		input.Write(r.Key)
		input.WriteByte('\t')
		input.Write(r.Value)
		input.WriteByte('\n')
		p := s.partitionOf(r.Key)
		s.at[p] = append(s.at[p], int32(numberOf(string(r.Value))))
	}
	if sent == 0 {
		return false
	}
	s.sent += sent
	s.kafka.Produce(s.events, &input, "-K", "\t", "-X", "topic.partitioner=consistent", "-X", "enable.idempotence=true",
		"-X", "queue.buffering.max.messages=1000000", "-X", "linger.ms=20")
	return true
}

// feedUntil feeds small pieces until f holds, or all was sent.
func (s *kcatSite) feedUntil(f func() bool) {
	s.t.Helper()
	for !f() && s.feed(20_000) {
	}
}

// numberOf is the number that the generator put into the event's id; -1 if it is spoilt.
func numberOf(text string) int {
	_, rest, _ := strings.Cut(text, "-")
	if len(rest) < 12 {
		return -1
	}
	n, err := strconv.Atoi(rest[:12])
	if err != nil {
		return -1
	}
	return n
}

// judge has the oracle take all records again, each in its partition.
func (s *kcatSite) judge(now time.Time) *judgedEvents {
	s.t.Helper()
	o, err := oracle.New([]byte(packText(s.t, defaultPack)))
	if err != nil {
		s.t.Fatal(err)
	}
	judged := &judgedEvents{o: o}
	var r gen.Record
	for g := gen.New(s.config); g.Next(&r); judged.made++ {
		judged.wanted = append(judged.wanted, expectedOf(o.ApplyTo(s.partitionOf(r.Key), r.Value, now.UnixMilli()))...)
	}
	return judged
}

// kcatCrossings reads the crossings by kcat.
func (s *kcatSite) kcatCrossings() []crossing {
	s.t.Helper()
	var all []crossing
	for _, line := range s.kafka.Consume(s.crossings, "-f", "%k\t%s\n") {
		key, value, _ := strings.Cut(line, "\t")
		a := readCrossing(s.t, value)
		if a.key != key {
			s.t.Errorf("%s has key %s", a.id, key)
		}
		all = append(all, a)
	}
	return all
}

// checkEvidence looks up each event that is named as evidence.
func (s *kcatSite) checkEvidence(got []crossing) {
	s.t.Helper()
	wrong := 0
	for _, a := range got {
		if a.event == "" {
			continue
		}
		if a.topic != s.events || a.place >= len(s.at) || a.offset >= int64(len(s.at[a.place])) || int(s.at[a.place][a.offset]) != numberOf(a.event) {
			wrong++
			s.t.Logf("%s: evidence %s is not at %s/%d, offset %d", a.id, a.event, a.topic, a.place, a.offset)
		}
	}
	if wrong > 0 {
		s.t.Errorf("%d of %d pieces of evidence are not where they are said to be", wrong, len(got))
	}
}

// checkDeadLetters: every malformed record is in the dead-letter topic. It says how many are there twice.
func (s *kcatSite) checkDeadLetters(want int64) (repeated int) {
	s.t.Helper()
	places := map[string]int{}
	for _, r := range s.read(s.dead) {
		h := map[string]string{}
		for _, x := range r.Headers {
			h[x.Key] = string(x.Value)
		}
		places[h["__connect.errors.partition"]+"/"+h["__connect.errors.offset"]]++
	}
	for _, n := range places {
		repeated += n - 1
	}
	if int64(len(places)) != want {
		s.t.Errorf("%d records have dead letters, want %d", len(places), want)
	}
	return repeated
}

// conclude compares a stopped site with the oracle.
func (s *kcatSite) conclude(redis string, repeats bool) {
	s.t.Helper()
	for p, end := range s.ends(s.events) {
		if int(end) != len(s.at[p]) {
			s.t.Fatalf("partition %d has %d records, not %d: kcat partitions otherwise", p, end, len(s.at[p]))
		}
	}
	got := s.kcatCrossings()
	began := time.Now()
	judged := s.judge(time.Now())
	s.t.Logf("the oracle took %v", time.Since(began).Round(time.Millisecond))
	loose := 0
	for _, a := range judged.wanted {
		if judged.loose(a.key) {
			loose++
		}
	}
	c := compareAll(got, judged.wanted, judged.loose)
	var want []string
	for _, line := range judged.o.Counts() {
		want = append(want, string(line))
	}
	displaced := judged.o.Displaced()
	counts := sameLines(s.counts(redis), want, func(string) bool { return false })
	twice := s.checkDeadLetters(judged.o.Results().Malformed + judged.o.Results().Ahead)
	s.t.Logf("%+v; crossings %d, %d of them of subjects of several partitions; missed %d, wrong %d, repeated %d; counts %d, wrong %d; displaced %d; dead letters repeated %d",
		judged.o.Results(), len(judged.wanted), loose, len(c.missed), len(c.wrong), len(c.repeated), len(want), len(counts), len(displaced), twice)
	if !c.exact() || !repeats && len(c.repeated) > 0 {
		s.t.Errorf("crossings: %v", c)
	}
	if counts != nil {
		s.t.Errorf("%d counts are wrong:\n%s", len(counts), strings.Join(counts[:min(len(counts), 5)], "\n"))
	}
	if loose == 0 || loose == len(judged.wanted) {
		s.t.Errorf("of %d crossings %d are of subjects that several partitions feed", len(judged.wanted), loose)
	}
	s.checkEvidence(got)
	s.mustVerify()
}

// TestSlowTwoMillion: two processes on real servers, a third that joins and one that leaves in the middle, give
// exactly what the oracle says of two million events.
//
// Given two processes that have counted a backlog of 700,000 events,
// when a third one joins, and then the first one leaves, while events come,
// then both rebalances lose nothing: counts are the oracle's, and each crossing is published once.
func TestSlowTwoMillion(t *testing.T) {
	kafka, redis := servers.Kafka(t, servers.KafkaOptions{JVM: []string{"-Xms512m", "-Xmx512m"}}), servers.Redis(t, servers.RedisOptions{})
	s := newKcatSite(t, kafka, redis.Addr(), gen.Config{
		Seed: e2eSeed(t), Events: 2_000_000, Start: time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC), Span: 48 * time.Hour, Partitions: 12, Malformed: 0.001,
	})
	s.feed(700_000)

	began := time.Now()
	a, b := s.start("first"), s.start("second")
	s.awaitDone()
	backlog := time.Since(began)

	c := s.start("third")
	s.feedUntil(func() bool { return c.metric("aggregator_events_total") > 0 })
	a.Signal(syscall.SIGTERM)
	s.feedUntil(a.Ended)
	a.AwaitEnd()
	moved := s.sent
	for s.feed(350_000) {
	}
	s.awaitDone()
	wall := time.Since(began)
	redisCPU := redis.CPU()
	b.Stop()
	c.Stop()
	if moved == s.config.Events {
		t.Error("all was sent before the third had joined and the first had left")
	}
	cpu := a.CPU() + b.CPU() + c.CPU()
	perMillion := func(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(s.sent) }
	t.Logf("backlog of 700,000: %v, %.0f events/s with start and group; whole: %v with kcat beside it, %.0f events/s; joined and left by event %d",
		backlog.Round(time.Millisecond), 700_000/backlog.Seconds(), wall.Round(time.Millisecond), float64(s.sent)/wall.Seconds(), moved)
	t.Logf("CPU: processes %v, %v, %v; Redis %v; per million events: program %.2f s, Redis %.2f s; Redis holds %s",
		a.CPU(), b.CPU(), c.CPU(), redisCPU, perMillion(cpu), perMillion(redisCPU), memoryOf(redis))
	s.conclude(redis.Addr(), false)
}

// memoryOf is what Redis says it uses.
func memoryOf(redis *servers.RedisServer) string {
	for line := range strings.Lines(redis.Do("INFO", "memory")) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory_human:"); ok {
			return text
		}
	}
	return "?"
}

// feedUntilRead waits until a process has read so many records, and feeds on when all that there is was read by another.
func (s *kcatSite) feedUntilRead(d *daemon, least float64) {
	s.t.Helper()
	eventually(s.t, d.Name+" reads", func() bool {
		if committed, all := s.done(); committed == all {
			s.feed(2_000)
		}
		return d.metric("aggregator_events_total") >= least
	})
}

// TestSlowKillMiddle: processes that are killed again and again while events come, and started again, change nothing, except
// that a crossing may come twice with the same id and record.
//
// Given two processes while events come,
// when one or both are killed with commits under way, or stopped until the other one has taken over,
// then counts and crossings are the oracle's.
func TestSlowKillMiddle(t *testing.T) {
	seed := e2eSeed(t)
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newKcatSite(t, kafka, redis.Addr(), gen.Config{
		Seed: seed, Events: 600_000, Incidents: 30, Accounts: 6_000, Start: time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC),
		Span: 24 * time.Hour, Partitions: 12, Malformed: 0.001,
	})
	rng := rand.New(rand.NewPCG(seed, 1))
	names := [2]string{"one", "two"}
	both := [2]*daemon{s.start(names[0]), s.start(names[1])}
	middle := 0
	for kill := range 6 {
		s.feed(60_000)
		victim := rng.IntN(2)
		least := float64(1 + rng.IntN(5_000)) // records read of this life, when it ends
		s.feedUntilRead(both[victim], least)  // the other one may read it all before this one is in the group
		if kill%2 == 1 {                      // commits are under way, and are carried out after the death
			redis.Pause()
			s.feed(5_000)
		}
		if committed, all := s.done(); committed < all {
			middle++
		}
		both[victim].Kill()
		if kill == 4 {
			both[1-victim].Kill()
			both[1-victim] = s.start(fmt.Sprintf("%s after both were killed", names[1-victim]))
		}
		redis.Resume()
		both[victim] = s.start(fmt.Sprintf("%s after kill %d", names[victim], kill))
	}
	// Two wake up when the other has long taken over what they had, with their last batches in hand.
	for range 2 {
		victim := rng.IntN(2)
		reads := func() float64 { return both[victim].metric("aggregator_events_total") }
		before := reads()
		eventually(t, names[victim]+" is in the group", func() bool { s.feed(500); return reads() > before })
		least := reads() + float64(1+rng.IntN(3_000)) // less than its share of what comes
		s.feed(60_000)
		s.feedUntilRead(both[victim], least) // it may have read the first as a process that had lost its partitions, and the other one the rest
		both[victim].Signal(syscall.SIGSTOP)
		s.awaitDone()
		both[victim].Signal(syscall.SIGCONT)
	}
	for s.feed(100_000) {
	}
	s.awaitDone()
	both[0].Stop()
	both[1].Stop()
	t.Logf("6 kills, %d of them with records that were not counted yet", middle)
	s.conclude(redis.Addr(), true)
}
