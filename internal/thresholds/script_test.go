package thresholds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
)

// TestScripts runs the golden scripts. Each begins with a rule and goes on
// with what its measures say:
//
//	rule by=account window=10m combine=at-least-2 limits=(a:10,b:20) levels=(0.5,1) clear=0.4
//	follow         a line of values at each moment, one by limit; 20+ is "at least 20"
//	crossing       values=(10,20) level=0.5 ...: the record
//	counts         values=(10,20) level=0.5: the line of replay -counts
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		var r *Rule
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "rule":
				r = scriptRule(t, d)
				return ""
			case "follow":
				return scriptFollow(t, r, d.Input)
			case "crossing":
				return scriptCrossing(t, r, d)
			case "counts":
				return scriptCounts(t, r, d)
			}
			d.Fatalf(t, "unknown command")
			return ""
		})
	})
}

func scriptRule(t *testing.T, d *datadriven.TestData) *Rule {
	r := &Rule{ID: "test-rule", Title: "A rule", Cite: "art. 1", Pack: &Pack{Name: "test", Hash: strings.Repeat("e3b0c442", 8)}}
	r.WindowText = scriptArg(d, "window", "730d")
	if r.WindowText != "all" {
		r.Window, r.Step = 730*86400, 86400
	}
	for r.By.String() != scriptArg(d, "by", "incident") {
		r.By++
	}
	scriptCombine(t, r, scriptArg(d, "combine", "any"))
	for _, l := range d.CmdArgs[scriptIndex(d, "limits")].Vals {
		name, limit, _ := strings.Cut(l, ":")
		r.Limits = append(r.Limits, Limit{Measure: &Measure{Name: name}, Value: scriptValue(t, limit).Value})
	}
	for _, l := range d.CmdArgs[scriptIndex(d, "levels")].Vals {
		r.Levels = append(r.Levels, scriptLevel(t, l))
	}
	r.Clear = scriptLevel(t, scriptArg(d, "clear", "0"))
	r.Shadow = scriptArg(d, "shadow", "false") == "true"
	r.ratio = newRatio(r.Limits)
	return r
}

func scriptCombine(t *testing.T, r *Rule, name string) {
	combines := map[string]Combine{"any": Any, "all": All, "ratio": Ratio}
	combine, ok := combines[name]
	if !ok {
		k, err := strconv.Atoi(strings.TrimPrefix(name, "at-least-"))
		if err != nil {
			t.Fatalf("combine %q: %v", name, err)
		}
		combine, r.K = AtLeast, k
	}
	r.Combine = combine
}

// scriptFollow returns what happens at each line, levels and episodes carried on.
func scriptFollow(t *testing.T, r *Rule, input string) string {
	var out strings.Builder
	st := State{Episode: 1}
	for line := range strings.Lines(input) {
		v := scriptValues(t, strings.Fields(line))
		fmt.Fprintf(&out, "%s: %s", strings.TrimSpace(line), AppendProgress(nil, r.Progress(v)))
		if slow := progressBig(r.Limits, v); r.Combine == Ratio && slow != r.Progress(v) {
			t.Errorf("%s: progress is %d, but %d by big integers", line, r.Progress(v), slow)
		}
		for _, l := range r.Next(st.Level, v, nil) {
			fmt.Fprintf(&out, ", reaches %v by %v", l, scriptNames(r, r.Reached(l, v, nil)))
			st.Level = l
		}
		if st.Level > 0 && r.Clears(v) {
			fmt.Fprintf(&out, ", clears episode %d", st.Episode)
			st = State{Episode: st.Episode + 1}
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func scriptCrossing(t *testing.T, r *Rule, d *datadriven.TestData) string {
	c := &Crossing{
		Rule: r, Subject: scriptArg(d, "subject", "inc-42"), Episode: 1, Values: scriptArgValues(t, d),
		Level: scriptLevel(t, scriptArg(d, "level", "1")),
		From:  time.Unix(0, scriptTime(t, scriptArg(d, "from", "2024-11-22T00:00:00Z"))),
		Time:  scriptTime(t, scriptArg(d, "time", "2026-11-22T10:00:03Z")),
		Event: scriptArg(d, "event", "e-1"), Topic: scriptArg(d, "topic", ""), Partition: 3, Offset: 1931,
	}
	if at := scriptArg(d, "detected", ""); at != "" {
		c.Detected = scriptTime(t, at)
	}
	c.Producer = scriptArg(d, "producer", "")
	if since := scriptArg(d, "since", ""); since != "" {
		c.Values[0].Since = scriptTime(t, since)
	}
	record := c.AppendJSON(nil)
	apitest.Crossing.Check(t, record)
	return fmt.Sprintf("%s, key %s\n%s", TypeOf(c.Status()), c.AppendKey(nil), scriptJSON(t, record))
}

func scriptCounts(t *testing.T, r *Rule, d *datadriven.TestData) string {
	st := State{
		Level:   scriptLevel(t, scriptArg(d, "level", "0")),
		Episode: scriptValue(t, scriptArg(d, "episode", "1")).Value,
	}
	return scriptJSON(t, AppendCounts(nil, r, scriptArg(d, "subject", "inc-42"), st, scriptArgValues(t, d)))
}

// scriptJSON breaks a record into lines after it has seen that it is valid and compact.
func scriptJSON(t *testing.T, record []byte) string {
	var compact bytes.Buffer
	if err := json.Compact(&compact, record); err != nil {
		t.Errorf("%s: %v", record, err)
	}
	if compact.String() != string(record) {
		t.Errorf("not compact: %s", record)
	}
	return strings.NewReplacer(`,"summary"`, ",\n \"summary\"", `,"by"`, ",\n \"by\"", `,"measures"`, ",\n \"measures\"",
		`,"window"`, ",\n \"window\"", `,"evidence"`, ",\n \"evidence\"", `,"notice"`, ",\n \"notice\"").Replace(string(record))
}

func scriptNames(r *Rule, indexes []int) []string {
	names := []string{}
	for _, i := range indexes {
		names = append(names, r.Limits[i].Measure.Name)
	}
	return names
}

func scriptIndex(d *datadriven.TestData, key string) int {
	for i, a := range d.CmdArgs {
		if a.Key == key {
			return i
		}
	}
	panic("script: " + d.Pos + ": " + key + " is missing")
}

func scriptArg(d *datadriven.TestData, key, absent string) string {
	if !d.HasArg(key) {
		return absent
	}
	return d.CmdArgs[scriptIndex(d, key)].Vals[0]
}

func scriptArgValues(t *testing.T, d *datadriven.TestData) []Value {
	return scriptValues(t, d.CmdArgs[scriptIndex(d, "values")].Vals)
}

func scriptValues(t *testing.T, texts []string) []Value {
	var v []Value
	for _, s := range texts {
		v = append(v, scriptValue(t, s))
	}
	return v
}

func scriptValue(t *testing.T, s string) Value {
	digits, atLeast := strings.CutSuffix(s, "+")
	n, err := strconv.ParseUint(strings.ReplaceAll(digits, "_", ""), 10, 64)
	if err != nil {
		t.Fatalf("value %q: %v", s, err)
	}
	return Value{Value: n, AtLeast: atLeast}
}

func scriptLevel(t *testing.T, s string) Level {
	whole, decimals, _ := strings.Cut(s, ".")
	n, err := strconv.ParseUint(whole+(decimals + "0000")[:4], 10, 64)
	if err != nil {
		t.Fatalf("level %q: %v", s, err)
	}
	return Level(n)
}

func scriptTime(t testing.TB, s string) int64 {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixNano()
}
