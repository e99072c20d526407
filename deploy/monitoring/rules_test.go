package monitoring

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// rule is an alert, or a series that is recorded.
type rule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         *string           `yaml:"for"`
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

// filesOf are the files of a directory.
func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%s has %v (%v)", dir, files, err)
	}
	return files
}

// rules are those of all files.
func rules(t *testing.T) (all []rule) {
	t.Helper()
	for _, name := range filesOf(t, "rules") {
		var file struct {
			Groups []struct {
				Rules []rule `yaml:"rules"`
			} `yaml:"groups"`
		}
		read(t, name, &file)
		for _, g := range file.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

// alerts are those of all files.
func alerts(t *testing.T) []rule {
	t.Helper()
	return slices.DeleteFunc(rules(t), func(r rule) bool { return r.Alert == "" })
}

// TestRules: Prometheus takes the rules, and its unit tests of them pass.
func TestRules(t *testing.T) {
	servers.Require(t, "promtool")
	for _, args := range [][]string{
		append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, filesOf(t, "rules")...),
		append([]string{"test", "rules"}, filesOf(t, "tests")...),
	} {
		if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
}

// TestEachAlertIsTested: the unit tests have each alert fire, and each one not.
func TestEachAlertIsTested(t *testing.T) {
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, name := range filesOf(t, "tests") {
		var file struct {
			Tests []struct {
				Cases []struct {
					Alert string `yaml:"alertname"`
					Want  []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			} `yaml:"tests"`
		}
		read(t, name, &file)
		for _, x := range file.Tests {
			for _, c := range x.Cases {
				fires[c.Alert] = fires[c.Alert] || len(c.Want) > 0
				silent[c.Alert] = silent[c.Alert] || len(c.Want) == 0
			}
		}
	}
	for _, r := range alerts(t) {
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s: a test has it fire: %v; has it be silent: %v", r.Alert, fires[r.Alert], silent[r.Alert])
		}
		delete(fires, r.Alert)
	}
	if len(fires) > 0 {
		t.Errorf("tests of alerts that there are not: %v", fires)
	}
}

// TestForm: alerts have the names, labels and annotations that others rely on, and wait, or say why they do not.
func TestForm(t *testing.T) {
	name := regexp.MustCompile(`^Aggregator([A-Z][a-z]+)+$`)
	for _, r := range alerts(t) {
		if !name.MatchString(r.Alert) || !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) || r.For == nil {
			t.Errorf("%s: it has no such name, the labels %v, or no for", r.Alert, r.Labels)
		}
		for _, key := range []string{"summary", "description"} {
			if text := r.Annotations[key]; !strings.HasSuffix(text, ".") || strings.Contains(text, "\n") {
				t.Errorf("%s: %s is no sentence: %q", r.Alert, key, text)
			}
		}
	}
	for _, file := range filesOf(t, "rules") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range regexp.MustCompile(`for: 0.*`).FindAllString(string(text), -1) {
			if !regexp.MustCompile(`^for: 0s # \w+`).MatchString(line) {
				t.Errorf("%s: %q does not say why", file, line)
			}
		}
	}
}

// TestRanks: an alert is silent only while one of a lower rank fires, so that never two silence each other, nor one itself. Only pages do that.
// A rank that is a word silences some alerts alone, and its own alert is never silent.
func TestRanks(t *testing.T) {
	ranks := regexp.MustCompile(`ALERTS\{alertstate="firing", rank=~?"(\d|\[\d+\]|\[(\d)-(\d)\])(\|loss|\|strangers)?"\}`)
	silenced := 0
	for _, r := range alerts(t) {
		rank, ranked := r.Labels["rank"]
		word := rank == "loss" || rank == "strangers"
		if ranked != (len(rank) == 1 || word) || ranked && r.Labels["severity"] != "critical" {
			t.Errorf("%s: labels %v", r.Alert, r.Labels)
		}
		found := ranks.FindAllStringSubmatch(r.Expr, -1)
		if len(found) != strings.Count(r.Expr, "ALERTS") {
			t.Errorf("%s: it looks at alerts otherwise than by rank: %s", r.Alert, r.Expr)
		}
		if word && len(found) > 0 {
			t.Errorf("%s, of rank %s, may be silent", r.Alert, rank)
		}
		for _, m := range found {
			silenced++
			highest := slices.Max([]byte(strings.Trim(m[1], "[]")))
			if ranked && !word && highest >= rank[0] {
				t.Errorf("%s, of rank %s, is silent while one of %s fires", r.Alert, rank, m[1])
			}
		}
	}
	if silenced < 10 {
		t.Errorf("%d alerts are silent while another one fires", silenced)
	}
}

// TestMetrics: expressions name metrics of the table in docs/operations.md, or what is recorded before, and what is recorded is used.
// That these have series is tested on the program (TestAlertsHaveSeries).
func TestMetrics(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]bool{}
	for _, r := range rules(t) {
		for _, name := range regexp.MustCompile(`aggregator[_:][a-z0-9_:]+`).FindAllString(r.Expr, -1) {
			base := regexp.MustCompile(`_(bucket|count)$`).ReplaceAllString(name, "")
			_, isRecorded := recorded[name]
			if !isRecorded && !strings.Contains(string(page), "\n| `"+base+"` |") {
				t.Errorf("%s%s asks for %s, which is no metric", r.Alert, r.Record, name)
			}
			if isRecorded {
				recorded[name] = true
			}
		}
		if r.Record != "" {
			recorded[r.Record] = false
		}
	}
	for name, used := range recorded {
		if !used {
			t.Errorf("%s is recorded, and no rule uses it", name)
		}
	}
}
