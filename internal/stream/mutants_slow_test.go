//go:build slow

package stream

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// mutantMost is the number of histories within which a bug must be found.
const mutantMost = 400_000

// TestMutants puts each bug into the code and runs the simulation until it finds
// it. `make mutants` prints the number of histories that each took.
func TestMutants(t *testing.T) {
	for _, m := range readMutants(t) {
		t.Run(m.name, func(t *testing.T) {
			n, what := m.hunt(t, m.build(t))
			t.Logf("found in history %d: %s %s", n, m.title, what)
		})
	}
}

// TestSlowMutantsCompile: the code has moved on, too, if a mutant does not compile any more.
func TestSlowMutantsCompile(t *testing.T) {
	for _, m := range readMutants(t) {
		packages := map[string]bool{}
		for _, e := range m.edits {
			packages["./"+filepath.ToSlash(filepath.Dir(e.file))] = true
		}
		args := append([]string{"build", "-overlay", m.overlay(t)}, slices.Sorted(maps.Keys(packages))...)
		c := exec.CommandContext(t.Context(), "go", args...)
		c.Dir = moduleRoot
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", m.name, err, out)
		}
	}
}

// build makes a test binary of the code with the bug in it.
func (m *mutant) build(t *testing.T) string {
	binary := filepath.Join(t.TempDir(), "mutant")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", m.overlay(t), "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// overlay writes the files that have the bug, and the list by which go takes them for those of the module.
func (m *mutant) overlay(t *testing.T) string {
	texts, err := m.texts()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	for file, text := range texts {
		from, err := filepath.Abs(filepath.Join(moduleRoot, file))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[from] = to
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

var foundIn = regexp.MustCompile(`history (\d+), SEED=\d+: ?[^\n]{0,80}`)

// hunt runs the simulation until a history fails, and says which one did, and why.
func (m *mutant) hunt(t *testing.T, binary string) (int, string) {
	c := exec.CommandContext(t.Context(), binary, "-test.run", "^TestSimulation$", "-test.timeout", "40m")
	c.Env = append(os.Environ(), fmt.Sprintf("SIMULATE=%d", mutantMost), "SEED=")
	out, err := c.CombinedOutput()
	if err == nil {
		t.Fatalf("not found in %d histories", mutantMost)
	}
	least, what := mutantMost, ""
	for _, found := range foundIn.FindAllSubmatch(out, -1) {
		if n, err := strconv.Atoi(string(found[1])); err == nil && n < least {
			least, what = n, string(found[0])
		}
	}
	if what == "" {
		t.Fatalf("the simulation failed without a history: %v\n%s", err, out)
	}
	return least + 1, what
}
