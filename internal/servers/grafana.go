package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// GrafanaVersion is the version of Grafana whose model of dashboards is used, as it stands in the Makefile and in
// scripts/grafana/requirements.txt.
const GrafanaVersion = "11.6.0"

// GrafanaPython returns the interpreter of Python that has the model of Grafana's dashboards: in $GRAFANA_SDK, otherwise in a directory
// of the user's cache, where make install puts it. The test is skipped if it is missing, or fails if REQUIRE_SERVERS=1.
func GrafanaPython(tb testing.TB) string {
	tb.Helper()
	program, err := grafanaPython()
	Need(tb, err, "make install")
	return program
}

func grafanaPython() (string, error) {
	dir := os.Getenv("GRAFANA_SDK")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find grafana's model: %w", err)
		}
		dir = filepath.Join(cache, "aggregator", "grafana-sdk-"+GrafanaVersion)
	}
	program := filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("find grafana's model: %w", err)
	}
	return program, nil
}
