package k8s

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// config is what the manifests' config files set.
type config struct {
	Kafka struct {
		Brokers   []string `yaml:"brokers"`
		Group     string   `yaml:"group"`
		Events    []string `yaml:"events"`
		Crossings string   `yaml:"crossings"`
	} `yaml:"kafka"`
	Redis struct {
		Addrs []string `yaml:"addrs"`
	} `yaml:"redis"`
	Rules struct {
		Packs []string `yaml:"packs"`
	} `yaml:"rules"`
	HTTP struct {
		Listen string `yaml:"listen"`
	} `yaml:"http"`
}

func parseKind(text []byte) (string, error) {
	var o struct {
		Kind string `yaml:"kind"`
	}
	err := yaml.Unmarshal(text, &o)
	return o.Kind, err
}

func TestConfig(t *testing.T) {
	port := read[deployment](t, "base/deployment.yaml").Spec.Template.Spec.Containers[0].Ports[0].ContainerPort
	f := func(file string) {
		t.Helper()
		c := read[config](t, file)
		// A pod is probed from outside of it.
		if want := fmt.Sprintf("0.0.0.0:%d", port); c.HTTP.Listen != want {
			t.Errorf("%s: http.listen is %s, want %s", file, c.HTTP.Listen, want)
		}
		if len(c.Kafka.Brokers) == 0 || len(c.Redis.Addrs) == 0 || len(c.Rules.Packs) == 0 || len(c.Kafka.Events) == 0 {
			t.Errorf("%s: something is not set: %+v", file, c)
		}
	}
	f("base/aggregator.yaml")
	f("overlays/example/aggregator.yaml")
}

// TestConfigIsAccepted lets the program itself check the config files, keys,
// packs and all.
func TestConfigIsAccepted(t *testing.T) {
	program := filepath.Join(t.TempDir(), "aggregator")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/aggregator")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	f := func(file string, accepted bool) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), program, "check", "-config", file).CombinedOutput()
		if (err == nil) != accepted {
			t.Errorf("check -config %s: %v: %s", file, err, out)
		}
	}
	f("base/aggregator.yaml", true)
	f("overlays/example/aggregator.yaml", true)
	f("base/service.yaml", false)
}

// TestStopDeadline holds the copy of the program's constant to the original.
func TestStopDeadline(t *testing.T) {
	text, err := os.ReadFile("../../cmd/aggregator/run.go")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("const stopDeadline = %d * time.Second\n", int(stopDeadline.Seconds()))
	if !strings.Contains(string(text), want) {
		t.Errorf("cmd/aggregator/run.go does not hold %s", want)
	}
}

// TestDockerfile checks what the manifests rely on. Building it needs an engine,
// which a test does not have.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	command := `CMD ["` + strings.Join(runCommand, `", "`) + `"]`
	for _, want := range []string{
		"FROM scratch",
		`RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION -X main.revision=$REVISION" -o /aggregator ./cmd/aggregator`,
		fmt.Sprintf("USER %d:%d", uid, uid),
		`ENTRYPOINT ["/aggregator"]`,
		command,
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %s", want)
		}
	}
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(module), "\ngo ")
	major, _, _ := strings.Cut(version, ".0\n")
	if !slices.Contains(lines, "FROM golang:"+major+" AS build") {
		t.Errorf("go.mod asks for Go %s, the Dockerfile builds with another", major)
	}
}
