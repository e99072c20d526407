package dashboards

import (
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

var yamlBlock = regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```$")

// TestReadme: Prometheus takes the config of the page, what it says to Grafana is YAML, and it names each dashboard.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, m := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
		var block map[string]any
		if err := yaml.Unmarshal([]byte(m[1]), &block); err != nil {
			t.Errorf("%v\n%s", err, m[1])
		}
		for key := range block {
			kinds[key] = m[1]
		}
	}
	if want := []string{"apiVersion", "datasources", "providers", "rule_files", "scrape_configs"}; !slices.Equal(slices.Sorted(maps.Keys(kinds)), want) {
		t.Fatalf("the blocks of YAML are of %v, want %v", slices.Sorted(maps.Keys(kinds)), want)
	}
	for file, d := range All() {
		if !strings.Contains(string(text), "["+"dashboards/"+file+"](dashboards/"+file+")") || d.UID == uidOperations && !strings.Contains(string(text), "`/d/"+d.UID+"`") {
			t.Errorf("the page does not name %s, or where it is in Grafana", file)
		}
	}
	servers.Require(t, "promtool")
	file := servers.WriteFile(t, "prometheus.yml", kinds["scrape_configs"]+kinds["rule_files"])
	if out, err := exec.CommandContext(t.Context(), "promtool", "check", "config", file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
