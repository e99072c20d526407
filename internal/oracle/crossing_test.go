package oracle

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
)

const recordPack = `
pack: example
measures:
  clicks: {sum: count, types: [click]}
  readers: {distinct: account, types: [click]}
rules:
  - id: clicks-4000
    title: "Actual <clicks>"
    cite: somewhere
    by: incident
    window: 2d
    step: 1d
    limits: {readers: 2_000, clicks: 4000}
    combine: any
    levels: [0.50, 1.0]
    clear: 0.4
  - {id: all, by: incident, window: all, limits: {clicks: 3, readers: 3}, combine: ratio, levels: [1.2345]}
`

// TestRecords writes out whole records; the first event is at 2026-01-01T10:00:00Z.
func TestRecords(t *testing.T) {
	o, err := New([]byte(recordPack))
	if err != nil {
		t.Fatal(err)
	}
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(recordPack)))
	f := func(events, want string) {
		t.Helper()
		var got []string
		for i, text := range lines(events) {
			for _, c := range o.ApplyTo(line(t, i, text)) {
				apitest.Crossing.Check(t, c.JSON())
				got = append(got, strings.ReplaceAll(string(c.JSON()), hash, "HASH"))
			}
		}
		if strings.Join(got, "\n") != strings.Join(lines(want), "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
		}
	}
	f(`10h0.25s click incident=a"<1> id=x count=2001 account=u`,
		`{"schema":1,"id":"clicks-4000/incident/a\"<1>/1/0.5","dedup_key":"clicks-4000/incident/a\"<1>/1","status":"crossed","severity":"warning",`+
			`"summary":"incident \"a\\\"<1>\": clicks 2,001 of 4,000 in 2d","pack":"example","rule":"clicks-4000","title":"Actual <clicks>","cite":"somewhere",`+
			`"by":"incident","subject":"a\"<1>","level":0.5,"episode":1,"progress":0.5002,"reached":["clicks"],`+
			`"measures":{"readers":{"value":1,"limit":2000,"at_least":false},"clicks":{"value":2001,"limit":4000,"at_least":false}},`+
			`"window":{"from":"2025-12-30T00:00:00Z","to":"2026-01-01T10:00:00.25Z"},"time":"2026-01-01T10:00:00.25Z",`+
			`"evidence":{"event":"x","pack_hash":"HASH"},"notice":"A prompt for human review, not a finding."}
		{"schema":1,"id":"all/incident/a\"<1>/1/1.2345","dedup_key":"all/incident/a\"<1>/1","status":"crossed","severity":"critical",`+
			`"summary":"incident \"a\\\"<1>\": clicks 2,001 of 3 since the first event","pack":"example","rule":"all","title":"","cite":"",`+
			`"by":"incident","subject":"a\"<1>","level":1.2345,"episode":1,"progress":667.3333,"reached":["clicks"],`+
			`"measures":{"clicks":{"value":2001,"limit":3,"at_least":false},"readers":{"value":1,"limit":3,"at_least":false}},`+
			`"window":{"from":"2026-01-01T10:00:00.25Z","to":"2026-01-01T10:00:00.25Z"},"time":"2026-01-01T10:00:00.25Z",`+
			`"evidence":{"event":"x","pack_hash":"HASH"},"notice":"A prompt for human review, not a finding."}`)
	f(`82h click incident=b id=y`,
		`{"schema":1,"id":"clicks-4000/incident/a\"<1>/1/0","dedup_key":"clicks-4000/incident/a\"<1>/1","status":"cleared","severity":"info",`+
			`"summary":"incident \"a\\\"<1>\": cleared, readers 0 of 2,000, clicks 0 of 4,000 in 2d","pack":"example","rule":"clicks-4000","title":"Actual <clicks>","cite":"somewhere",`+
			`"by":"incident","subject":"a\"<1>","level":0,"episode":1,"progress":0.0,"reached":[],`+
			`"measures":{"readers":{"value":0,"limit":2000,"at_least":false},"clicks":{"value":0,"limit":4000,"at_least":false}},`+
			`"window":{"from":"2026-01-02T00:00:00Z","to":"2026-01-04T00:00:00Z"},"time":"2026-01-04T00:00:00Z",`+
			`"evidence":{"pack_hash":"HASH"},"notice":"A prompt for human review, not a finding."}`)
	want := `{"rule":"all","by":"incident","subject":"a\"<1>","level":1.2345,"episode":1,"progress":667.3333,"measures":{"clicks":{"value":2001,"limit":3,"at_least":false},"readers":{"value":1,"limit":3,"at_least":false}}}
{"rule":"all","by":"incident","subject":"b","level":0,"episode":1,"progress":0.3333,"measures":{"clicks":{"value":1,"limit":3,"at_least":false},"readers":{"value":0,"limit":3,"at_least":false}}}
{"rule":"clicks-4000","by":"incident","subject":"b","level":0,"episode":1,"progress":0.0002,"measures":{"readers":{"value":0,"limit":2000,"at_least":false},"clicks":{"value":1,"limit":4000,"at_least":false}}}`
	var got []string
	for _, l := range o.Counts() {
		got = append(got, string(l))
	}
	if strings.Join(got, "\n") != want {
		t.Errorf("counts\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

// TestSummary shows which measures a summary names: those that reach the level alone; if none does, those above 0.
func TestSummary(t *testing.T) {
	f := func(opt Options, combine, events, want string) {
		t.Helper()
		o, err := opt.New([]byte(`
pack: p
measures: {a: {sum: count, types: [a]}, b: {sum: count, types: [b]}, c: {distinct: account, types: [c]}}
rules: [{id: r, by: group, window: 90m, step: 30m, limits: {a: 4, b: 4, c: 4}, combine: ` + combine + `, levels: [1]}]
`))
		if err != nil {
			t.Fatal(err)
		}
		got := "nothing"
		for i, text := range lines(events) {
			for _, c := range o.ApplyTo(line(t, i, text)) {
				got = c.summary()
			}
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(Options{}, `any`, "0s a group=g count=3\n0s b group=g count=1234567", `group g: b 1,234,567 of 4 in 90m`)
	f(Options{}, `ratio`, "0s a group=g count=3\n0s b group=g", `group g: a 3 of 4, b 1 of 4 in 90m`)
	f(Options{}, `at-least-2`, "0s a group=g count=4\n0s b group=g count=9", `group g: a 4 of 4, b 9 of 4 in 90m`)
	f(Options{MaxMembers: 1}, `ratio`, "0s c group=g account=1x\n0s c group=g account=2x\n0s a group=g count=3",
		`group g: a 3 of 4, c at least 1 of 4 in 90m`)
}

func TestDecimals(t *testing.T) {
	f := func(a, b int64, want string) {
		t.Helper()
		if got := decimals(big.NewRat(a, b)); got != want {
			t.Errorf("%d/%d is %s, want %s", a, b, got, want)
		}
	}
	f(0, 1, "0.0")
	f(1, 1, "1.0")
	f(4, 5, "0.8")
	f(2, 3, "0.6666")
	f(99999, 100000, "0.9999")
	f(1, 100000, "0.0")
	f(100001, 1000, "100.001")
}
