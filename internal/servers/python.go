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

// KafkaPythonVersion is the version of the client of Kafka for Python, as it stands in the Makefile and in
// scripts/kafka/requirements.txt.
const KafkaPythonVersion = "3.0.12"

// GrafanaPython returns the interpreter of Python that has the model of Grafana's dashboards: in $GRAFANA_SDK, otherwise in a directory
// of the user's cache, where make install puts it. The test is skipped if it is missing, or fails if REQUIRE_SERVERS=1.
func GrafanaPython(tb testing.TB) string {
	tb.Helper()
	return python(tb, "GRAFANA_SDK", "grafana-sdk-"+GrafanaVersion)
}

// KafkaPython returns the interpreter of Python that has a client of Kafka, likewise: in $KAFKA_PYTHON.
func KafkaPython(tb testing.TB) string {
	tb.Helper()
	return python(tb, "KAFKA_PYTHON", "kafka-python-"+KafkaPythonVersion)
}

func python(tb testing.TB, variable, usual string) string {
	tb.Helper()
	program, err := findPython(variable, usual)
	Need(tb, err, "make install")
	return program
}

// findPython looks into the directory that a variable of the environment names, otherwise into the usual one of the cache.
func findPython(variable, usual string) (string, error) {
	dir := os.Getenv(variable)
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find %s: %w", usual, err)
		}
		dir = filepath.Join(cache, "aggregator", usual)
	}
	program := filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("find %s: %w", usual, err)
	}
	return program, nil
}
