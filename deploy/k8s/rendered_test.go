package k8s

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// variant is what somebody may apply: a directory, with components taken in.
type variant struct {
	dir        string
	components []string
}

// variants are all that the tests try.
var variants = []variant{
	{"base", nil},
	{"overlays/demo", nil},
	{"overlays/production", nil},
	{"overlays/production", []string{"tls-sasl"}},
	{"overlays/production", []string{"packs"}},
	{"overlays/production", []string{"monitoring"}},
	{"overlays/production", []string{"keda"}},
	{"overlays/production", []string{"tls-sasl", "keda", "keda-tls-sasl"}},
	{"overlays/production", []string{"notify"}},
	{"overlays/production", []string{"notify", "monitoring"}},
	{"overlays/production", []string{"tls-sasl", "packs", "notify", "notify-tls-sasl", "monitoring", "keda", "keda-tls-sasl"}},
}

func (v variant) String() string {
	return strings.Join(append([]string{v.dir}, v.components...), " + ")
}

// with reports whether a component is taken in.
func (v variant) with(component string) bool { return slices.Contains(v.components, component) }

// prepare copies the manifests, takes the components in as the comments in the overlay say, and returns the
// directory to apply.
func (v variant) prepare(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, v.dir)
	if len(v.components) > 0 {
		edit(t, filepath.Join(dir, "kustomization.yaml"), "# components:\n", "components:\n")
	}
	for _, c := range v.components {
		edit(t, filepath.Join(dir, "kustomization.yaml"), "#   - ../../components/"+c, "  - ../../components/"+c)
		if c == "notify" {
			edit(t, filepath.Join(dir, "aggregator.yaml"), "# notify:\n#   - ", "notify:\n  - ")
		}
	}
	if v.with("keda") {
		edit(t, filepath.Join(dir, "kustomization.yaml"), "replicas:\n  - name: aggregator\n    count: 3\n", "")
	}
	return dir
}

// edit replaces a text of a file, which must be there.
func edit(t *testing.T, file, from, to string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte(from)) {
		t.Fatalf("%s does not hold %q", file, from)
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte(from), []byte(to), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

// manifests are what kubectl apply -k would send.
type manifests []manifest

type manifest struct {
	object
	text []byte
}

// render returns the manifests of a directory.
func render(t *testing.T, dir string) (all manifests) {
	t.Helper()
	servers.Require(t, "kustomize")
	var errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "kustomize", "build", dir)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kustomize build %s: %v: %s", dir, err, errs.Bytes())
	}
	for _, text := range bytes.Split(out, []byte("\n---\n")) {
		m := manifest{text: text}
		if err := yaml.Unmarshal(text, &m.object); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// find returns the text of the one manifest of a kind; of those that there may be several of, what counts has its own.
func (all manifests) find(t *testing.T, kind string) []byte {
	t.Helper()
	return all.named(t, kind, "aggregator")
}

// named is find, for what has a name, if there may be several of a kind.
func (all manifests) named(t *testing.T, kind, name string) []byte {
	t.Helper()
	var found []byte
	for _, m := range all {
		several := slices.Contains([]string{"Deployment", "NetworkPolicy", "PodDisruptionBudget"}, kind)
		if m.Kind != kind || several && m.Metadata.Name != name || m.Metadata.Name == packsMap {
			continue
		}
		if found != nil {
			t.Fatalf("two of kind %s", kind)
		}
		found = m.text
	}
	if found == nil {
		t.Fatalf("none of kind %s", kind)
	}
	return found
}

// found parses the one manifest of a kind strictly.
func found[T any](t *testing.T, all manifests, kind string) T {
	t.Helper()
	v, err := parse[T](all.find(t, kind))
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return v
}

// foundLoosely parses the one manifest of a kind, of which a test looks at a few fields. An API server looks at all.
func foundLoosely[T any](t *testing.T, all manifests, kind string) (v T) {
	t.Helper()
	if err := yaml.Unmarshal(all.find(t, kind), &v); err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return v
}

// configOf is the config that the pods are given.
func (all manifests) configOf(t *testing.T) (text string, c config) {
	t.Helper()
	text = found[configMap](t, all, "ConfigMap").Data[filepath.Base(configFile)]
	c, err := parse[config]([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return text, c
}

// TestRendered checks what kubectl apply -k would send.
func TestRendered(t *testing.T) {
	for _, v := range variants {
		all := render(t, v.prepare(t))
		d, c := found[deployment](t, all, "Deployment"), found[configMap](t, all, "ConfigMap")
		for _, fault := range faults(d, runCommand) {
			t.Errorf("%v: %s", v, fault)
		}
		// Its name changes with it, so that a changed config rolls the pods.
		if name := d.Spec.Template.Spec.configMap(); c.Metadata.Name == "aggregator" || name != c.Metadata.Name {
			t.Errorf("%v: the pod mounts %s, the config is %s", v, name, c.Metadata.Name)
		}
	}
}

// TestOverlays checks what the overlays set: namespace, image and number of pods.
func TestOverlays(t *testing.T) {
	f := func(v variant, namespace, image string, replicas int) {
		t.Helper()
		d := found[deployment](t, render(t, v.prepare(t)), "Deployment")
		if d.Metadata.Namespace != namespace || d.Spec.Template.Spec.Containers[0].Image != image || d.Spec.Replicas != replicas {
			t.Errorf("%v: %s %s %d", v, d.Metadata.Namespace, d.Spec.Template.Spec.Containers[0].Image, d.Spec.Replicas)
		}
		for _, c := range d.Spec.Template.Spec.InitContainers {
			if c.Image != image {
				t.Errorf("%v: %s has image %s, want %s", v, c.Name, c.Image, image)
			}
		}
	}
	f(variant{dir: "base"}, "", "aggregator:dev", 2)
	f(variant{dir: "overlays/demo"}, "aggregator-demo", "aggregator:dev", 1)
	f(variant{dir: "overlays/production"}, "aggregator", "registry.example.com/aggregator:1.0", 3)
	// KEDA sets the number: an apply must not set it back.
	f(variant{"overlays/production", []string{"keda"}}, "aggregator", "registry.example.com/aggregator:1.0", 0)
}
