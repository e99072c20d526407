package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

func TestPlot(t *testing.T) {
	file := servers.WriteFile(t, "subjects.tsv", "# title: T\n# x: n\n# y: s\n# lines: a\nn\ta\n1\t2\n10\t3\n")
	if err := plot(file); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(strings.TrimSuffix(file, ".tsv") + ".svg")
	if err != nil || !strings.HasPrefix(string(svg), "<svg ") {
		t.Errorf("drew %q, error %v", svg, err)
	}
}

func TestPlotFaults(t *testing.T) {
	for _, file := range []string{"subjects.svg", filepath.Join(t.TempDir(), "none.tsv")} {
		if err := plot(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: error %v", file, err)
		}
	}
}
