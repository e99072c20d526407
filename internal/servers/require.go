package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// KafkaVersion is the version of Apache Kafka that the tests run, as it stands
// in the Makefile and in scripts/kafka/pom.xml.
const KafkaVersion = "4.4.0"

// Require skips the test if one of the named programs is missing, or fails it
// if REQUIRE_SERVERS=1. A name is a program's name in PATH; the name "kafka"
// stands for java and Kafka's jars. The starters of this package call it for
// what they need.
func Require(tb testing.TB, names ...string) {
	tb.Helper()
	for _, name := range names {
		Need(tb, find(name), "make install")
	}
}

// Need skips the test if err says that something is missing, or fails it if
// REQUIRE_SERVERS=1. The remedy is the command that gets it.
func Need(tb testing.TB, err error, remedy string) {
	tb.Helper()
	if err == nil {
		return
	}
	if os.Getenv("REQUIRE_SERVERS") == "1" {
		tb.Fatalf("REQUIRE_SERVERS=1, but %v (%s gets it)", err, remedy)
	}
	tb.Skipf("%v (%s gets it; REQUIRE_SERVERS=1 makes this a failure)", err, remedy)
}

// MustHold fails the test if a file does not hold a text: as a version that stands elsewhere too.
func MustHold(tb testing.TB, file, want string) {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	if !strings.Contains(string(text), want) {
		tb.Errorf("%s does not hold\n%s", file, want)
	}
}

// find says what is missing for name, or nil.
func find(name string) error {
	if name != "kafka" {
		_, err := exec.LookPath(name)
		return err
	}
	if _, err := exec.LookPath("java"); err != nil {
		return err
	}
	_, err := kafkaJars()
	return err
}

// KafkaJars returns the directory of Kafka's jars.
func KafkaJars(tb testing.TB) string {
	tb.Helper()
	Require(tb, "kafka")
	dir, err := kafkaJars()
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

// kafkaJars returns the directory of Kafka's jars: $KAFKA_LIB, which may hold another version,
// otherwise a directory in the user's cache directory, where make install puts them.
func kafkaJars() (string, error) {
	dir := os.Getenv("KAFKA_LIB")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find kafka's jars: %w", err)
		}
		dir = filepath.Join(cache, "aggregator", "kafka-"+KafkaVersion)
	}
	const core = "kafka_2.13-*.jar"
	if found, _ := filepath.Glob(filepath.Join(dir, core)); len(found) == 0 { // the pattern is well formed
		return "", fmt.Errorf("find kafka's jars: no %s in %s", core, dir)
	}
	return dir, nil
}
