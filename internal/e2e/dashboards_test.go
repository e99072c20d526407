package e2e

import (
	"fmt"
	"math"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/deploy/monitoring/dashboards"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestDashboards: every panel of the dashboards has data of a process that is at work, on a real Prometheus, and what has happened is
// seen. Of another program that this Prometheus scrapes nothing is shown, although all is chosen. A process that is down is seen.
//
// Given a process with canaries, another that is down, and a Prometheus that scrapes both and another program,
// when events cross a limit and are duplicate, late, malformed, ahead, of no rule, and of an incident whose window ends,
// then each expression of each panel has a sample that is a number, and the first light says that not all processes are ready.
func TestDashboards(t *testing.T) {
	t.Parallel()
	kafka, redis := servers.SharedKafka(t), servers.Redis(t, servers.RedisOptions{})
	s, _ := canarySite(t, kafka, redis, "dashboards", true)
	tried := quietPack + "  - {id: tried, by: incident, window: 4s, step: 1s, limits: {clicks: 3}, levels: [1], shadow: true}\n"
	kafka.CreateTopic("dashboards-shadow", 1, nil)
	d := s.start("aggregator", "AGGREGATOR_RULES_FILES="+servers.WriteFile(t, "tried.yaml", tried), "AGGREGATOR_KAFKA_SHADOW=dashboards-shadow")
	const nobody = "127.0.0.1:1" // a process that is down
	other := httptest.NewServer(promhttp.Handler())
	t.Cleanup(other.Close)
	p := servers.Prometheus(t, servers.PrometheusOptions{Targets: []string{d.HTTP, nobody, other.Listener.Addr().String()}})
	eventually(t, "all is scraped", func() bool { return len(p.Query("aggregator_ready == 1")) == 5 && len(p.Query("up == 1")) == 2 })
	d.awaitCanaries(3)
	s.produce(ofEachKind()...)
	eventually(t, "the episode ends", func() bool { return len(s.announced(s.crossings)) == 2 })

	for file, board := range dashboards.All() {
		t.Run(file, func(t *testing.T) {
			for _, panel := range board.Panels {
				for _, target := range panel.Targets {
					checkTarget(t, p, d.HTTP, panel.Title, target)
				}
			}
			for _, v := range board.Templating.List {
				if v.Type == "query" {
					checkChoices(t, p, d.HTTP, v)
				}
			}
			for _, a := range board.Annotations.List {
				awaitNumber(t, p, "annotation "+a.Name, a.Expr)
			}
		})
	}
	checkSeen(t, p)

	ready := exprOf("aggregator-operations.json", "Ready", "A")
	for chosen, want := range map[string]string{".+": "[0]", regexp.QuoteMeta(d.HTTP): "[1]", regexp.QuoteMeta(nobody): "[]"} {
		expr := strings.ReplaceAll(ready, "$instance", strings.ReplaceAll(chosen, `\`, `\\`))
		if got := fmt.Sprint(p.Query(expand(expr))); got != want {
			t.Errorf("the light is %s where %s is chosen, want %s", got, chosen, want)
		}
	}
}

// ofEachKind are events of which each is something else.
func ofEachKind() []*kgo.Record {
	list := clicks("A", 0, "1", "2", "3", "3")
	event := func(id, kind string, at time.Time) {
		list = append(list, &kgo.Record{Value: fmt.Appendf(nil, `{"id":%q,"time":%q,"type":%q,"incident":"A"}`, id, at.UTC().Format(time.RFC3339Nano), kind)})
	}
	event("late", "click", time.Now().Add(-time.Hour))
	event("ahead", "click", time.Now().Add(100*time.Hour))
	event("of no rule", "view", time.Now())
	return append(list, &kgo.Record{Value: []byte("{")})
}

// expand is an expression as Grafana asks it when all is chosen.
func expand(expr string) string {
	return strings.NewReplacer("$__rate_interval", "1m", "$__range", "5m", "$job", ".+", "$instance", ".+", "$rule", ".+").Replace(expr)
}

// numbers are the series of an expression that have a number.
func numbers(p *servers.PrometheusServer, expr string) []servers.Series {
	return slices.DeleteFunc(p.Ask(expand(expr)), func(x servers.Series) bool { return math.IsNaN(x.Value) })
}

// awaitNumber waits until an expression has a number.
func awaitNumber(t *testing.T, p *servers.PrometheusServer, what, expr string) (found []servers.Series) {
	t.Helper()
	if !within(10*time.Second, func() bool { found = numbers(p, expr); return len(found) > 0 }) {
		t.Errorf("%s: no number: %s", what, expand(expr))
	}
	return found
}

// checkTarget looks whether a target has data, whether its legend can be filled in, and whether all of it is of our process.
func checkTarget(t *testing.T, p *servers.PrometheusServer, process, panel string, target dashboards.Target) {
	t.Helper()
	what := fmt.Sprintf("%s, %s", panel, target.RefID)
	for _, x := range awaitNumber(t, p, what, target.Expr) {
		for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
			if x.Labels[m[1]] == "" {
				t.Errorf("%s: a series without %s: %v", what, m[1], x.Labels)
			}
		}
		if at, has := x.Labels["instance"]; has && at != process {
			t.Errorf("%s: it shows %s, which is no aggregator", what, at)
		}
	}
	if target.Exemplar {
		if list := p.Exemplars(expand(target.Expr)); len(list) == 0 || list[0]["rule"] != "three" || list[0]["offset"] == "" {
			t.Errorf("%s: the exemplars are %v", what, list)
		}
	}
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// checkChoices looks whether a variable offers something. Grafana itself works label_values out; its metric and label are asked for here.
func checkChoices(t *testing.T, p *servers.PrometheusServer, process string, v dashboards.Variable) {
	t.Helper()
	m := labelValues.FindStringSubmatch(v.Query)
	if m == nil {
		t.Fatalf("variable %s: %s", v.Name, v.Query)
	}
	for _, x := range awaitNumber(t, p, "variable "+v.Name, fmt.Sprintf("group by (%s) (%s)", m[2], m[1])) {
		if value := x.Labels[m[2]]; value == "" || m[2] == "instance" && value != process {
			t.Errorf("variable %s offers %v", v.Name, x.Labels)
		}
	}
}

// exprOf is an expression of a panel.
func exprOf(file, title, refID string) string {
	for _, panel := range dashboards.All()[file].Panels {
		for _, target := range panel.Targets {
			if panel.Title == title && target.RefID == refID {
				return target.Expr
			}
		}
	}
	return ""
}

// checkSeen looks whether panels show what the events were.
func checkSeen(t *testing.T, p *servers.PrometheusServer) {
	t.Helper()
	f := func(file, title, refID, label, value string, least float64) {
		t.Helper()
		expr := exprOf(file, title, refID)
		seen := func(x servers.Series) bool { return x.Labels[label] == value && x.Value >= least }
		if !within(10*time.Second, func() bool { return expr != "" && slices.ContainsFunc(numbers(p, expr), seen) }) {
			t.Errorf("%s, %s: %s %s is under %v: %v", title, refID, label, value, least, numbers(p, expr))
		}
	}
	const operations, levels, some = "aggregator-operations.json", "aggregator-levels.json", 1e-9
	f(operations, "Last canary came back", "A", "", "", some)
	for _, result := range []string{"matched", "duplicate", "malformed", "ahead", "unmatched"} {
		f(operations, "Events a second, by result", "A", "result", result, some)
	}
	f(operations, "Dead letters a second, by reason", "A", "reason", "ahead", some)
	f(operations, "Dead letters a second, by reason", "A", "reason", "syntax", some)
	f(operations, "Late, refused and capped, a second", "A", "by", "incident", some)
	f(operations, "Partitions, by process", "A", "", "", canaryPartitions)
	f(levels, "Crossings", "A", "", "", 1)
	f(levels, "Clears", "A", "", "", 1)
	f(levels, "Rules that crossed", "A", "", "", 1)
	f(levels, "Crossings and clears, by rule", "A", "status", "cleared", some)
	f(levels, "Totals of the time that is chosen", "A", "level", "1", 1)
	f(levels, "Canaries a second", "B", "", "", some)
}
