package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Build is a program of this module, built when a test first asks for it and then
// used by all tests of the package. Remove it in TestMain.
type Build struct {
	Package string // directory of its package main, as "../../cmd/x"
	Tags    string // build tags, separated by commas
	Race    bool   // with the race detector

	once      sync.Once
	dir, path string
	err       error
}

// Path returns the file of the program.
func (b *Build) Path(tb testing.TB) string {
	tb.Helper()
	b.once.Do(func() { b.err = b.build() })
	if b.err != nil {
		tb.Fatal(b.err)
	}
	return b.path
}

func (b *Build) build() (err error) {
	if b.dir, err = os.MkdirTemp("", "program-"); err != nil {
		return fmt.Errorf("build %s: %w", b.Package, err)
	}
	b.path = filepath.Join(b.dir, filepath.Base(b.Package))
	args := []string{"build", "-tags", b.Tags, "-o", b.path}
	if b.Race {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, b.Package)...).CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", b.Package, err, out)
	}
	return b.noteSources()
}

// noteSources looks at every file of this module that is in the program. So go test
// knows that the result of a test rests on them, and does not take one from its cache
// that was another program's.
func (b *Build) noteSources() error {
	const ours = `{{if and .Module .Module.Main}}{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{end}}`
	out, err := exec.Command("go", "list", "-deps", "-tags", b.Tags, "-f", ours, b.Package).Output()
	if err != nil {
		return fmt.Errorf("list the sources of %s: %w", b.Package, err)
	}
	for _, file := range strings.Fields(string(out)) {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("list the sources of %s: %w", b.Package, err)
		}
	}
	return nil
}

// Remove deletes the program. It may be called if it was never built.
func (b *Build) Remove() {
	if b.dir != "" {
		_ = os.RemoveAll(b.dir) // in the system's temporary directory, which is emptied anyhow
	}
}
