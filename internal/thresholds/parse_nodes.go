package thresholds

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// maxVisited bounds the values looked at in one file. A file of 1 MiB holds
// some 500,000; only aliases of aliases make more.
const maxVisited = 1_000_000

// place is a value of the file and where it is.
type place struct {
	node         *yaml.Node // a mapping, a sequence or a scalar; aliases are followed
	path         string     // from the top, as rules[0].limits.clicks
	line, column int        // of the alias, where the value was reached by one
}

func (r *reader) place(n *yaml.Node, path string) place {
	r.visited++
	if r.visited == maxVisited+1 {
		r.file(1, 1, "with all its aliases this pack has more than %d values; use fewer of them", maxVisited)
	}
	at := place{node: n, path: path, line: n.Line, column: n.Column}
	for at.node.Kind == yaml.AliasNode {
		at.node = at.node.Alias
	}
	return at
}

// exhausted says whether to stop: aliases have made the file too large, or there
// are more faults than are reported. What is wrong behind that point is not noted.
func (r *reader) exhausted() bool {
	return r.visited > maxVisited || r.faults.full()
}

func (r *reader) fault(at place, format string, args ...any) {
	r.note(at, false, fmt.Sprintf(format, args...))
}

func (r *reader) warn(at place, format string, args ...any) {
	r.note(at, true, fmt.Sprintf(format, args...))
}

func (r *reader) note(at place, warning bool, message string) {
	if r.visited > maxVisited {
		return
	}
	r.faults.add(Fault{Line: at.line, Column: at.column, Path: at.path, Message: message, Warning: warning})
}

// pair is a key of a mapping and its value.
type pair struct {
	name  string
	key   place // path: that of the value
	value place
}

// pairs reads a mapping in the file's order; want says what is expected here.
// Keys that cannot be read and repeated ones are noted and left out.
func (r *reader) pairs(at place, want string) ([]pair, bool) {
	if !r.isKind(at, yaml.MappingNode, want) {
		return nil, false
	}
	var list []pair
	lines := map[string]int{}
	for i := 0; i+1 < len(at.node.Content) && !r.exhausted(); i += 2 {
		key, value := at.node.Content[i], at.node.Content[i+1]
		p := pair{key: r.place(key, at.path)}
		if !r.isKey(p.key, value) {
			continue
		}
		p.name = p.key.node.Value
		p.key.path = join(at.path, p.name)
		p.value = r.place(value, p.key.path)
		if line, ok := lines[p.name]; ok {
			r.fault(p.key, "the key %s is here twice, first in line %d; take one out", quote(p.name), line)
			continue
		}
		lines[p.name] = key.Line
		list = append(list, p)
	}
	return list, true
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// isKey says whether a mapping's key can be one; value is what belongs to it.
func (r *reader) isKey(at place, value *yaml.Node) bool {
	switch n := at.node; {
	case n.Kind != yaml.ScalarNode:
		r.fault(at, `a key is %s here; write a text, and quote one that holds { } [ or ], as "u{n}"`, describe(n))
	case n.Tag == "!!merge":
		r.fault(at, "merge keys (<<) are not read; write the keys out")
	case n.Tag == "!!int" && value.Tag == "!!null" && digits.MatchString(n.Value):
		r.fault(at, "%s stands alone, as a comma ends a value in { }; write thousands as 50_000", n.Value)
	case n.Tag != "!!str":
		r.fault(at, "the key %s is %s to YAML; quote it", quote(n.Value), describe(n))
	default:
		return true
	}
	return false
}

// join is the path of the value under a key.
func join(path, key string) string {
	if !plainKey.MatchString(key) {
		key = quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

var plainKey = regexp.MustCompile(`^[\pL\pN_-]{1,64}$`)

// list reads a sequence that must not be empty; want says what is expected.
func (r *reader) list(at place, want string) ([]place, bool) {
	items, ok := r.listOrNone(at, want)
	if ok && len(items) == 0 {
		r.fault(at, "the list is empty; write %s", want)
	}
	return items, ok && len(items) > 0
}

// listOrNone reads a sequence that may be empty.
func (r *reader) listOrNone(at place, want string) ([]place, bool) {
	if !r.isKind(at, yaml.SequenceNode, want) {
		return nil, false
	}
	var items []place
	for i, n := range at.node.Content {
		if r.exhausted() {
			break
		}
		items = append(items, r.place(n, at.path+"["+strconv.Itoa(i)+"]"))
	}
	return items, true
}

var kindTags = map[yaml.Kind]string{yaml.MappingNode: "!!map", yaml.SequenceNode: "!!seq"}

// isKind says whether the value is a mapping or a sequence, as kind says.
func (r *reader) isKind(at place, kind yaml.Kind, want string) bool {
	switch {
	case at.node.Kind != kind:
		r.fault(at, "this is %s; write %s", describe(at.node), want)
	case at.node.Tag != kindTags[kind]:
		r.fault(at, "the tag %s is not read; take it out", quote(at.node.Tag))
	default:
		return true
	}
	return false
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
	case "!!str":
		return "the text " + quote(n.Value)
	}
	return "of the type " + quote(n.Tag)
}

// fields is a mapping whose keys are known.
type fields struct {
	at     place
	values map[string]place
	meant  []string // known keys that an unknown one was probably meant to be
	holes  bool     // a key could not be read: whatever is missing may be it
}

// fields reads a mapping of known keys; others are noted, with the nearest.
func (r *reader) fields(at place, want string, known ...string) (fields, bool) {
	list, ok := r.pairs(at, want)
	f := fields{at: at, values: map[string]place{}, holes: 2*len(list) < len(at.node.Content)}
	for _, p := range list {
		if slices.Contains(known, p.name) {
			f.values[p.name] = p.value
			continue
		}
		if r.exhausted() {
			break
		}
		f.meant = append(f.meant, nearest(p.name, known))
		r.fault(p.key, "there is no key %s here; %s", quote(p.name), didYouMean(p.name, known))
	}
	return f, ok
}

// get is the value of a key that may be missing.
func (f fields) get(key string) (place, bool) {
	at, ok := f.values[key]
	return at, ok
}

// misread says whether key may be there, but written so that it was not read.
func (f fields) misread(key string) bool {
	return f.holes || slices.Contains(f.meant, key)
}

// need is the value of a key that must be there; it is not missed where it was misread.
func (r *reader) need(f fields, key, remedy string) (place, bool) {
	at, ok := f.values[key]
	if !ok && !f.misread(key) {
		missing := f.at
		missing.path = join(f.at.path, key)
		r.fault(missing, "missing; %s", remedy)
	}
	return at, ok
}
