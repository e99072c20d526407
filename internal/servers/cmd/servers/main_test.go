package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-redis", "x"}, {"more"}, {"-port", "1"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != 2 || stdout.Len() > 0 || stderr.Len() == 0 {
			t.Errorf("%v: exit code %d, printed %q and %q", args, code, &stdout, &stderr)
		}
	}
}

// TestMissing: without the servers it says what gets them, and leaves no directory.
func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), nil, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "(make servers gets it)") {
		t.Errorf("exit code %d, printed %q", code, &stderr)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

// compose is what compose.yaml may hold: other keys are faults.
type compose struct {
	Services map[string]struct {
		Image       string            `yaml:"image"`
		Ports       []string          `yaml:"ports"`
		Environment map[string]string `yaml:"environment"`
		Command     []string          `yaml:"command"`
	} `yaml:"services"`
}

// TestCompose: compose.yaml has the servers at the addresses that this command has by default, by version, and fit.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile("../../../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c compose
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	o, err := parse(nil, t.Output())
	if err != nil || o.Kafka != 19092 || o.Redis != 16379 {
		t.Errorf("the ports are %+v, %v", o, err)
	}
	kafka, redis := c.Services["kafka"], c.Services["redis"]
	if kafka.Image != "apache/kafka:"+servers.KafkaVersion || !regexp.MustCompile(`^redis:\d+\.\d+\.\d+$`).MatchString(redis.Image) {
		t.Errorf("images are %s and %s", kafka.Image, redis.Image)
	}
	if kafka.Ports[0] != "127.0.0.1:19092:19092" || redis.Ports[0] != "127.0.0.1:16379:6379" ||
		kafka.Environment["KAFKA_ADVERTISED_LISTENERS"] != "PLAINTEXT://127.0.0.1:19092" {
		t.Errorf("ports are %v and %v, advertised is %s", kafka.Ports, redis.Ports, kafka.Environment["KAFKA_ADVERTISED_LISTENERS"])
	}
	if args := strings.Join(redis.Command, " "); !strings.Contains(args, "--appendonly yes") || !strings.Contains(args, "--maxmemory-policy noeviction") {
		t.Errorf("redis is started with %s", args)
	}
}
