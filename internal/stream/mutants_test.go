package stream

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is a bug that the simulation must find: a title, and texts of the
// module that are replaced by others. testdata/mutants has one a file.
type mutant struct {
	name, title string
	edits       []edit
}

// edit replaces a text that a file has once.
type edit struct{ file, before, after string }

// The module's root, as the tests see it.
const moduleRoot = "../.."

func readMutants(t *testing.T) []mutant {
	t.Helper()
	files, err := filepath.Glob("testdata/mutants/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no mutants: %v", err)
	}
	var all []mutant
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m := mutant{name: strings.TrimSuffix(filepath.Base(f), ".txt")}
		parts := strings.Split(string(text), "\n--- ")
		m.title = strings.TrimSpace(parts[0])
		for _, part := range parts[1:] {
			file, rest, _ := strings.Cut(part, "\n<<<\n")
			before, rest, _ := strings.Cut(rest, ">>>\n")
			after, _, ok := strings.Cut(rest, "===")
			if !ok {
				t.Fatalf("%s: an edit is --- file, <<<, the text before, >>>, the text after, ===", f)
			}
			m.edits = append(m.edits, edit{file, before, after})
		}
		all = append(all, m)
	}
	return all
}

// texts are the files of the module as the mutant has them.
func (m *mutant) texts() (map[string]string, error) {
	texts := map[string]string{}
	for _, e := range m.edits {
		text, ok := texts[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(moduleRoot, e.file))
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		if n := strings.Count(text, e.before); n != 1 || e.before == e.after {
			return nil, fmt.Errorf("mutant %s: %s has %d times the text to be replaced, not once:\n%s", m.name, e.file, n, e.before)
		}
		texts[e.file] = strings.Replace(text, e.before, e.after, 1)
	}
	return texts, nil
}

// TestMutantsApply: the code has moved on since a mutant was written if this fails.
// What they find out is TestMutants' business, which `make mutants` runs.
func TestMutantsApply(t *testing.T) {
	for _, m := range readMutants(t) {
		if _, err := m.texts(); err != nil || m.title == "" {
			t.Errorf("%s: %q, %v", m.name, m.title, err)
		}
	}
}
