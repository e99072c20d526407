package internal

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the tree that these tests look at.
var root = os.DirFS("..")

func design(t *testing.T) string {
	t.Helper()
	text, err := fs.ReadFile(root, "DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// filesOf are the paths below some directories for which keep is true, without test data.
func filesOf(t *testing.T, keep func(name string) bool, dirs ...string) (list []string) {
	t.Helper()
	for _, dir := range dirs {
		err := fs.WalkDir(root, dir, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir():
				return skipped(entry.Name())
			case keep(name):
				list = append(list, name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }

// isProduct reports whether a file has a row in DESIGN.md: Go of the product and of the packages that tests use.
func isProduct(name string) bool {
	return path.Ext(name) == ".go" && !isTest(name) && path.Base(name) != "doc.go"
}

var (
	packageHeading = regexp.MustCompile("(?m)^### `([^`]+)`")
	inBackticks    = regexp.MustCompile("`([^`\n]+)`")
)

// rowsOf are the files that the tables of a section name in their first column, each with the package whose heading stands above it.
func rowsOf(section string) map[string]int {
	rows, dir := map[string]int{}, ""
	for line := range strings.Lines(section) {
		if m := packageHeading.FindStringSubmatch(line); m != nil {
			dir = m[1]
		}
		cell, _, isRow := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		if !isRow || dir == "" {
			continue
		}
		for _, m := range inBackticks.FindAllStringSubmatch(cell, -1) {
			rows[dir+"/"+m[1]]++
		}
	}
	return rows
}

// TestDesignFiles: each file has one row in "Files", each row a file, and each package a row in the table of packages.
func TestDesignFiles(t *testing.T) {
	_, rest, _ := strings.Cut(design(t), "\n## Files\n")
	section, _, _ := strings.Cut(rest, "\n## ")
	rows := rowsOf(section)
	for _, name := range filesOf(t, isProduct, "cmd", "internal") {
		switch n := rows[name]; n {
		case 1:
		case 0:
			t.Errorf("DESIGN.md, Files: add below \"### `%s`\":\n| `%s` | what it is for |", path.Dir(name), path.Base(name))
		default:
			t.Errorf("DESIGN.md, Files: %s has %d rows: keep one", name, n)
		}
		delete(rows, name)
	}
	packages, _, _ := strings.Cut(section, "\n### ")
	for _, m := range packageHeading.FindAllStringSubmatch(section, -1) {
		if !strings.Contains(packages, "\n| `"+m[1]+"` |") {
			t.Errorf("DESIGN.md, Files: the table of packages has no row of `%s`", m[1])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		t.Errorf("DESIGN.md, Files: %s is not there: take its row out, or rename it", name)
	}
}

// testText is the text of all tests of the tree.
func testText(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, name := range filesOf(t, isTest, "cmd", "internal", "bench", "deploy", "tools") {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

var (
	testName   = regexp.MustCompile(`\b(Test|Fuzz|Benchmark)[A-Z0-9]\w*`)
	mutantName = regexp.MustCompile(`\bmutants/([a-z0-9-]+)`)
)

// TestDesignGuards: the tests and mutants that the page names as guards are there.
func TestDesignGuards(t *testing.T) {
	page, tests := design(t), testText(t)
	for _, name := range testName.FindAllString(page, -1) {
		if !strings.Contains(tests, "func "+name+"(") {
			t.Errorf("DESIGN.md names %s, which is no test: name the one that guards the rule now", name)
		}
	}
	var mutants []string
	isMutant := func(name string) bool { return path.Base(path.Dir(name)) == "mutants" }
	err := fs.WalkDir(root, "internal", func(name string, _ fs.DirEntry, err error) error {
		if isMutant(name) {
			mutants = append(mutants, strings.TrimSuffix(path.Base(name), ".txt"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutantName.FindAllStringSubmatch(page, -1) {
		if !slices.Contains(mutants, m[1]) {
			t.Errorf("DESIGN.md names mutants/%s, which is no file of testdata/mutants", m[1])
		}
	}
}

// longestLine is the most characters that a line of the page has.
const longestLine = 160

// TestDesignLines: diffs of the page can be read.
func TestDesignLines(t *testing.T) {
	n := 0
	for line := range strings.Lines(design(t)) {
		if n++; len([]rune(strings.TrimSuffix(line, "\n"))) > longestLine {
			t.Errorf("DESIGN.md:%d: more than %d characters: begin each sentence on a line of its own", n, longestLine)
		}
	}
}
