package internal

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// limitRow is a row of DESIGN's table of limits: constant and value.
var limitRow = regexp.MustCompile("^\\| `([a-z]+\\.\\w+)` \\| ([0-9,]+)(?: (KiB|MiB|GiB))? \\|")

// documentedLimits are the limits that a page names, by package and constant.
func documentedLimits(page string) (map[string]int64, error) {
	limits := map[string]int64{}
	_, rest, _ := strings.Cut(page, "\n### Limits\n")
	section, _, _ := strings.Cut(rest, "\n## ")
	for line := range strings.Lines(section) {
		m := limitRow.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		n, err := strconv.ParseInt(strings.ReplaceAll(m[2], ",", ""), 10, 64)
		if err != nil {
			return nil, err
		}
		if _, twice := limits[m[1]]; twice {
			return nil, fmt.Errorf("%s has two rows", m[1])
		}
		limits[m[1]] = n << map[string]int{"KiB": 10, "MiB": 20, "GiB": 30}[m[3]]
	}
	return limits, nil
}

// constantsOf are the integer constants of a file, which may rest on each other.
func constantsOf(name string, text []byte) (pkg string, consts map[string]int64, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		return "", nil, err
	}
	consts = map[string]int64{}
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			return "", nil, fmt.Errorf("%s has more than constants", name)
		}
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			if len(value.Names) != 1 || len(value.Values) != 1 {
				return "", nil, fmt.Errorf("%s: %s: give each constant its value", name, value.Names[0])
			}
			n, exact := constant.Int64Val(constant.ToInt(valueOf(value.Values[0], consts)))
			if !exact {
				return "", nil, fmt.Errorf("%s: %s: not a number that can be read here", name, value.Names[0])
			}
			consts[value.Names[0].Name] = n
		}
	}
	return file.Name.Name, consts, nil
}

// valueOf is the value of an expression of integers and of constants that stand before it.
func valueOf(e ast.Expr, before map[string]int64) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0)
	case *ast.Ident:
		if n, ok := before[e.Name]; ok {
			return constant.MakeInt64(n)
		}
	case *ast.BinaryExpr:
		x, y := valueOf(e.X, before), valueOf(e.Y, before)
		if x.Kind() != constant.Int || y.Kind() != constant.Int {
			break
		}
		if bits, ok := constant.Uint64Val(y); ok && e.Op == token.SHL {
			return constant.Shift(x, e.Op, uint(bits))
		}
		if e.Op == token.MUL || e.Op == token.ADD || e.Op == token.SUB {
			return constant.BinaryOp(x, e.Op, y)
		}
	}
	return constant.MakeUnknown()
}

// TestDesignLimits: DESIGN.md has each constant of a limits.go, with its value, and no other.
func TestDesignLimits(t *testing.T) {
	documented, err := documentedLimits(design(t))
	if err != nil {
		t.Fatal("DESIGN.md, Limits: ", err)
	}
	isLimits := func(name string) bool { return path.Base(name) == "limits.go" }
	for _, name := range filesOf(t, isLimits, "cmd", "internal") {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		pkg, consts, err := constantsOf(name, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range slices.Sorted(maps.Keys(consts)) {
			limit := pkg + "." + c
			switch n, ok := documented[limit]; {
			case !ok:
				t.Errorf("DESIGN.md, Limits: no row of %s, which is %d", limit, consts[c])
			case n != consts[c]:
				t.Errorf("DESIGN.md, Limits: %s is %d there, and %d in %s", limit, n, consts[c], name)
			}
			delete(documented, limit)
		}
	}
	for _, limit := range slices.Sorted(maps.Keys(documented)) {
		t.Errorf("DESIGN.md, Limits: %s is in no limits.go: take its row out, or move it there", limit)
	}
}

// TestLimitRows: how the table and the constants are read.
func TestLimitRows(t *testing.T) {
	got, err := documentedLimits("\n### Limits\n| constant | value |\n| `a.B` | 1,024 | x |\n| `a.c` | 3 MiB | x |\n## More\n| `a.d` | 1 | x |\n")
	if want := map[string]int64{"a.B": 1024, "a.c": 3 << 20}; err != nil || !maps.Equal(got, want) {
		t.Errorf("rows %v, %v, want %v", got, err, want)
	}
	if _, err := documentedLimits("\n### Limits\n| `a.B` | 1 | x |\n| `a.B` | 1 | x |\n"); err == nil {
		t.Error("two rows of one constant are taken")
	}
	f := func(text string, want map[string]int64) {
		t.Helper()
		_, got, err := constantsOf("limits.go", []byte("package p\n"+text))
		if (err == nil) != (want != nil) || !maps.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
	}
	f("const (\n\tA = 2_048\n\tB = 1 << 20\n\tC = 4*A + 1\n)", map[string]int64{"A": 2048, "B": 1 << 20, "C": 8193})
	f("const A = unknown", nil)
	f("const A = \"x\"", nil)
	f("var a = 1", nil)
}
