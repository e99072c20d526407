package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

const (
	// longestFile and longestFunc are in lines; tests are free.
	longestFile = 400
	longestFunc = 60
)

// leftover finds the marks of unfinished work. It is put together so that it
// does not find itself.
var leftover = regexp.MustCompile(`\b(` + "TO" + `DO|` + "FIX" + `ME|X` + `XX)\b`)

func checkLeftovers(name string, text []byte) []string {
	var found []string
	for _, at := range leftover.FindAllIndex(text, -1) {
		line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
		found = append(found, fmt.Sprintf("%s:%d: %s: finish it or file an issue", name, line, text[at[0]:at[1]]))
	}
	return found
}

func checkLengths(s *source) []string {
	if s.test() || ast.IsGenerated(s.tree) {
		return nil
	}
	var found []string
	if n := s.fset.File(s.tree.FileStart).LineCount(); n > longestFile {
		found = append(found, fmt.Sprintf("%s:1: %d lines, at most %d", s.path, n, longestFile))
	}
	for _, decl := range s.tree.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := s.lines(f.Pos(), f.End()); n > longestFunc {
			found = append(found, fmt.Sprintf("%s: %s has %d lines, at most %d", s.at(f.Pos()), f.Name.Name, n, longestFunc))
		}
	}
	return found
}

// checkTestHabits finds tests that wait by sleeping and tests that skip by
// themselves. The servers package alone decides about skipping, so that
// REQUIRE_SERVERS=1 holds everywhere.
func checkTestHabits(s *source) []string {
	if !s.test() {
		return nil
	}
	var found []string
	ast.Inspect(s.tree, func(n ast.Node) bool {
		call, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		on, ok := call.X.(*ast.Ident)
		if !ok {
			return true
		}
		if fault := badHabit(s, on.Name, call.Sel.Name); fault != "" {
			found = append(found, s.at(n.Pos())+": "+fault)
		}
		return true
	})
	return found
}

func badHabit(s *source, on, name string) string {
	switch {
	case on == "time" && name == "Sleep":
		return "a test waits for what it wants, not for time"
	case strings.HasPrefix(name, "Skip") && isTesting(on) && s.dir() != "internal/servers":
		return "a test skips by servers.Require only"
	}
	return ""
}

// isTesting reports whether a variable of that name is a test, by the names
// that everybody gives them.
func isTesting(name string) bool {
	return name == "t" || name == "tb" || name == "b" || name == "f"
}

// checkDocs finds packages without a doc.go.
func checkDocs(tree fs.FS) []string {
	var found []string
	for dir := range arrows {
		if !strings.HasPrefix(dir, "internal/") {
			continue
		}
		if files, _ := fs.Glob(tree, dir+"/*.go"); len(files) == 0 { // the pattern is well formed
			continue
		}
		if _, err := fs.Stat(tree, path.Join(dir, "doc.go")); err != nil {
			found = append(found, dir+"/doc.go:1: missing: it says what the package is for")
		}
	}
	return found
}
