package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// alertRule is a rule of deploy/monitoring.
type alertRule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Annotations map[string]string `yaml:"annotations"`
}

func readAlertRules(t *testing.T) []alertRule {
	t.Helper()
	return readRulesOf(t, alertRules...)
}

// readRulesOf are the rules of files.
func readRulesOf(t *testing.T, files ...string) (all []alertRule) {
	t.Helper()
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []struct {
				Rules []alertRule `yaml:"rules"`
			} `yaml:"groups"`
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		for _, g := range file.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

var (
	selector  = regexp.MustCompile(`\b(aggregator[_:][a-z0-9_:]+|process_[a-z_]+|go_[a-z_]+|up)\b({[^}]*})?`)
	groupedBy = regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`)
	comparing = regexp.MustCompile(` (==|!=|>=|<=|>|<) (bool )?`)
	labelUsed = regexp.MustCompile(`\$labels\.([a-z]+)`)
	branch    = regexp.MustCompile(`\n *or `)
)

// checkHaveSeries looks whether what rules ask for is there, on a service that works: Prometheus takes every name.
func checkHaveSeries(t *testing.T, p *servers.PrometheusServer) {
	t.Helper()
	for _, r := range readAlertRules(t) {
		t.Run(r.Alert+r.Record, func(t *testing.T) {
			selectors := selector.FindAllString(r.Expr, -1)
			for _, s := range selectors {
				if len(p.Query(s)) == 0 {
					t.Errorf("%s has no series", s)
				}
			}
			for _, label := range labelsOf(r.Expr) {
				if !slices.ContainsFunc(selectors, func(s string) bool { return hasLabel(p, s, label) }) {
					t.Errorf("nothing in it has a label %s:\n%s", label, r.Expr)
				}
			}
			checkUncompared(t, p, &r)
		})
	}
}

// labelsOf are the labels by which an expression groups and matches, except that of Kubernetes.
func labelsOf(expr string) (labels []string) {
	for _, m := range groupedBy.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(m[1], ", ") {
			if label != "namespace" {
				labels = append(labels, label)
			}
		}
	}
	return labels
}

// hasLabel reports whether some series has a label.
func hasLabel(p *servers.PrometheusServer, expr, label string) bool {
	return slices.ContainsFunc(p.Label(expr, label), func(value string) bool { return value != "" })
}

// checkUncompared asks for the expression of a rule without what it compares with, and without what keeps it silent. The result must have
// the labels that the alert's texts name.
func checkUncompared(t *testing.T, p *servers.PrometheusServer, r *alertRule) {
	t.Helper()
	for _, expr := range branch.Split(r.Expr, -1) {
		if strings.HasPrefix(expr, "absent(") {
			continue // it has a series only if there is none
		}
		expr, _, _ = strings.Cut(expr, "unless")
		expr = comparing.ReplaceAllString(expr, " $1 bool ")
		if r.Record != "" && expr == "vector(0.999)" {
			continue
		}
		if len(p.Query(expr)) == 0 {
			t.Errorf("nothing is compared: no series of\n%s", expr)
		}
		for _, text := range r.Annotations {
			for _, m := range labelUsed.FindAllStringSubmatch(text, -1) {
				if !hasLabel(p, expr, m[1]) {
					t.Errorf("%q names a label %s, which the series of this have not:\n%s", text, m[1], expr)
				}
			}
		}
	}
}

// criticalAlerts selects the pages that fire, and allAlerts all that do.
const (
	allAlerts      = `ALERTS{alertstate="firing"}`
	criticalAlerts = `ALERTS{alertstate="firing", severity="critical"}`
)

// awaitAlert waits until an alert fires, and says how long after what it tells of.
func awaitAlert(t *testing.T, p *servers.PrometheusServer, name string, broken time.Time) {
	t.Helper()
	eventually(t, name+" fires", func() bool { return slices.Contains(p.Firing(), name) })
	t.Logf("%s fires after %.0f s", name, time.Since(broken).Seconds())
}

// firstFired is when an alert first fired.
func firstFired(t *testing.T, p *servers.PrometheusServer, name string) time.Time {
	t.Helper()
	var at []float64 // known a moment after the alert itself
	eventually(t, "when "+name+" fired is known", func() bool {
		at = p.Query(fmt.Sprintf(`min_over_time(timestamp(ALERTS{alertstate="firing", alertname=%q})[10m:1s])`, name))
		return len(at) == 1
	})
	return time.UnixMilli(int64(1000 * at[0]))
}
