package dashboards

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the dashboards anew")

// TestCommitted: the files are what the code builds, and there are no others.
func TestCommitted(t *testing.T) {
	for file, d := range All() {
		want, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if *rewrite {
			if err := os.WriteFile(file, want, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the code builds: make dashboards (%v)", file, err)
		}
	}
	files, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.Sorted(maps.Keys(All())); !slices.Equal(files, want) {
		t.Errorf("the files are %v, want %v", files, want)
	}
}
