package monitoring

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// rule is an alert of alerts.yaml.
type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// rules are all alerts.
func rules(t *testing.T) (all []rule) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	read(t, "alerts.yaml", &file)
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// TestRules: Prometheus takes the rules, and its unit tests of them pass.
func TestRules(t *testing.T) {
	servers.Require(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
}

// TestEachAlertIsTested: the unit tests have each alert fire, and each one not.
func TestEachAlertIsTested(t *testing.T) {
	var file struct {
		Tests []struct {
			Cases []struct {
				Alert string `yaml:"alertname"`
				Want  []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		} `yaml:"tests"`
	}
	read(t, "alerts_test.yaml", &file)
	fires := map[string]bool{}
	for _, x := range file.Tests {
		for _, c := range x.Cases {
			fires[c.Alert] = fires[c.Alert] || len(c.Want) > 0
		}
	}
	for _, r := range rules(t) {
		if !fires[r.Alert] {
			t.Errorf("no test has %s fire", r.Alert)
		}
		delete(fires, r.Alert)
	}
	if len(fires) > 0 {
		t.Errorf("tests of alerts that there are not: %v", slices.Sorted(maps.Keys(fires)))
	}
}

// TestRunbook: the runbook has a row for each alert, with its expression, where the alert says that it is.
func TestRunbook(t *testing.T) {
	page, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	section := ""
	for line := range strings.Lines(string(page)) {
		if title, is := strings.CutPrefix(strings.TrimSpace(line), "## "); is {
			section = anchor(title)
		}
		for _, m := range regexp.MustCompile("alert (\\w+) \\(`([^`]+)`\\)").FindAllStringSubmatch(line, -1) {
			shown[m[1]] = fmt.Sprintf("%s in docs/runbook.md#%s", m[2], section)
		}
	}
	for _, r := range rules(t) {
		if want := fmt.Sprintf("%s in %s", r.Expr, r.Annotations["runbook"]); shown[r.Alert] != want {
			t.Errorf("%s: the runbook has %q, the rules have %q", r.Alert, shown[r.Alert], want)
		}
		if r.Annotations["summary"] == "" || !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
			t.Errorf("%s: labels %v, annotations %v", r.Alert, r.Labels, r.Annotations)
		}
		delete(shown, r.Alert)
	}
	if len(shown) > 0 {
		t.Errorf("the runbook has alerts that there are not: %v", shown)
	}
	if other := regexp.MustCompile("alert `").FindAllIndex(page, -1); other != nil {
		t.Errorf("the runbook has %d alerts without a name", len(other))
	}
}

// anchor is what a title is linked by.
func anchor(title string) string {
	return regexp.MustCompile(`[^a-z0-9-]`).ReplaceAllString(strings.ReplaceAll(strings.ToLower(title), " ", "-"), "")
}
