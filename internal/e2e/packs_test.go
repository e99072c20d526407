package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// fewPack announces the second click of an incident.
const fewPack = `
pack: few
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: few, title: Few clicks, by: incident, window: 1h, step: 1m, limits: {clicks: 2}, levels: [1]}]
tests:
  - name: two
    events: [{type: click, incident: A}, {type: click, incident: A}]
    crossings: [{rule: few, subject: A, level: 1, at: 2}]
`

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// TestPacksDiffer: two processes of a group that have different packs say so, each of the other one, in the log, by /readyz and by a
// metric, for as long as both live. Both stay ready. What is killed is no longer seen after some seconds.
func TestPacksDiffer(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 2, redis: redis.Addr(), pack: fewPack})
	many := strings.NewReplacer("clicks: 2", "clicks: 3", "at: 2}", "at: 3}", "incident: A}]", "incident: A}, {type: click, incident: A}]").Replace(fewPack)
	other := "AGGREGATOR_RULES_FILES=" + servers.WriteFile(t, "many.yaml", many)
	one := s.start("one")
	one.AwaitReady()
	differ := func(d *daemon, want float64, own, others string) {
		t.Helper()
		eventually(t, fmt.Sprint(d.Name, ": ", want, " differ"), func() bool { return d.metric("aggregator_rules_differ") == want })
		line := "packs: ok, few " + hashOf(own)[:12]
		if others != "" {
			line += `; other processes have others: "aggregator" at `
		}
		status, text := d.Get("/readyz?verbose")
		if status != http.StatusOK || !strings.Contains(text, line) || !strings.Contains(text, others) {
			t.Errorf("%s: /readyz?verbose is %d, want %q and %q:\n%s", d.Name, status, line, others, text)
		}
	}
	differ(one, 0, fewPack, "")
	const begins, ends = "processes have different packs: each decides by its own", "processes have the same packs again"
	two := s.start("two", other)
	two.AwaitReady()
	differ(one, 1, fewPack, "with few "+hashOf(many)[:12])
	differ(two, 1, many, "with few "+hashOf(fewPack)[:12])
	line := one.AwaitLog(begins)
	if line["level"] != "WARN" || line["packs"] != "few "+hashOf(fewPack)[:12] || !strings.HasSuffix(fmt.Sprint(line["others"]), " with few "+hashOf(many)[:12]) {
		t.Errorf("got %v", line)
	}
	two.AwaitLog(begins)
	two.Stop()
	one.AwaitLog(ends)
	differ(one, 0, fewPack, "")

	// A process that is killed does not leave. Its record is no sign of life, also for one that begins now.
	three := s.start("three", other)
	differ(one, 1, fewPack, "with few "+hashOf(many)[:12])
	three.Kill()
	differ(one, 0, fewPack, "")
	four := s.start("four")
	four.AwaitReady()
	one.Stop()
	four.Stop()
	if strings.Contains(four.Log.String(), begins) {
		t.Error("four takes a dead process for a live one")
	}
	if keys := redis.Do("--scan", "--pattern", s.prefix+"{00}process:*"); strings.Count(keys, "process:") > 1 { // that of three
		t.Errorf("records stay behind: %s", keys)
	}
}

// TestRosterWaits: a store that does not answer is no difference, and ends nothing.
func TestRosterWaits(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 2, redis: redis.Addr(), pack: fewPack})
	other := "AGGREGATOR_RULES_FILES=" + servers.WriteFile(t, "other.yaml", fewPack+"# another hash\n")
	one, two := s.start("one"), s.start("two", other)
	for _, d := range []*daemon{one, two} {
		eventually(t, d.Name+": they differ", func() bool { return d.metric("aggregator_rules_differ") == 1 })
	}
	redis.Pause()
	for _, d := range []*daemon{one, two} {
		eventually(t, d.Name+": looks fail", func() bool { return d.metric("aggregator_store_errors_total", `operation="roster"`) >= 3 })
		if n := d.metric("aggregator_rules_differ"); n != 1 {
			t.Errorf("%s: %v differ while Redis is away", d.Name, n)
		}
	}
	redis.Resume()
	s.produce(clicks("A", 0, "1", "2")...)
	s.awaitDone()
	for _, d := range []*daemon{one, two} {
		if strings.Contains(d.Log.String(), "processes have the same packs again") {
			t.Errorf("%s: it took the other for dead", d.Name)
		}
	}
}

