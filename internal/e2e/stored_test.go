package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/api"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// storedDir has a store as an earlier version wrote it, and the log that made it: its README says how.
const storedDir = "../stream/testdata/stored/"

func storedFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(storedDir + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// newStoredSite makes a Kafka that holds what the earlier version counted, and a Redis with what it stored.
func newStoredSite(t *testing.T, name string) (*site, *redis.Client) {
	t.Helper()
	server := servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, servers.SharedKafka(t), siteOptions{partitions: 3, redis: server.Addr(), name: name, pack: storedFile(t, "pack.yaml")})
	s.kafka.Configure(s.events, map[string]string{"retention.ms": "-1"}) // the events are years old
	s.kafka.Configure(s.crossings, map[string]string{"retention.ms": "-1"})
	var log []*kgo.Record
	for line := range strings.Lines(storedFile(t, name+"-events.txt")) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		log = append(log, s.storedEvent(fields[0], fields[1], fields[2]))
	}
	s.produce(log...)
	c := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = c.Close() })
	s.restore(c)
	return s, c
}

func (s *site) storedEvent(partition, stamp, value string) *kgo.Record {
	s.t.Helper()
	p, err := strconv.Atoi(partition)
	ms, err2 := strconv.ParseInt(stamp, 10, 64)
	if err != nil || err2 != nil {
		s.t.Fatalf("%v, %v", err, err2)
	}
	return &kgo.Record{Partition: int32(p), Timestamp: time.UnixMilli(ms), Value: []byte(value)}
}

// restore writes every key of the deployment. The ids of its topics are not those of the topics in this Kafka, which are put
// in their place.
func (s *site) restore(c *redis.Client) {
	s.t.Helper()
	var ids []string
	for line := range strings.Lines(storedFile(s.t, "store.txt")) {
		fields := strings.Fields(line)
		key, err := strconv.Unquote(fields[1])
		if err != nil {
			s.t.Fatal(err)
		}
		if !strings.HasPrefix(key, s.prefix) {
			continue
		}
		if fields[0] == "zset" {
			member, err := strconv.Unquote(fields[2])
			score, err2 := strconv.ParseFloat(fields[3], 64)
			if err != nil || err2 != nil || c.ZAdd(s.t.Context(), key, redis.Z{Score: score, Member: member}).Err() != nil {
				s.t.Fatalf("%s: %v, %v", line, err, err2)
			}
			continue
		}
		value, err := base64.StdEncoding.DecodeString(fields[2])
		if err != nil {
			s.t.Fatal(err)
		}
		text := string(value)
		switch {
		case strings.HasSuffix(key, "m:topic:"+s.events):
			ids = append(ids, "events")
			text = s.topicText(s.events)
		case strings.HasSuffix(key, "m:owner"):
			before, rest, _ := strings.Cut(text, `"crossings_id":"`)
			_, after, ok := strings.Cut(rest, `"`)
			if ok {
				ids = append(ids, "crossings")
			}
			text = before + `"crossings_id":"` + s.topicText(s.crossings) + `"` + after
		}
		if err := c.Set(s.t.Context(), key, text, 0).Err(); err != nil {
			s.t.Fatal(err)
		}
	}
	if len(ids) != 2 {
		s.t.Fatalf("ids of %v", ids)
	}
}

// topicText is the id of a topic as the store has it.
func (s *site) topicText(topic string) string {
	id := s.topicID(topic)
	return hex.EncodeToString(id[:])
}

// held is what keys of the deployment hold: those of some kinds, as "r:".
func (s *site) held(c *redis.Client, kinds ...string) map[string]string {
	s.t.Helper()
	all := map[string]string{}
	for _, kind := range kinds {
		keys, err := c.Keys(s.t.Context(), s.prefix+"{*}"+kind+"*").Result()
		if err != nil {
			s.t.Fatal(err)
		}
		for _, key := range keys {
			if c.Type(s.t.Context(), key).Val() == "zset" {
				all[key] = fmt.Sprint(c.ZRangeWithScores(s.t.Context(), key, 0, -1).Val())
			} else {
				all[key] = c.Get(s.t.Context(), key).Val()
			}
		}
	}
	return all
}

