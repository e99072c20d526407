package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// limitPack is a pack of one rule, without a clear, that wants so many clicks.
func limitPack(limit int) string {
	return fmt.Sprintf(`
pack: own
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: clicks, by: incident, window: 730d, step: 1d, limits: {clicks: %d}, levels: [0.5, 1]}]
`, limit)
}

// changing is a site whose rules change from one process to the next.
type changing struct {
	*site
	made int // events
}

// clicks sends clicks of incidents, "A=110", one event each. Those in front of which an exclamation mark stands are CloudEvents of a
// type of their own.
func (c *changing) clicks(list string) {
	c.t.Helper()
	var records []*kgo.Record
	for i, text := range strings.Fields(list) {
		text, own := strings.CutPrefix(text, "!")
		incident, count, _ := strings.Cut(text, "=")
		c.made++
		value := fmt.Sprintf(`{"id":"e%d","time":"2026-01-01T00:00:00Z","type":"click","incident":%q,"count":%s}`, c.made, incident, count)
		if own {
			value = fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"/shop","type":"com.shop.click","time":"2026-01-01T00:00:00Z","data":{"incident":%q,"count":%s}}`,
				c.made, incident, count)
		}
		records = append(records, &kgo.Record{Partition: int32(i % c.partitions), Value: []byte(value)})
	}
	c.produce(records...)
}

// count has clicks counted by a process with variables over its config.
func (c *changing) count(list string, environ ...string) {
	c.t.Helper()
	d := c.start("aggregator", environ...)
	d.AwaitReady()
	c.clicks(list)
	c.awaitDone()
	d.Stop()
}

// verified is what verify says with variables over the config.
func (c *changing) verified(environ ...string) result {
	c.t.Helper()
	return call(c.t, "", environ, "verify", "-config", c.config)
}

// verifiedOne is the same of one subject.
func (c *changing) verifiedOne(subject string, environ ...string) result {
	c.t.Helper()
	return call(c.t, "", environ, "verify", "-config", c.config, "-subject", subject)
}

func packHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// TestVerifyAfterChange: limits that were changed, and types that were added, are no differences. What rests on the rules of before is
// not compared, and that is said; the rest is.
func TestVerifyAfterChange(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	c := &changing{site: newSite(t, kafka, siteOptions{partitions: 1, redis: redis.Addr(), pack: limitPack(100)})}
	with := func(limit int) string {
		return "AGGREGATOR_RULES_FILES=" + servers.WriteFile(t, "pack.yaml", limitPack(limit))
	}
	raised, lowered, types := with(200), with(50), "AGGREGATOR_CLOUDEVENTS_TYPES=com.shop.click=click"

	c.count("A=110 B=110")
	c.verified().mustPrint(t, exitFine, "2 subjects, 2 counters and 2 levels compared", ": 0 differences\n")

	c.count("B=1 C=150 D=250", raised)
	c.verified(raised).mustPrint(t, exitFine, "4 subjects, 4 counters and 2 levels compared", ": 0 differences\n",
		"not compared: levels, and counters at their cap, that rest on rules of before a change (2)\n", "own "+packHash(limitPack(100))[:12])

	c.count("E=60 !G=100 !G=100", lowered)
	c.verified(lowered).mustPrint(t, exitFine, "5 subjects, 5 counters and 1 level compared", ": 0 differences\n", "not compared: levels, and counters at their cap, that rest on rules of before a change (4)\n")
	c.verified(raised).mustPrint(t, exitFine, "the service counted last by other rules", ": 0 differences\n")

	c.count("!G=100 !H=70", lowered, types)
	c.verified(lowered, types).mustPrint(t, exitFine, ": 0 differences\n", "not compared: counters and levels fed by events that were taken in otherwise before a change (cloudevents.types, max_ahead, dedupe) (2)\n")

	r := call(t, "", nil, "rules", "-config", c.config, "-hash", packHash(limitPack(100)))
	if r.code != exitFine || r.out != limitPack(100) {
		t.Errorf("the first pack: %+v", r)
	}
	call(t, "", nil, "rules", "-config", c.config, "-hash", "0000").mustPrint(t, exitFailed, "no pack of hash 0000 was in force",
		packHash(limitPack(100))+"  own  since ", packHash(limitPack(200)), packHash(limitPack(50)))

	r = c.verifiedOne("incident/A", lowered, types)
	r.mustPrint(t, exitFine, `"subject":"incident/A","rule":"clicks","measure":"clicks","what":"value","want":{"value":110,"at_least":false},"got":{"value":110,"at_least":false},"agrees":true}`,
		`"what":"level","want":{"level":1,"episode":1},"got":{"level":1,"episode":1},"not_compared":"levels, and counters`, "1 subject, 1 counter and 0 levels compared")
	c.verifiedOne("incident/none", lowered, types).mustPrint(t, exitFailed, "incident/none: neither the log nor the store has it")
	c.verifiedOne("nothing/A", lowered, types).mustPrint(t, exitUsage, "kinds are incident, account, content, group")

	for _, incident := range []string{"A", "H"} { // of before the changes, and of after
		key := strings.TrimSpace(redis.Do("--scan", "--pattern", c.prefix+"*r:incident:"+incident))
		redis.Do("DEL", key)
	}
	r = c.verified(lowered, types)
	r.mustPrint(t, exitFailed, ": 2 differences\n", `"incident/A"`, `"incident/H"`)
	c.verifiedOne("incident/H", lowered, types).mustPrint(t, exitFailed, `{"subject":"incident/H","what":"record","want":"there","got":"none"}`)
}

// TestVerifyAfterChangeOfSeveral: the same of a topic of several partitions that two processes share.
func TestVerifyAfterChangeOfSeveral(t *testing.T) {
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	c := &changing{site: newSite(t, kafka, siteOptions{partitions: 4, redis: redis.Addr(), pack: limitPack(100)})}
	raised := "AGGREGATOR_RULES_FILES=" + servers.WriteFile(t, "pack.yaml", limitPack(200))
	c.count("A=110 B=110 C=110 D=110")
	one, two := c.start("one"), c.start("two", raised)
	one.AwaitReady()
	two.AwaitReady()
	c.clicks("E=150 F=150 G=150 H=150 A=1 B=1 C=1 D=1")
	c.awaitDone()
	one.Stop()
	c.clicks("I=150 J=150 K=150 L=150 A=1 B=1 C=1 D=1")
	c.awaitDone()
	two.Stop()
	for _, rules := range []string{"AGGREGATOR_LOG_LEVEL=info", raised} {
		c.verified(rules).mustPrint(t, exitFine, ": 0 differences\n", "levels, and counters at their cap, that rest on rules of before a change (")
	}
	c.verified(raised).mustPrint(t, exitFine, "12 subjects, 12 counters and ")
}
