package strictyaml

import (
	"regexp"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Pair is a key of a mapping and its value.
type Pair struct {
	Name  string
	Key   Place // Path: that of the value
	Value Place

	in    string // the path of the mapping
	alone bool   // no colon is after the key, as in {a, b: c}
}

// Pairs reads a mapping in the file's order; want is what is expected here.
// Keys that cannot be read and repeated ones are noted and left out.
func (r *Reader) Pairs(at Place, want string) ([]Pair, bool) {
	if !r.isType(at, Mapping, want) {
		return nil, false
	}
	var list []Pair
	lines := map[string]int{}
	for i := 0; i+1 < len(at.node.Content) && !r.Exhausted(); i += 2 {
		value := at.node.Content[i+1]
		p := Pair{Key: r.place(at.node.Content[i], at.Path), in: at.Path, alone: standsAlone(at, value)}
		if !r.isKey(p) {
			continue
		}
		p.Name = p.Key.Value
		p.Key.Path = r.join(at.Path, p.Name)
		p.Value = r.place(value, p.Key.Path)
		if line, ok := lines[p.Name]; ok {
			r.Fault(p.Key, "the key %s is here twice, first in line %d; take one out", r.shownKey(p.Name), line)
			continue
		}
		lines[p.Name] = p.Key.Line
		list = append(list, p)
	}
	return list, true
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// isKey reports whether the key of a pair can be one.
func (r *Reader) isKey(p Pair) bool {
	switch at := p.Key; {
	case !at.Scalar():
		r.Fault(at, `a key is %s here; write a text, and quote one that holds { } [ or ], as "u{n}"`, r.Describe(at))
	case at.node.Tag == "!!merge":
		r.Fault(at, "merge keys (<<) are not read; write the keys out")
	case at.Type != Text && r.Secret && p.alone:
		r.lonely(p)
	case at.Type == Integer && p.alone && digits.MatchString(at.Value):
		r.Fault(at, "%s stands alone, as a comma ends a value in { }; write thousands as 50_000", Shown(at.Value))
	case at.Type != Text:
		r.Fault(at, "the key %s is %s to YAML; quote it", r.shownKey(at.Value), r.Describe(at))
	default:
		return true
	}
	return false
}

// lonely notes a key that stands alone, without showing it: it may be the rest of a secret.
func (r *Reader) lonely(p Pair) {
	at := p.Key
	at.Path = p.in
	r.Fault(at, "a key stands alone, as a comma ends a value in { }; quote a text that holds a comma, and write thousands as 50_000")
}

// Fields is a mapping whose keys are known.
type Fields struct {
	At     Place
	values map[string]Place
	meant  []string // known keys that an unknown one was probably meant to be
	holes  bool     // a key could not be read: whatever is missing may be it
}

// Fields reads a mapping of known keys; others are noted, with the nearest.
func (r *Reader) Fields(at Place, want string, known ...string) (Fields, bool) {
	list, ok := r.Pairs(at, want)
	f := Fields{At: at, values: map[string]Place{}, holes: len(list) < at.Len()}
	for _, p := range list {
		if slices.Contains(known, p.Name) {
			f.values[p.Name] = p.Value
			continue
		}
		if r.Exhausted() {
			break
		}
		f.meant = append(f.meant, Nearest(p.Name, known))
		r.Unknown(p, known)
	}
	return f, ok
}

// standsAlone reports whether the value of a key in { } is not written.
func standsAlone(mapping Place, value *yaml.Node) bool {
	return mapping.node.Style&yaml.FlowStyle != 0 && value.Tag == "!!null" && value.Value == ""
}

// Unknown notes a key that is not known.
func (r *Reader) Unknown(p Pair, known []string) {
	if r.Secret && p.alone {
		r.lonely(p)
		return
	}
	r.Fault(p.Key, "there is no key %s here; %s", r.shownKey(p.Name), MeantOrAll(p.Name, known))
}

// Get is the value of a key that may be missing.
func (f Fields) Get(key string) (Place, bool) {
	at, ok := f.values[key]
	return at, ok
}

// Misread reports whether key may be there, but written so that it was not read.
func (f Fields) Misread(key string) bool {
	return f.holes || slices.Contains(f.meant, key)
}

// Need is the value of a key that must be there; it is not missed where it was misread.
func (r *Reader) Need(f Fields, key, remedy string) (Place, bool) {
	at, ok := f.values[key]
	if !ok && !f.Misread(key) {
		missing := f.At
		missing.Path = r.join(f.At.Path, key)
		r.Fault(missing, "missing; %s", remedy)
	}
	return at, ok
}
