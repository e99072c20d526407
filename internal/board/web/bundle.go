package web

import (
	"fmt"
	"regexp"
	"strings"
)

// importLine is how a module names what it takes of another one. Modules are written so that each import is such a line.
var importLine = regexp.MustCompile(`(?m)^import \{[^}]*\} from "\./(\w+\.js)";\n`)

// bundle is modules as one, which begins with the entry: each stands once, after those that it imports, and all share one scope.
// So names that one module takes of another are as short as any, and a browser asks once. Names at the top of modules differ
// (TestModules).
func bundle(entry string, read func(name string) (string, error)) (string, error) {
	var all strings.Builder
	added := map[string]bool{}
	var add func(name string, above []string) error
	add = func(name string, above []string) error {
		for _, n := range above {
			if n == name {
				return fmt.Errorf("modules import each other: %s", strings.Join(append(above, name), ", "))
			}
		}
		if added[name] {
			return nil
		}
		text, err := read(name)
		if err != nil {
			return err
		}
		for _, m := range importLine.FindAllStringSubmatch(text, -1) {
			if err := add(m[1], append(above, name)); err != nil {
				return err
			}
		}
		added[name] = true
		all.WriteString(exports.ReplaceAllString(importLine.ReplaceAllString(text, ""), ""))
		return nil
	}
	err := add(entry, nil)
	return "(() => {\n" + all.String() + "})();\n", err
}

// exports are what makes a name known to other modules.
var exports = regexp.MustCompile(`(?m)^export `)
