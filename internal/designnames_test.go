package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// names are what the Go files of the tree declare.
type names struct {
	files    map[string]map[string]bool // by path: what a file declares, members too
	packages map[string]map[string]bool // by name
	members  map[string]map[string]bool // of a type: fields, methods, and the types that it embeds
	words    map[string]bool            // what occurs outside comments
}

// set is the set of a key, which is made.
func set(m map[string]map[string]bool, key string) map[string]bool {
	if m[key] == nil {
		m[key] = map[string]bool{}
	}
	return m[key]
}

func namesOf(t *testing.T) *names {
	t.Helper()
	n := &names{files: map[string]map[string]bool{}, packages: map[string]map[string]bool{}, members: map[string]map[string]bool{}, words: map[string]bool{}}
	for _, name := range filesOf(t, func(name string) bool { return path.Ext(name) == ".go" }, "cmd", "internal", "bench", "deploy", "tools") {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range anyWord.FindAllString(comment.ReplaceAllString(string(text), ""), -1) {
			n.words[word] = true
		}
		inFile, inPackage := set(n.files, name), set(n.packages, strings.TrimSuffix(file.Name.Name, "_test"))
		of := func(owner, member string) {
			inFile[member] = true
			if owner == "" {
				inPackage[member] = true
			} else {
				set(n.members, owner)[member] = true
			}
		}
		for _, d := range file.Decls {
			declared(d, of)
		}
	}
	return n
}

var anyWord = regexp.MustCompile(`\w+`)

// declared calls f with what a declaration declares: its owner is a type, or empty.
func declared(d ast.Decl, f func(owner, member string)) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		owner := ""
		if d.Recv != nil {
			owner = typeName(d.Recv.List[0].Type)
		}
		f(owner, d.Name.Name)
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				for _, name := range s.Names {
					f("", name.Name)
				}
			case *ast.TypeSpec:
				f("", s.Name.Name)
				membersOf(s, f)
			}
		}
	}
}

// membersOf calls f with the fields of a struct, or the methods of an interface.
func membersOf(s *ast.TypeSpec, f func(owner, member string)) {
	var list *ast.FieldList
	switch u := s.Type.(type) {
	case *ast.StructType:
		list = u.Fields
	case *ast.InterfaceType:
		list = u.Methods
	default:
		return
	}
	for _, field := range list.List {
		for _, name := range field.Names {
			f(s.Name.Name, name.Name)
		}
		if len(field.Names) == 0 {
			f(s.Name.Name, typeName(field.Type))
		}
	}
}

// typeName is the name of a type without its package, star and parameters.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.IndexListExpr:
		return typeName(e.X)
	}
	return ""
}

// has reports whether owner, a package or a type, has a member. What is of neither may be of another module: there the words count.
func (n *names) has(owner, member string) bool {
	inPackage, isPackage := n.packages[owner]
	ofType, isType := n.members[owner]
	if !isPackage && !isType {
		return n.words[owner] && n.words[member]
	}
	if inPackage[member] || ofType[member] {
		return true
	}
	for embedded := range ofType {
		if embedded != owner && n.members[embedded][member] {
			return true
		}
	}
	return false
}

var (
	fileName = regexp.MustCompile(`^[a-z0-9_/]+\.go$`)
	codeName = regexp.MustCompile(`^(?:([A-Za-z][A-Za-z0-9]*)\.)?([A-Za-z][A-Za-z0-9]*)$`)
	allCaps  = regexp.MustCompile(`^[A-Z]+$`) // of the environment
	comment  = regexp.MustCompile(`//.*`)
	inFile   = regexp.MustCompile("((?:`[A-Za-z.]+` and )?`[A-Za-z.]+`) in `([a-z0-9_/]+\\.go)`")
)

// named is what each file declares whose path ends as the page names it.
func (n *names) named(file string) (declared []map[string]bool) {
	for path, names := range n.files {
		if strings.HasSuffix("/"+path, "/"+file) {
			declared = append(declared, names)
		}
	}
	return declared
}

// TestDesignNames: what the page gives in backticks is in the tree, and where it says.
func TestDesignNames(t *testing.T) {
	all := namesOf(t)
	t.Run("Names", all.checkNames)
	t.Run("Places", all.checkPlaces)
}

// checkNames: files and names of code are there. A member is one of its type or package.
func (n *names) checkNames(t *testing.T) {
	for _, m := range inBackticks.FindAllStringSubmatch(design(t), -1) {
		name := m[1]
		if fileName.MatchString(name) {
			if len(n.named(name)) == 0 {
				t.Errorf("DESIGN.md names %s, which is no file", name)
			}
			continue
		}
		parts := codeName.FindStringSubmatch(name)
		switch {
		case parts == nil, allCaps.MatchString(name):
		case parts[1] == "" && !n.words[parts[2]]:
			t.Errorf("DESIGN.md names %s, which the code does not", name)
		case parts[1] != "" && !n.has(parts[1], parts[2]):
			t.Errorf("DESIGN.md names %s: %s has no %s", name, parts[1], parts[2])
		}
	}
}

// checkPlaces: what is in a file is declared there.
func (n *names) checkPlaces(t *testing.T) {
	found := inFile.FindAllStringSubmatch(design(t), -1)
	if len(found) < 20 {
		t.Errorf("the page says of %d names in which file they are: has its form changed?", len(found))
	}
	for _, m := range found {
		for _, name := range inBackticks.FindAllStringSubmatch(m[1], -1) {
			unqualified := name[1][strings.LastIndexByte(name[1], '.')+1:]
			if !slices.ContainsFunc(n.named(m[2]), func(declared map[string]bool) bool { return declared[unqualified] }) {
				t.Errorf("DESIGN.md says that %s is in %s: it is not declared there", name[1], m[2])
			}
		}
	}
}
