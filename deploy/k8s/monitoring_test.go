package k8s

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the PrometheusRule anew from the rules")

const (
	rules = "../monitoring/rules"
	rule  = "components/monitoring/prometheusrule.yaml"
)

// TestPrometheusRule: the object for the operator holds the rules as they are for Prometheus itself.
func TestPrometheusRule(t *testing.T) {
	want := "# Made of deploy/monitoring/rules by go test ./deploy/k8s -run TestPrometheusRule -rewrite\n" +
		"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: aggregator\nspec:\n  groups:\n" + groups(t)
	if *rewrite {
		if err := os.WriteFile(rule, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(rule); err != nil || string(got) != want {
		t.Errorf("%s is not of %s: go test ./deploy/k8s -run TestPrometheusRule -rewrite (%v)", rule, rules, err)
	}
}

// groups are those of all files of rules, as they stand there, under the key of the object.
func groups(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(rules + "/*.yaml")
	if err != nil || len(files) != 3 {
		t.Fatalf("%s has %v (%v)", rules, files, err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, list, found := strings.Cut(string(text), "\ngroups:\n")
		if !found {
			t.Fatalf("%s has no groups", file)
		}
		all.WriteString(indent(list))
	}
	return all.String()
}

// indent moves the lines of a text two columns in.
func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			line = "  " + line
		}
		b.WriteString(line)
	}
	return b.String()
}

// podMonitor is what the tests look at of one.
type podMonitor struct {
	Spec struct {
		JobLabel  string   `yaml:"jobLabel"`
		Selector  selector `yaml:"selector"`
		Endpoints []struct {
			Port string `yaml:"port"`
			Path string `yaml:"path"`
		} `yaml:"podMetricsEndpoints"`
	} `yaml:"spec"`
}

// TestPodMonitor: the pods are scraped, by the operator's Prometheus alone, and the job is named.
func TestPodMonitor(t *testing.T) {
	v := variant{"overlays/production", []string{"monitoring"}}
	all := render(t, v.prepare(t))
	m := foundLoosely[podMonitor](t, all, "PodMonitor").Spec
	pods := found[deployment](t, all, "Deployment").Spec.Template
	if !matches(m.Selector.MatchLabels, pods.Metadata.Labels) || pods.Metadata.Labels[m.JobLabel] != "aggregator" {
		t.Errorf("the monitor selects %v and names the job by %s, the pods have %v", m.Selector, m.JobLabel, pods.Metadata.Labels)
	}
	if len(m.Endpoints) != 1 || m.Endpoints[0].Port != pods.Spec.Containers[0].Ports[0].Name || m.Endpoints[0].Path != "/metrics" {
		t.Errorf("endpoints %+v", m.Endpoints)
	}
	if len(pods.Metadata.Annotations) != 0 {
		t.Errorf("others scrape them too: %v", pods.Metadata.Annotations)
	}
}
