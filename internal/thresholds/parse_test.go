package thresholds

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// TestBadPacks reads packs that each have something wrong; all that is
// reported stands beside them, in a file .want (rewritten with -rewrite).
// Files named warning_* must give a pack nevertheless.
func TestBadPacks(t *testing.T) {
	for path, data := range testPacks(t, "testdata/bad") {
		name := filepath.Base(path)
		p, found := Parse(name, data, Options{})
		if warned := strings.HasPrefix(name, "warning_"); (p != nil) != warned {
			t.Errorf("%s: a pack was read: %v, want %v", path, p != nil, warned)
		}
		if len(found) == 0 {
			t.Errorf("%s: no fault was found", path)
		}
		checkFaults(t, name, found)
		checkWant(t, path, faultLines(found))
	}
}

func faultLines(found []strictyaml.Fault) string {
	var b strings.Builder
	for _, f := range found {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

// checkFaults checks what holds for the faults of any file.
func checkFaults(t *testing.T, file string, found []strictyaml.Fault) {
	t.Helper()
	sorted := slices.Clone(found)
	strictyaml.Sort(sorted)
	if !slices.Equal(found, sorted) {
		t.Errorf("%s: the faults are not sorted", file)
	}
	for _, f := range found {
		if f.File != file || f.Line < 1 || f.Column < 1 || f.Message == "" || strings.ContainsAny(f.String(), "\n\x00\x1b") {
			t.Errorf("%s: bad fault %#v", file, f)
		}
	}
}

// testPacks are the packs in a directory, by path.
func testPacks(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(dir + "/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no packs in %s: %v", dir, err)
	}
	all := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[path] = data
	}
	return all
}

// checkWant compares got with the file beside path whose name ends in .want.
func checkWant(t *testing.T, path, got string) {
	t.Helper()
	golden := strings.TrimSuffix(path, filepath.Ext(path)) + ".want"
	if flag.Lookup("rewrite").Value.String() == "true" { // datadriven's
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s gives\n%swant\n%s", path, got, want)
	}
}
