package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// mark stands in every id, text, key and header that the test of personal data sends.
const mark = "pers0nal"

// eventsWithPersons are records full of ids. They are events that count, cross levels, repeat, come
// late or too early, and malformed ones, with ids wherever an error could quote them.
func eventsWithPersons(now time.Time) []*kgo.Record {
	var list []*kgo.Record
	put := func(value string, headers ...string) {
		r := &kgo.Record{Key: []byte(mark + "-key"), Value: []byte(strings.ReplaceAll(value, "ID", mark)), Timestamp: now, Partition: int32(len(list) % 2)}
		for i := 0; i < len(headers); i += 2 {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(strings.ReplaceAll(headers[i+1], "ID", mark))})
		}
		list = append(list, r)
	}
	at := func(d time.Duration) string { return now.Add(d).UTC().Format(time.RFC3339Nano) }
	event := func(id, kind, more string) string {
		return fmt.Sprintf(`{"id":"ID-%s","time":%q,"type":%q,"account":"ID-account","recipient":"ID-recipient","incident":"ID-incident","content":"ID-content",`+
			`"group":"ID-group","site":"ID-site","media":"ID-media","category":"ID-category"%s}`, id, at(0), kind, more)
	}
	put(event("click", "click", `,"count":50000`))
	put(event("click", "click", `,"count":50000`))
	for n := range 3 {
		put(event(fmt.Sprint("refuse-", n), "refuse", ""))
	}
	put(event("group", "group", `,"members":5000`))
	put(event("other", "ID-type", ""))
	put(strings.Replace(event("late", "click", ""), at(0), at(-5*365*24*time.Hour), 1))
	put(strings.Replace(event("ahead", "click", ""), at(0), at(time.Hour), 1))
	whole := event("bad", "click", "")
	for n := 1; n < len(whole); n += 17 {
		put(whole[:n])
	}
	for _, more := range []string{
		`,"count":"ID"`, `,"count":-ID`, `,"count":ID`, `,"members":["ID"]`, `,"amount":{"ID":1}`, `,"ID":tru`, `,"ID":"` + "\xff" + `ID"`, `,"note":"\ud800ID"`,
		`,"account":"ID"`, `,"\u0061ccount":"ID"`, `,ID`, `,"ID"`, `,"ID":`, `,"ID":[1,`, `,"records":99999999999999999999`, `,"note":"ID\q"`,
		`,"note":` + strings.Repeat("[", 70) + `"ID"`,
	} {
		put(event("bad", "click", more))
	}
	for _, text := range []string{
		`"ID"`, "ID", `["ID"]`, whole + "ID", `{"id":"ID","time":"ID","type":"click"}`, `{"id":"ID","time":"2026-01-01T00:00:00ID","type":"click"}`,
		`{"id":"` + strings.Repeat("ID", 60) + `","time":"2026-01-01T00:00:00Z","type":"click"}`, `{"id":["ID"]}`, `{"time":"ID"}`,
		`{"id":"ID","time":"2026-01-01T00:00:00Z","type":"` + strings.Repeat("ID", 20) + `"}`, strings.Repeat("ID", 10_000),
	} {
		put(text)
	}
	envelope := []string{"ce_specversion", "1.0", "ce_id", "ID-ce", "ce_source", "/ID", "ce_type", "click", "ce_time", at(0), "ce_ID", "ID"}
	put(`{"account":"ID"}`, envelope...)
	for i := 1; i < len(envelope); i += 2 {
		bad := slices.Clone(envelope)
		bad[i] = strings.Repeat("ID", 200)
		put(`{"account":"ID"}`, bad...)
	}
	structured := []string{"content-type", "application/cloudevents+json"}
	for _, text := range []string{
		`{"specversion":"1.0","id":"ID","source":"/ID","type":"ID","data":"ID"}`, `{"specversion":"ID"}`, `{"specversion":"1.0","id":"ID","source":"/ID","type":"ID","data_base64":"ID*"}`,
		`{"specversion":"1.0","id":"ID","source":"/ID","type":"click","time":"ID","data":{"account":"ID"}}`, `{"ID":ID}`,
	} {
		put(text, structured...)
	}
	return list
}

// named are the ids that a log may show: the subject of a crossing, if it is no person, and the type of an event that no rule
// counts.
var named = regexp.MustCompile(`"msg":"crossing published","rule":"[^"]*","by":"(?:incident|content|group)","subject":"` + mark + `-[a-z]*"` +
	`|"why":"no rule counts the type \\"` + mark + `-type\\"`)

// unnamed is a log without what it may show. Each kind of it must be there.
func unnamed(t *testing.T, log string) string {
	t.Helper()
	for _, text := range []string{`"msg":"crossing published"`, `\"` + mark + `-type\"`} {
		if !strings.Contains(log, text) {
			t.Errorf("no %s in the log", text)
		}
	}
	return named.ReplaceAllString(log, "")
}

// keepsPersons: no id is in logs, metrics or answers, nor in the reasons of dead letters, whatever comes and whatever
// fails, except what a log may name.
func (g *guarded) keepsPersons(t *testing.T) {
	s, seen := g.withSecrets(t), shown{}
	rights := g.acls("User:scrammer")
	d := startDaemon(t, "run", g.config, s.fine...)
	d.mayLogErrors = true
	d.AwaitReady()
	_, before := g.done()
	records := eventsWithPersons(time.Now())
	g.forbid(rights[3]) // to write crossings
	g.produce(records...)
	d.awaitInLog("crossings wait in the outbox")
	g.allow(rights[3])
	g.awaitDone()
	eventually(t, "crossings of an account", func() bool {
		return slices.ContainsFunc(g.read(g.crossings), func(r *kgo.Record) bool { return string(r.Key) == "account/"+mark+"-account" })
	})
	if _, all := g.done(); all-before != int64(len(records)) {
		t.Errorf("%d records, want %d", all-before, len(records))
	}
	g.damage(t, d)
	seen.daemon(t, d, httpToken)
	d.Stop()
	seen[d.Name+": log"] = unnamed(t, d.Log.String())
	letters := 0
	for i, r := range g.read(g.dead) {
		letters++
		for _, h := range r.Headers {
			if h.Key == "__connect.errors.exception.message" || h.Key == "aggregator.reason" {
				seen[fmt.Sprint("dead letter ", i, ": ", h.Key)] = string(h.Value)
			}
		}
	}
	if letters < 40 {
		t.Errorf("%d dead letters", letters)
	}
	seen.holdsNone(t, mark)
}

// damage makes the stored record of an account unreadable, has the program meet it, and mends it.
func (g *guarded) damage(t *testing.T, d *daemon) {
	t.Helper()
	key := g.store.Do("KEYS", "aggregator:*r:account:"+mark+"-account")
	if key == "" {
		t.Fatal("the account has no record")
	}
	g.store.Do("COPY", key, "saved")
	g.store.Do("SET", key, "damaged damaged damaged damaged")
	again := eventsWithPersons(time.Now())[2:5]
	for i, r := range again {
		r.Value = []byte(strings.Replace(string(r.Value), "-refuse-", "-again-", 1))
		r.Partition = int32(i % 2)
	}
	g.produce(again...)
	d.awaitInLog("shard stands still")
	g.store.Do("COPY", "saved", key, "REPLACE")
	g.store.Do("DEL", "saved")
	g.awaitDone()
}
