package promql

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func names(t *testing.T) Names {
	t.Helper()
	n, err := ReadNames("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// dashboard is what is looked at of one.
type dashboard struct {
	Templating struct {
		List []struct{ Type, Name, Query string }
	}
	Annotations struct {
		List []struct{ Name, Expr, TitleFormat, TextFormat string }
	}
	Panels []struct {
		Title   string
		Targets []struct {
			RefID, Expr, LegendFormat, Format string
			Instant                           bool
		}
	}
}

// expressions are those of panels and annotations, by where they stand.
func (d dashboard) expressions() map[string]Expression {
	all := map[string]Expression{}
	for _, p := range d.Panels {
		for _, t := range p.Targets {
			all[p.Title+", "+t.RefID+", "+t.Expr] = Expression{Text: t.Expr, Legend: t.LegendFormat, Now: t.Instant, Table: t.Format == "table"}
		}
	}
	for _, a := range d.Annotations.List {
		all["annotation "+a.Name] = Expression{Text: a.Expr, Legend: a.TitleFormat + a.TextFormat, Marks: true}
	}
	return all
}

// TestDashboards: every expression of the dashboards is valid, names what the program has, and is written as dashboards want it.
func TestDashboards(t *testing.T) {
	files, err := filepath.Glob("../../deploy/monitoring/dashboards/*.json")
	if err != nil || len(files) != 2 {
		t.Fatalf("%d dashboards, error %v", len(files), err)
	}
	n, seen := names(t), 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for at, e := range d.expressions() {
			for _, line := range n.Check(e) {
				t.Errorf("%s: %s: %s", filepath.Base(file), at, line)
			}
			seen++
		}
		for _, v := range d.Templating.List {
			if v.Type == "query" {
				checkVariable(t, n, v.Query)
				seen++
			}
		}
	}
	t.Logf("%d expressions", seen)
	if seen < 50 {
		t.Errorf("only %d expressions were seen", seen)
	}
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// checkVariable looks at a query of the form label_values(SELECTOR, LABEL). What it asks for need not be chosen: it is what can be chosen.
func checkVariable(t *testing.T, n Names, query string) {
	t.Helper()
	m := labelValues.FindStringSubmatch(query)
	if m == nil {
		t.Errorf("variable %s has another form", query)
		return
	}
	for _, line := range n.Check(Expression{Text: fmt.Sprintf("count by (%s) (%s)", m[2], m[1]), Table: true}) {
		if !strings.Contains(line, "does not ask for") && !strings.HasPrefix(line, "aggregator_crossings_total is a counter") {
			t.Errorf("variable %s: %s", query, line)
		}
	}
}

// TestNames: the table is read whole, and what a Go program has is there.
func TestNames(t *testing.T) {
	n := names(t)
	for name, want := range map[string]string{
		"aggregator_ready": "check", "aggregator_lag_seconds": "topic partition", "aggregator_subjects_made_total": "by",
		"aggregator_crossing_delay_seconds_bucket": "le", "aggregator_store_seconds_count": "operation", "go_gc_duration_seconds": "quantile",
		"process_cpu_seconds_total": "", "up": "",
	} {
		if got, known := n[name]; !known || strings.Join(got, " ") != want {
			t.Errorf("%s has the labels %q, known %v, want %q", name, got, known, want)
		}
	}
	if _, known := n["aggregator_crossings_total_bucket"]; known {
		t.Error("a counter has buckets")
	}
}

// TestCheck: each fault of an expression is found, and nothing else. PROCESSES stands for the processes that are chosen.
func TestCheck(t *testing.T) {
	n := names(t)
	f := func(e Expression, want ...string) {
		t.Helper()
		e.Text = strings.ReplaceAll(e.Text, "PROCESSES", `job=~"$job",instance=~"$instance"`)
		got := n.Check(e)
		fits := slices.EqualFunc(got, want, strings.Contains)
		if !fits {
			t.Errorf("%s\ngot  %q\nwant %q", e.Text, got, want)
		}
	}
	is := func(text, legend string) Expression { return Expression{Text: text, Legend: legend} }

	f(is(`max(aggregator_lag_seconds{PROCESSES})`, "lag"))
	f(is(`sum by (kind) (rate(aggregator_store_errors_total{PROCESSES}[$__rate_interval]))`, "{{kind}}"))
	f(is(`time() - max by (partition) (aggregator_canary_last_timestamp_seconds{PROCESSES})`, "{{partition}}"))
	f(is(`go_goroutines{PROCESSES} and on (job, instance) aggregator_build_info{PROCESSES}`, "{{instance}}"))
	f(is(`process_open_fds{PROCESSES} / process_max_fds{PROCESSES} and on (job, instance) aggregator_build_info{PROCESSES}`, "{{instance}}"))
	f(is(`histogram_quantile(0.9, sum by (le) (rate(aggregator_commit_seconds_bucket{PROCESSES}[$__rate_interval])))`, "x"))
	f(Expression{Text: `sum(increase(aggregator_crossings_total{PROCESSES,status="crossed"}[$__range]))`, Now: true})
	f(Expression{Text: `sum by (rule) (changes(aggregator_crossings_total{PROCESSES}[$__rate_interval])) > 0`, Legend: "{{rule}}", Marks: true})
	f(Expression{Text: `count by (pack, hash) (aggregator_rules_info{PROCESSES})`, Table: true})

	f(is(`max(aggregator_lag_seconds{PROCESSES}`, "x"), "unclosed left parenthesis")
	f(is(`max(aggregator_lag_second{PROCESSES})`, "x"), "no metric is called aggregator_lag_second")
	f(is(`max(aggregator_lag_seconds{job=~"$job"})`, "x"), `does not ask for instance=~"$instance"`)
	f(is(`max(aggregator_lag_seconds{instance=~"$instance",job="$job"})`, "x"), `does not ask for job=~"$job"`)
	f(is(`max(aggregator_lag_seconds{PROCESSES,part="1"})`, "x"), "aggregator_lag_seconds has no label part")
	f(is(`max by (part) (aggregator_lag_seconds{PROCESSES})`, ""), "there is no label part to group by", "tell series of different part apart")
	f(is(`max by (partition) (aggregator_lag_seconds{PROCESSES})`, "{{topic}}/{{partition}}"), "the legend has {{topic}}")
	f(is(`max by (topic, partition) (aggregator_lag_seconds{PROCESSES})`, "{{partition}}"), "does not tell series of different topic apart")
	f(is(`sum(aggregator_late_total{PROCESSES})`, "x"), "is a counter")
	f(is(`sum(aggregator_commit_seconds_count{PROCESSES})`, "x"), "is a counter")
	f(is(`sum(rate(aggregator_late_total{PROCESSES}[5m]))`, "x"), "not over $__rate_interval")
	f(is(`sum(increase(aggregator_late_total{PROCESSES}[$__range]))`, "x"), "not over $__rate_interval")
	f(is(`sum(rate(aggregator_lag_seconds{PROCESSES}[$__rate_interval]))`, "x"), "gauges are not")
	f(is(`sum(changes(aggregator_late_total{PROCESSES}[$__rate_interval]))`, "x"), "counters are for")
	f(is(`sum(max_over_time(aggregator_late_total{PROCESSES}[$__rate_interval]))`, "x"), "counters are for")
	f(is(`max(aggregator_lag_seconds{PROCESSES}) or vector(0)`, "x"), "vector makes a value up")
	f(is(`histogram_quantile(0.9, sum(rate(aggregator_commit_seconds_bucket{PROCESSES}[$__rate_interval])))`, "x"), "the buckets were added up")
	f(is(`sum(go_goroutines{PROCESSES})`, "x"), "go_goroutines is of other programs, too")
	f(is(`go_goroutines{PROCESSES} and on (job, instance) up{PROCESSES}`, "{{instance}}"), "go_goroutines is of other programs, too", "up is of other programs, too")
	f(is(`sum by (by) (rate(aggregator_late_total{PROCESSES}[$__rate_interval])) / sum(rate(aggregator_late_total{PROCESSES}[$__rate_interval]))`, "{{by}}"),
		"the sides have different labels")
	f(is(`max by (topic) (aggregator_lag_seconds{PROCESSES}) and on (job) max(aggregator_lag_records{PROCESSES})`, "{{topic}}"), "job is not a label of both sides")
}
