package k8s

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
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
	Notify []any `yaml:"notify"`
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
	f("overlays/production/aggregator.yaml")
}

const (
	// secretName is the Secret that a component mounts, and secretDir where.
	secretName = "aggregator"
	secretDir  = "/etc/aggregator-secret"
)

// secretKeys are the keys of the Secret that the pods use, as files or variables.
func secretKeys(d deployment) (keys []string) {
	for _, env := range d.Spec.Template.Spec.Containers[0].Env {
		if ref := env.ValueFrom.SecretKeyRef; ref.Name == secretName {
			keys = append(keys, ref.Key)
		}
		if file, inside := strings.CutPrefix(env.Value, secretDir+"/"); inside {
			keys = append(keys, file)
		}
	}
	return keys
}

// TestConfigIsAccepted lets the program itself check what each pod is given, keys, packs, variables and all. It takes a
// variable that it does not know for a mistake.
func TestConfigIsAccepted(t *testing.T) {
	program := filepath.Join(t.TempDir(), "aggregator")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/aggregator")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	check := func(file string, env []string) (string, error) {
		cmd := exec.CommandContext(t.Context(), program, "check", "-config", file)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, v := range variants {
		all := render(t, v.prepare(t))
		text, _ := all.configOf(t)
		env := environment(t, found[deployment](t, all, "Deployment"))
		if out, err := check(servers.WriteFile(t, "aggregator.yaml", text), env); err != nil || strings.Contains(out, "no such key") {
			t.Errorf("%v: %v: %s", v, err, out)
		}
	}
	if out, err := check("base/service.yaml", nil); err == nil {
		t.Errorf("a Service is taken for a config: %s", out)
	}
}

// environment is what the container is started with, with a Secret in a directory of the test's own.
func environment(t *testing.T, d deployment) (env []string) {
	t.Helper()
	secret, authority := t.TempDir(), servers.NewAuthority(t)
	for _, key := range secretKeys(d) {
		text := []byte("word of " + key)
		if strings.HasSuffix(key, ".pem") {
			var err error
			if text, err = os.ReadFile(authority.File); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(secret, key), text, 0o400); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range d.Spec.Template.Spec.Containers[0].Env {
		value := strings.Replace(e.Value, secretDir, secret, 1)
		if value == packsDir {
			value = "components/packs/own.yaml"
		}
		if key := e.ValueFrom.SecretKeyRef.Key; key != "" {
			value = "name of " + key
		}
		env = append(env, e.Name+"="+value)
	}
	return env
}

// TestReadmeSecret: the Secret that README.md has users make is the one that the pods use.
func TestReadmeSecret(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, command, _ := strings.Cut(string(text), "create secret generic "+secretName+" ")
	command, _, _ = strings.Cut(command, "```")
	var got []string
	for word := range strings.FieldsSeq(command) {
		_, key, isKey := strings.Cut(word, "=")
		if key, _, _ = strings.Cut(key, "="); isKey {
			got = append(got, key)
		}
	}
	v := variant{"overlays/production", []string{"tls-sasl"}}
	want := secretKeys(found[deployment](t, render(t, v.prepare(t)), "Deployment"))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("README.md makes %q, the pods use %q", got, want)
	}
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