// sameHeld compares what a store held with what it holds.
func sameHeld(t *testing.T, was, is map[string]string) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(was)) {
		if is[key] != was[key] {
			t.Errorf("%s:\nwas %q\nis  %q", key, was[key], is[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(is)) {
		if _, there := was[key]; !there && !newer.MatchString(key) {
			t.Errorf("%s was not there", key)
		}
	}
}

// newer are settings that the version which wrote the store did not have.
var newer = regexp.MustCompile(`}m:(history:|rules$|pack:)`)

// storedCrossings are what the earlier version made of the crossings that wait in an outbox, by partition and key.
func storedCrossings(t *testing.T, waiting map[string]string) map[string][]string {
	t.Helper()
	of := map[string][]string{}
	n := 0
	for line := range strings.Lines(storedFile(t, "kept-crossings.txt")) {
		line = strings.Replace(strings.TrimSuffix(line, "\n"), "urn:aggregator:threshold-crossing:1", api.CrossingSchema, 1)
		key, _, _ := strings.Cut(line, " ce_")
		_, value, _ := strings.Cut(line, ` content-type="application/json" `)
		for _, entry := range waiting {
			if entry[8:] == value { // after the Kafka timestamp
				of[key] = append(of[key], line)
				n++
			}
		}
	}
	if n != len(waiting) || n == 0 {
		t.Fatalf("%d of %d crossings that wait are known", n, len(waiting))
	}
	return of
}

// publishedByKey are the records of the crossings topic, in the form of kept-crossings.txt, by partition and key.
func (s *site) publishedByKey() map[string][]string {
	s.t.Helper()
	of := map[string][]string{}
	for _, r := range s.read(s.crossings) {
		key := fmt.Sprintf("%d %q", r.Partition, r.Key)
		line := key
		for _, h := range r.Headers {
			line += fmt.Sprintf(" %s=%q", h.Key, h.Value)
		}
		of[key] = append(of[key], line+" "+string(r.Value))
	}
	return of
}

// TestStoreBefore: the program goes on over a store that an earlier version wrote. What waited in
// its outbox is published as that version would have done, byte for byte; only ce_dataschema is another. The log finds no
// difference, and what comes next is counted on top.
func TestStoreBefore(t *testing.T) {
	t.Parallel()
	s, c := newStoredSite(t, "kept")
	s.mustVerify()
	waiting := s.held(c, "o:")
	want := storedCrossings(t, waiting)
	was := s.held(c, "r:", "p:", "m:", "armed")
	d := s.start("aggregator")
	eventually(t, "the outbox is empty", func() bool { return len(s.held(c, "o:")) == 0 })
	if got := s.publishedByKey(); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("published:\ngot  %q\nwant %q", got, want)
	}
	s.awaitDone()
	sameHeld(t, was, s.held(c, "r:", "p:", "m:", "armed"))
	s.mustVerify()

	// An episode goes on: 60 clicks of its hour were counted before, and 40 make the limit.
	at := time.Date(2024, 3, 4, 2, 45, 0, 0, time.UTC)
	for i := range 40 {
		s.produce(s.storedEvent("0", strconv.FormatInt(at.UnixMilli(), 10),
			fmt.Sprintf(`{"id":"more-%d","time":%q,"type":"click","incident":"lasts"}`, i, at.Format(time.RFC3339))))
	}
	eventually(t, "the next level", func() bool {
		return strings.Contains(fmt.Sprint(s.publishedByKey()), `ce_id="clicks-1h/incident/lasts/2/1"`)
	})
	s.awaitDone()
	d.Stop()
	s.mustVerify()
}

// TestStorePassedBefore: what an earlier version passed over stays so, and so does where it began.
func TestStorePassedBefore(t *testing.T) {
	s, c := newStoredSite(t, "passed")
	was := s.held(c, "r:", "m:")
	d := s.start("aggregator")
	s.awaitDone()
	sameHeld(t, was, s.held(c, "r:", "m:"))
	at := time.Date(2024, 3, 1, 2, 1, 0, 0, time.UTC)
	s.produce(s.storedEvent("1", strconv.FormatInt(at.UnixMilli(), 10), fmt.Sprintf(`{"id":"more","time":%q,"type":"click","incident":"more"}`, at.Format(time.RFC3339))))
	s.awaitDone()
	if n := d.metric("aggregator_log_holes_records_total"); n != 0 {
		t.Errorf("%v records are in a hole that was counted before", n)
	}
	d.Stop()
	now := s.held(c, "r:")
	for name, there := range map[string]bool{"early": false, "lost": false, "tick-1": true, "more": true} {
		if found := strings.Contains(fmt.Sprint(slices.Collect(maps.Keys(now))), "incident:"+name); found != there {
			t.Errorf("incident %s is counted: %v", name, found)
		}
	}
	sameHeld(t, s.onlyMeta(was), s.held(c, "m:"))
}

// onlyMeta are the settings among keys.
func (s *site) onlyMeta(all map[string]string) map[string]string {
	meta := map[string]string{}
	for key, value := range all {
		if strings.Contains(key, "}m:") {
			meta[key] = value
		}
	}
	return meta
}
