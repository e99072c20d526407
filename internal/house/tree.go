package house

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// source is one Go file of the tree.
type source struct {
	path string // from the module's root, with slashes
	fset *token.FileSet
	tree *ast.File
}

// dir is the package's path within the module: "internal/event", or "." for
// the root.
func (s *source) dir() string { return path.Dir(s.path) }

func (s *source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// at is the place of a complaint: path:line.
func (s *source) at(pos token.Pos) string {
	return fmt.Sprintf("%s:%d", s.path, s.fset.Position(pos).Line)
}

func (s *source) lines(from, to token.Pos) int {
	return s.fset.Position(to).Line - s.fset.Position(from).Line + 1
}

// Check walks the module in tree and returns a complaint, as "path:line: what
// is wrong", for each broken rule, sorted. An error is a tree that cannot be
// read or parsed.
func Check(tree fs.FS) ([]string, error) {
	module, err := modulePath(tree)
	if err != nil {
		return nil, err
	}
	var found []string
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipped(entry.Name())
		}
		more, err := checkFile(tree, name, module)
		found = append(found, more...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("check the house: %w", err)
	}
	found = append(found, checkDocs(tree)...)
	slices.Sort(found)
	return found, nil
}

func modulePath(tree fs.FS) (string, error) {
	text, err := fs.ReadFile(tree, "go.mod")
	if err != nil {
		return "", fmt.Errorf("check the house: %w", err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	module, ok := strings.CutPrefix(string(line), "module ")
	if !ok {
		return "", errors.New("check the house: go.mod does not begin with its module")
	}
	return strings.TrimSpace(module), nil
}

// skipped leaves out what is not ours to judge: version control, editors'
// folders, and test data, which may be any bytes.
func skipped(dir string) error {
	hidden := strings.HasPrefix(dir, ".") && dir != "." && dir != ".ci"
	if hidden || dir == "testdata" || dir == "node_modules" {
		return fs.SkipDir
	}
	return nil
}

func checkFile(tree fs.FS, name, module string) ([]string, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, err
	}
	if path.Ext(name) == ".md" || name == "go.sum" || !utf8.Valid(text) {
		return nil, nil
	}
	found := checkLeftovers(name, text)
	if path.Ext(name) != ".go" {
		return found, nil
	}
	s := &source{path: name, fset: token.NewFileSet()}
	s.tree, err = parser.ParseFile(s.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	found = append(found, checkImports(s, module)...)
	found = append(found, checkLengths(s)...)
	return append(found, checkTestHabits(s)...), nil
}