// TestHangup: SIGHUP ends nothing, and the log says that the rules are read again.
func TestHangup(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: fewPack})
	d := s.start("one")
	d.Signal(syscall.SIGHUP)
	const line = "SIGHUP: reading the rules again"
	d.AwaitLog(line)
	d.AwaitReady()
	d.Signal(syscall.SIGHUP)
	d.Log.Await(t, waitLimit, "the second line", func(text string) bool { return strings.Count(text, line) == 2 })
	s.produce(clicks("A", 0, "1", "2")...)
	s.awaitDone()
	d.Stop()
}

// TestFirstLines: the log names the packs' hashes, crossings, the first dead letter of each reason, and the first event of each type that
// no rule counts.
func TestFirstLines(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: fewPack})
	d := s.start("one")
	if got := fmt.Sprint(d.AwaitLog("started")["pack_hashes"]); got != "["+hashOf(fewPack)+"]" {
		t.Errorf("hashes %s", got)
	}
	now := time.Now().UTC().Format(time.RFC3339Nano)
	event := func(id, more string) *kgo.Record {
		return &kgo.Record{Value: fmt.Appendf(nil, `{"id":%q,"time":%q,%s}`, id, now, more)}
	}
	s.produce(clicks("inc-42", 0, "1", "2")...)
	s.produce(
		event("3", `"type":"com.shop.click","incident":"inc-42"`), event("4", `"type":"com.shop.click"`),
		event("5", `"type":"click","incident_id":"inc-42"`),
		&kgo.Record{Value: []byte("no event")}, &kgo.Record{Value: []byte("no event either")}, &kgo.Record{Value: []byte("[]")},
	)
	s.awaitDone()
	want := map[string][]string{
		"crossing published": {"rule few by incident subject inc-42 crossing_level 1 status crossed episode 1 topic " + s.events + " partition 0 offset 1 held_back 0"},
		"event is not counted": {
			"why no rule counts the type \"com.shop.click\", which is none of the usual ones; of a CloudEvent, cloudevents.types translates it: {com.shop.click: click} topic " + s.events + " partition 0 offset 2 held_back 0",
			"why no rule counts this event of the type \"click\": it would need incident topic " + s.events + " partition 0 offset 4 held_back 0",
		},
		"record is no event: it is a dead letter": {
			"reason syntax topic " + s.events + " partition 0 offset 5 held_back 0", "reason json-array topic " + s.events + " partition 0 offset 7 held_back 0",
		},
	}
	d.AwaitLog("crossing published")
	d.Stop()
	for message, lines := range want {
		if got := said(t, d.Log.String(), message); strings.Join(got, "\n") != strings.Join(lines, "\n") {
			t.Errorf("%q:\ngot  %q\nwant %q", message, got, lines)
		}
	}
}

// said is what the lines of a log with a message have after it, in their order.
func said(t *testing.T, log, message string) (list []string) {
	t.Helper()
	for line := range strings.Lines(log) {
		_, rest, ok := strings.Cut(line, `"msg":"`+message+`",`)
		if !ok {
			continue
		}
		in := json.NewDecoder(bytes.NewReader([]byte("{" + rest)))
		in.UseNumber()
		var text []string
		for {
			token, err := in.Token()
			if err != nil {
				break
			}
			if _, brace := token.(json.Delim); !brace {
				text = append(text, fmt.Sprint(token))
			}
		}
		list = append(list, strings.Join(text, " "))
	}
	return list
}

// TestPackTests: run refuses packs whose own tests fail, as check does, unless it is to warn.
func TestPackTests(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: strings.Replace(fewPack, "clicks: 2", "clicks: 3", 1)})
	checked := call(t, "", nil, "check", "-config", s.config)
	ran := call(t, "", nil, "run", "-config", s.config)
	if ran.code != exitUsage || ran != checked || !strings.Contains(ran.err, `tests[0]: "two": crossing 1: want `) {
		t.Errorf("run: %+v\ncheck: %+v", ran, checked)
	}
	d := s.start("warned", "AGGREGATOR_RULES_TESTS=warn")
	line := d.AwaitLog("test of a pack fails: the pack is used all the same, as rules.tests says")
	if fmt.Sprint(line["problem"]) != strings.TrimSpace(checked.err) {
		t.Errorf("got %v, want %s", line, checked.err)
	}
	d.AwaitReady()
	d.Stop()
}
