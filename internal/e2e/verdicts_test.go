package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

var refusedLine = regexp.MustCompile(`(?m)^stdin:(\d+): (.*)$`)

// TestSameVerdicts: run and replay decide the same of the same bytes, and say the same of what they refuse.
func TestSameVerdicts(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr()})
	at, err := time.Parse(time.RFC3339, sampleTime)
	if err != nil {
		t.Fatal(err)
	}
	var list []sample
	var records []*kgo.Record
	var file strings.Builder
	for _, x := range allSamples() {
		text := string(x.value)
		if len(x.headers) > 0 || x.untimed || x.ahead > 0 || strings.Contains(text, "\n") || strings.Trim(text, " \t\r") == "" {
			continue // not of a line
		}
		list = append(list, x)
		records = append(records, &kgo.Record{Topic: s.events, Value: x.value, Timestamp: at})
		file.WriteString(text + "\n")
	}
	d := s.start("aggregator")
	s.produce(records...)
	s.awaitDone()
	r := call(t, file.String(), nil, "replay", "-now", sampleTime)
	refused := map[string]string{}
	for _, m := range refusedLine.FindAllStringSubmatch(r.err, -1) {
		refused[m[1]] = m[2]
	}
	letters := s.read(s.dead)
	if len(letters) != len(refused) || len(letters) < 200 {
		t.Errorf("%d dead letters, %d lines refused", len(letters), len(refused))
	}
	for _, letter := range letters {
		h := headerMap(letter)
		offset, err := strconv.Atoi(h["__connect.errors.offset"])
		if err != nil {
			t.Fatal(err)
		}
		message, replayed := h["__connect.errors.exception.message"], refused[strconv.Itoa(offset+1)]
		if h["aggregator.reason"] == "ahead" {
			message, replayed = strings.Split(message, " past ")[0], strings.Split(replayed, " past ")[0] // its timestamp, and now
		}
		if message != replayed || h["aggregator.reason"] != list[offset].reason {
			t.Errorf("%s: run says %s: %s\nreplay: %s", list[offset].name, h["aggregator.reason"], message, replayed)
		}
	}
	want := "replay: " + humanize.Count(len(list), "event") + ":"
	for _, result := range []string{"matched", "unmatched", "duplicate", "malformed", "ahead"} {
		want += fmt.Sprintf(" %s %s,", result, humanize.Number(int(d.metric("aggregator_events_total", `result="`+result+`"`))))
	}
	if !strings.Contains(r.err, strings.TrimSuffix(want, ",")) {
		t.Errorf("run: %s\nreplay: %s", want, r.err[strings.LastIndex(r.err, "replay:"):])
	}
	d.Stop()
}

func headerMap(r *kgo.Record) map[string]string {
	all := map[string]string{}
	for _, h := range r.Headers {
		all[h.Key] = string(h.Value)
	}
	return all
}

// oddIDs are ids that an event may have and a terminal, a header or a line for readers may take for something else.
var oddIDs = []string{
	"a", "a/1", "a/1/1", "%", "%0A", "%2F", "a b", "x\r\nSet-Cookie: a=b", "\x00", "\x1b[2J\x1b]0;t\x07", "\u007f", "\u009b31m", "\u0085", "\u202ecba", "\u2066\u2069", "\u200f",
	"\u2028x\u2029", "\u061c", "個人　情報", "می\u200cخواهم", "{}", "}{07}", "\\", "\"", "'", "../..", "y: clicks 1 of 10 in 1h; incident z", "\ufeff", "\uffff", "e\u0301", "é", "😀",
	strings.Repeat("é", 128),
}

const oddPack = `pack: odd
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: clicks-1, title: Clicks, by: incident, window: 1h, step: 1m, limits: {clicks: 1}, levels: [1]}]
tests: []
`

// TestOddIDs: an id may hold anything. The crossing's record, its headers, and what commands print
// are what CloudEvents and terminals bear, and nothing of the id is lost.
func TestOddIDs(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 2, redis: redis.Addr(), pack: strings.Replace(oddPack, "tests: []\n", "", 1)})
	var records []*kgo.Record
	var file strings.Builder
	for i, id := range oddIDs {
		value, err := json.Marshal(map[string]any{"id": fmt.Sprint(i, id)[:min(100, len(id)+1)], "time": sampleTime, "type": "click", "incident": id})
		if err != nil {
			t.Fatal(err)
		}
		at, _ := time.Parse(time.RFC3339, sampleTime)
		records = append(records, &kgo.Record{Topic: s.events, Partition: int32(i % 2), Value: value, Timestamp: at})
		file.WriteString(string(value) + "\n")
	}
	d := s.start("aggregator")
	s.produce(records...)
	s.awaitDone()
	published := s.read(s.crossings)
	got := readCrossings(t, published)
	r := call(t, file.String(), nil, "replay", "-config", s.config, "-counts")
	if strings.ContainsFunc(r.out, actsOnReaders) || strings.ContainsFunc(r.err, actsOnReaders) {
		t.Errorf("replay prints %+q, %+q", r.out, r.err)
	}
	replayed, subjects := map[string]bool{}, map[string]bool{}
	for _, line := range lines(r.out) {
		replayed[line] = true
	}
	for i, a := range got {
		if !replayed[a.text] || strings.ContainsFunc(string(published[i].Value), actsOnReaders) {
			t.Errorf("%+q is published: %+q", a.id, published[i].Value)
		}
		if source := headerMap(published[i])["ce_source"]; source != "/aggregator/"+s.group {
			t.Errorf("source %q", source)
		}
		const shards, partitions = 16, 5 // docs/events.md says which one a key goes to
		if want := int32(xxhash.Sum64(published[i].Key) % shards % partitions); published[i].Partition != want {
			t.Errorf("%+q is in partition %d, want %d", a.key, published[i].Partition, want)
		}
		subjects[strings.TrimPrefix(a.key, "incident/")] = true
	}
	for _, id := range oddIDs {
		if !subjects[id] {
			t.Errorf("%q did not cross", id)
		}
	}
	if v := call(t, "", nil, "verify", "-config", s.config); v.code != exitFine {
		t.Errorf("verify: %+v", v)
	}
	d.Stop()
	if log := d.Log.String(); strings.ContainsFunc(log, actsOnReaders) {
		t.Errorf("log: %+q", log)
	}
	// Differences are printed just as harmlessly.
	redis.Do("EVAL", "for _, k in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', k) end", "0", s.prefix+"*r:incident:*")
	if v := call(t, "", nil, "verify", "-config", s.config); v.code != exitFailed || len(lines(v.out)) != len(oddIDs) || strings.ContainsFunc(v.out+v.err, actsOnReaders) {
		t.Errorf("verify: %d, %+q", v.code, v.out+v.err)
	}
}

// actsOnReaders is what a terminal may act on; a line's end is none.
func actsOnReaders(c rune) bool {
	return c != '\n' && c < ' ' || c >= 0x7f && c <= 0x9f || strings.ContainsRune("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", c)
}
