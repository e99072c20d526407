package dashboards

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// askModel is what the model of Grafana's SDK does not take of dashboards, a line each, which begins with the name of the file.
func askModel(t *testing.T, files ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), servers.GrafanaPython(t), append([]string{"schema.py"}, files...)...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	lines := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
	if failed := err != nil; failed != (len(lines) > 0) || stderr.Len() > 0 {
		t.Fatalf("schema.py: %v: %s%s", err, out, stderr.String())
	}
	return lines
}

// TestModel: Grafana's own model has a place for every key of the dashboards, and knows every value.
func TestModel(t *testing.T) {
	for _, line := range askModel(t, slices.Sorted(maps.Keys(All()))...) {
		t.Error(line)
	}
}

// TestModelFinds: each fault that is put into a dashboard is found.
func TestModelFinds(t *testing.T) {
	text, err := os.ReadFile("aggregator-levels.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var files, want []string
	plant := func(right, wrong, found string) {
		t.Helper()
		spoilt := strings.Replace(string(text), right, wrong, 1)
		if spoilt == string(text) {
			t.Fatalf("the dashboard does not hold %s", right)
		}
		file := filepath.Join(dir, string(rune('a'+len(files)))+".json")
		if err := os.WriteFile(file, []byte(spoilt), 0o600); err != nil {
			t.Fatal(err)
		}
		files, want = append(files, file), append(want, file+": "+found)
	}
	plant(`"refresh": "30s"`, `"refrsh": "30s"`, "$.refrsh is not known")
	plant(`"unit": "short"`, `"unitt": "short"`, "$.panels[0].fieldConfig.defaults.unitt is not known")
	plant(`"drawStyle"`, `"drawStile"`, "$.panels[5].fieldConfig.defaults.custom.drawStile is not known")
	plant(`"legendFormat"`, `"legend"`, "$.panels[0].targets[0].legend is not known")
	plant(`"tagKeys"`, `"tagKey"`, "$.annotations.list[0].tagKey is not known")
	plant(`"editable": false`, `"editable": "no"`, "$.editable may not be 'no'")
	plant(`"graphTooltip": 1`, `"graphTooltip": 5`, "$.graph_tooltip may not be 5")
	plant(`"displayMode": "table"`, `"displayMode": "tabel"`, "$.panels[5].options.legend.display_mode may not be 'tabel'")
	plant(`"mode": "dashed"`, `"mode": "dahsed"`, "$.panels[10].field_config.defaults.custom.thresholds_style.mode may not be 'dahsed'")
	plant(`"type": "heatmap"`, `"type": "heatmapp"`, "$.panels[11]: there is no panel of type 'heatmapp'")
	plant(`"type": "special"`, `"type": "specal"`, "cannot be loaded: KeyError: 'specal'")
	if got := askModel(t, files...); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
