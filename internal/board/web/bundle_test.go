package web

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

// TestModules: modules may stand in one scope. Each name at the top of one is there once, what one imports is exported there, and
// there is no module that nothing imports.
func TestModules(t *testing.T) {
	entries, err := files.ReadDir("static")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^(export )?(?:async )?(?:const|let|var|class|function\*?) (\w+)`)
	imported := regexp.MustCompile(`(?m)^import (.*)$`)
	of, exported, used := map[string]string{}, map[string]bool{}, map[string]bool{"app.js": true}
	var modules []string
	texts := map[string]string{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".js") || "static/"+e.Name() == chartsFile {
			continue
		}
		b, err := files.ReadFile("static/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		modules = append(modules, e.Name())
		texts[e.Name()] = string(b)
		for _, m := range declared.FindAllStringSubmatch(string(b), -1) {
			if other := of[m[2]]; other != "" {
				t.Errorf("%s and %s both declare %s", other, e.Name(), m[2])
			}
			of[m[2]] = e.Name()
			exported[e.Name()+" "+m[2]] = m[1] != ""
		}
	}
	for _, name := range modules {
		for _, m := range imported.FindAllString(texts[name], -1) {
			from := importLine.FindStringSubmatch(m + "\n")
			if from == nil {
				t.Errorf("%s: %s is not of the form that bundle knows", name, m)
				continue
			}
			used[from[1]] = true
			list := m[strings.Index(m, "{")+1 : strings.Index(m, "}")]
			for what := range strings.SplitSeq(list, ",") {
				if !exported[from[1]+" "+strings.TrimSpace(what)] {
					t.Errorf("%s imports %s of %s, which does not export it", name, strings.TrimSpace(what), from[1])
				}
			}
		}
	}
	for _, name := range modules {
		if !used[name] {
			t.Errorf("nothing imports %s", name)
		}
	}
}

// TestBundle: a module stands once, after those that it imports.
func TestBundle(t *testing.T) {
	f := func(want string, modules map[string]string) {
		t.Helper()
		got, err := bundle("a.js", func(name string) (string, error) {
			if text, ok := modules[name]; ok {
				return text, nil
			}
			return "", errors.New("no " + name)
		})
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f("(() => {\nexport_;\n})();\n", map[string]string{"a.js": "export_;\n"})
	f("(() => {\nconst c = 1;\nfunction b() {}\nb(c);\n})();\n", map[string]string{
		"a.js": "import { b } from \"./b.js\";\nimport { c } from \"./c.js\";\nb(c);\n", "b.js": "import { c } from \"./c.js\";\nexport function b() {}\n", "c.js": "export const c = 1;\n",
	})
	f("no b.js", map[string]string{"a.js": "import { b } from \"./b.js\";\n"})
	f("modules import each other: a.js, b.js, a.js", map[string]string{"a.js": "import { b } from \"./b.js\";\n", "b.js": "import { a } from \"./a.js\";\n"})
}
