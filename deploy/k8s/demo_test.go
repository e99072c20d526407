package k8s

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestDemoKafka has Kafka itself read the settings of the demo's broker: what turns an image's variables into
// settings, and formats its directory by them, is in Kafka's jars.
func TestDemoKafka(t *testing.T) {
	servers.Require(t, "kafka")
	text, err := os.ReadFile("overlays/demo/kafka.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n---\n")
	var d deployment
	if err := yaml.Unmarshal([]byte(first), &d); err != nil {
		t.Fatal(err)
	}
	c := d.Spec.Template.Spec.Containers[0]
	if want := "docker.io/apache/kafka:" + servers.KafkaVersion; c.Image != want {
		t.Errorf("the demo runs %s, the tests run %s", c.Image, want)
	}
	properties, err := dockerSettings(t, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"advertised.listeners=PLAINTEXT://kafka:9092", "process.roles=broker,controller", "auto.create.topics.enable=false"} {
		if !slices.Contains(properties, want) {
			t.Errorf("the broker's settings have no %s: %q", want, properties)
		}
	}
}

// dockerSettings runs what the image runs before it starts a broker, and returns the settings it made.
func dockerSettings(t *testing.T, c container) ([]string, error) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"default", "mounted", "final"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"server.properties", "log4j2.yaml", "tools-log4j2.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, "default", name), nil, 0o600); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(t.Context(), "java", "-cp", servers.KafkaJars(t)+"/*", "kafka.docker.KafkaDockerWrapper", "setup",
		"--default-configs-dir", "default", "--mounted-configs-dir", "mounted", "--final-configs-dir", "final")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CLUSTER_ID=5L6g3nShT-eMCtK--X86sw")
	for _, env := range c.Env {
		cmd.Env = append(cmd.Env, env.Name+"="+strings.Replace(env.Value, c.VolumeMounts[0].MountPath, dir+"/data", 1))
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s", out)
		return nil, err
	}
	properties, err := os.ReadFile(filepath.Join(dir, "final/server.properties"))
	return strings.Fields(string(properties)), err
}
