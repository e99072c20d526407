package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
)

// judgedEvents are records of several partitions, and the oracle that judges them as they are made.
type judgedEvents struct {
	g      *gen.Generator
	o      *oracle.Oracle
	wanted []crossing
	made   int
}

// newJudgedEvents has a pack's oracle judge the records of a generator. The Kafka timestamps that matter are all one, as
// if the records came at once.
func newJudgedEvents(t *testing.T, pack string, c gen.Config) *judgedEvents {
	t.Helper()
	o, err := oracle.New([]byte(pack))
	if err != nil {
		t.Fatal(err)
	}
	return &judgedEvents{g: gen.New(c), o: o}
}

// next makes up to n records and gives them to the oracle, which takes each partition in its order.
func (s *judgedEvents) next(n int) []gen.Record {
	var list []gen.Record
	for len(list) < n {
		var r gen.Record
		if !s.g.Next(&r) {
			break
		}
		list = append(list, r)
		s.judge(r)
	}
	return list
}

// judge gives the oracle a record.
func (s *judgedEvents) judge(r gen.Record) {
	s.made++
	s.wanted = append(s.wanted, expectedOf(s.o.ApplyTo(r.Partition, r.Value, time.Now().UnixMilli()))...)
}

// loose reports whether a subject is fed by several partitions: then only the ids of its crossings are certain.
func (s *judgedEvents) loose(key string) bool {
	by, subject, _ := strings.Cut(key, "/")
	return s.o.FedBy(by, subject) > 1
}

// check holds what a stopped site has published and stored against the oracle.
func (s *judgedEvents) check(t *testing.T, at *site, redis string, repeats bool) {
	t.Helper()
	got := readCrossings(t, at.read(at.crossings))
	c := compareAll(got, s.wanted, s.loose)
	var want []string
	for _, line := range s.o.Counts() {
		want = append(want, string(line))
	}
	counts := sameLines(at.counts(redis), want, func(string) bool { return false })
	t.Logf("%d events %+v, %d crossings, %d counts; missed %d, wrong %d, repeated %d, counts wrong %d",
		s.made, s.o.Results(), len(s.wanted), len(want), len(c.missed), len(c.wrong), len(c.repeated), len(counts))
	if !c.exact() || !repeats && len(c.repeated) > 0 {
		t.Errorf("crossings: %v", c)
	}
	if counts != nil {
		t.Errorf("%d counts are wrong:\n%s", len(counts), strings.Join(counts[:min(len(counts), 5)], "\n"))
	}
	if len(s.wanted) == 0 || len(want) == 0 {
		t.Error("there was nothing to compare")
	}
}
