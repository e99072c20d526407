package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readFile reads the config file.
func (r *configReader) readFile() {
	data, err := os.ReadFile(r.file)
	if err != nil {
		r.others = append(r.others, fmt.Sprintf("config: %v", err))
		return
	}
	r.readText(data)
}

// readText reads what the file holds: YAML of known keys only.
func (r *configReader) readText(data []byte) {
	root, err := document(data)
	if err != nil {
		line, message := syntaxError(err)
		r.faultAt(line, 1, "", "this is not YAML: %s", message)
		return
	}
	if root != nil {
		r.section(root, "")
	}
}

// document is the one document of a file; nil if it is empty. The YAML library panics where
// it finds itself in a state that it thought impossible; a file must not end the program.
func document(data []byte) (root *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the YAML reader gave up: %v", p)
		}
	}()
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var first, second yaml.Node
	if err := dec.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := dec.Decode(&second); err == nil {
		return nil, fmt.Errorf("yaml: line %d: a second document begins here; a config is one", second.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return first.Content[0], nil
}

var syntaxText = regexp.MustCompile(`^yaml: (?:line (\d+): )?((?s).*)$`)

// syntaxError is the line that the YAML reader names, and what it says.
func syntaxError(err error) (line int, message string) {
	m := syntaxText.FindStringSubmatch(err.Error())
	if m == nil {
		return 1, err.Error()
	}
	line, _ = strconv.Atoi(m[1]) // no line is 0, which becomes 1
	message = m[2]
	if strings.HasPrefix(message, "unknown anchor") { // whose name may be a secret
		message = "an alias stands for nothing; quote a text that begins with *"
	}
	if strings.Contains(message, "cannot start any token") {
		message += "; indent with spaces, and quote a text that begins with @, ` or %"
	}
	return line, message
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// follow is the node that an alias stands for, or the node itself.
func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// section reads a mapping of the keys, and sections, that begin with prefix.
func (r *configReader) section(n *yaml.Node, prefix string) {
	at := n
	if n = follow(n); isNull(n) {
		return // all keys of it are commented out
	} else if n.Kind != yaml.MappingNode {
		r.faultAt(at.Line, at.Column, prefix, "this is %s; write a mapping of %s", describe(n), strings.Join(r.names(prefix), ", "))
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		path := join(prefix, k.Value)
		if line, again := lines[k.Value]; again {
			r.faultAt(k.Line, k.Column, path, "the key is in line %d already; take one out", line)
			continue
		}
		lines[k.Value] = k.Line
		r.entry(k, v, path, prefix)
	}
}

// entry reads one key of a section.
func (r *configReader) entry(k, v *yaml.Node, path, prefix string) {
	names := r.names(prefix)
	i := slices.IndexFunc(r.keys, func(k key) bool { return k.path == path })
	switch {
	case k.Kind == yaml.ScalarNode && strings.Contains(k.Value, ":"):
		name, _, _ := strings.Cut(path, ":") // what stands behind it may be a secret
		r.faultAt(k.Line, k.Column, name, "put a space behind the colon")
	case k.Kind != yaml.ScalarNode || !slices.Contains(names, k.Value):
		hint := didYouMean(k.Value, names)
		if hint == "" {
			hint = "; there is " + strings.Join(names, ", ")
		}
		r.faultAt(k.Line, k.Column, path, "there is no such key%s", hint)
	case i < 0:
		r.section(v, path)
	default:
		r.places[path] = place{line: v.Line, column: v.Column}
		r.take(&r.keys[i], v)
	}
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// names are the keys and sections directly below prefix.
func (r *configReader) names(prefix string) []string {
	var names []string
	for _, k := range r.keys {
		rest, below := k.path, true
		if prefix != "" {
			rest, below = strings.CutPrefix(k.path, prefix+".")
		}
		name, _, _ := strings.Cut(rest, ".")
		if below && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// take sets a key to a node of the file.
func (r *configReader) take(k *key, n *yaml.Node) {
	at := n
	n = follow(n)
	kinds := map[shape]yaml.Kind{scalar: yaml.ScalarNode, sequence: yaml.SequenceNode, mapping: yaml.MappingNode}
	if n.Kind != kinds[k.shape] {
		r.faultAt(at.Line, at.Column, k.path, "this is %s; write %s", describe(n), k.want)
		return
	}
	if k.reset != nil && k.shape != scalar {
		k.reset()
	}
	switch k.shape {
	case scalar:
		r.setText(k, k.path, "", at)
	case sequence:
		for i, item := range n.Content {
			r.setText(k, fmt.Sprintf("%s[%d]", k.path, i), "", item)
		}
	case mapping:
		r.takePairs(k, n)
	}
}

func (r *configReader) takePairs(k *key, n *yaml.Node) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		if seen[name.Value] || strings.Contains(name.Value, "=") {
			r.faultAt(name.Line, name.Column, k.path, "%q stands here twice, or holds a =", name.Value)
			continue
		}
		seen[name.Value] = true
		r.setText(k, join(k.path, name.Value), name.Value+"=", n.Content[i+1])
	}
}

// setText sets a key to a scalar, behind a prefix.
func (r *configReader) setText(k *key, path, prefix string, at *yaml.Node) {
	n := follow(at)
	switch {
	case n.Kind != yaml.ScalarNode, isNull(n):
		r.faultAt(at.Line, at.Column, path, "this is %s; write %s", describe(n), k.want)
		return
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		r.faultAt(at.Line, at.Column, path, "a tag stands here; quote a text that begins with !")
		return
	case k.text && n.Tag != "!!str":
		if err := k.set(prefix + n.Value); err != nil { // quotes would not help
			r.faultAt(at.Line, at.Column, path, "%v", err)
			return
		}
		r.faultAt(at.Line, at.Column, path, "%s is %s to YAML; quote it", k.shown(n.Value), describe(n))
		return
	}
	s := n.Value
	if k.file && s != "" && !filepath.IsAbs(s) {
		s = filepath.Join(filepath.Dir(r.file), s)
	}
	if err := k.set(prefix + s); err != nil {
		r.faultAt(at.Line, at.Column, path, "%v", err)
	}
}

// shown is a value as messages show it.
func (v *value) shown(s string) string {
	if v.mute {
		return "this"
	}
	return s
}

// describe says what a node is to YAML.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "empty"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a date"
	}
	return "a text" // which is not shown: it may hold a password
}
