package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
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
	if root, ok := r.yaml.Document(data); ok {
		r.section(root)
	}
}

// section reads a mapping of the keys, and sections, that begin with its path.
func (r *configReader) section(at strictyaml.Place) {
	if at.Type == strictyaml.Null {
		return // all keys of it are commented out
	}
	names := r.names(at.Path)
	pairs, _ := r.yaml.Pairs(at, "a mapping of "+strings.Join(names, ", "))
	for _, p := range pairs {
		r.entry(p, strictyaml.Join(at.Path, p.Name), names)
	}
}

// entry reads one key of a section, whose keys are names.
func (r *configReader) entry(p strictyaml.Pair, path string, names []string) {
	i := slices.IndexFunc(r.keys, func(k key) bool { return k.path == path })
	switch {
	case strings.Contains(p.Name, ":"):
		r.yaml.Fault(p.Key, "put a space behind the colon")
	case !slices.Contains(names, p.Name):
		r.yaml.Unknown(p, names)
	case path == sinksKey:
		r.sinks(p.Value)
	case i < 0:
		r.section(p.Value)
	default:
		r.origins[path] = origin{line: p.Value.Line, column: p.Value.Column}
		r.take(&r.keys[i], p.Value)
	}
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
		if below && !slices.Contains(names, name) && !strings.HasPrefix(name, sinksKey+"[") {
			names = append(names, name)
		}
	}
	if prefix == "" {
		names = append(names, sinksKey)
	}
	return names
}

// take sets a key to a value of the file.
func (r *configReader) take(k *key, at strictyaml.Place) {
	switch k.shape {
	case scalar:
		r.setText(k, "", at)
	case sequence:
		if items, ok := r.yaml.ListOrNone(at, k.want); ok {
			k.reset()
			for _, item := range items {
				r.setText(k, "", item)
			}
		}
	case mapping:
		if pairs, ok := r.yaml.Pairs(at, k.want); ok {
			k.reset()
			r.takePairs(k, pairs)
		}
	}
}

func (r *configReader) takePairs(k *key, pairs []strictyaml.Pair) {
	for _, p := range pairs {
		if strings.Contains(p.Name, "=") {
			r.yaml.Fault(p.Key, "%s holds a =, which no name here can have; take it out", strictyaml.Quote(p.Name))
			continue
		}
		r.setText(k, p.Name+"=", p.Value)
	}
}

// setText sets a key to a scalar, after a prefix.
func (r *configReader) setText(k *key, prefix string, at strictyaml.Place) {
	s := at.Value
	switch {
	case !at.Scalar(), at.Type == strictyaml.Null:
		r.yaml.Fault(at, "this is %s; write %s", r.yaml.Describe(at), k.want)
		return
	case at.Type == strictyaml.Tagged:
		r.yaml.RefuseTag(at)
		return
	case k.text && at.Type != strictyaml.Text:
		if err := k.set(prefix + s); err != nil { // quotes would not help
			r.yaml.Fault(at, "%v", err)
			return
		}
		r.yaml.Fault(at, "%s is %s to YAML; quote it", k.shown(s), r.yaml.Describe(at))
		return
	case k.file && s != "" && !filepath.IsAbs(s):
		s = filepath.Join(filepath.Dir(r.file), s)
	}
	r.c.given[k.path] = append(r.c.given[k.path], prefix+s)
	if err := k.set(prefix + s); err != nil {
		r.yaml.Fault(at, "%v", err)
	}
}

// shown is a value as messages show it.
func (v *value) shown(s string) string {
	if v.mute {
		return "this"
	}
	return s
}
