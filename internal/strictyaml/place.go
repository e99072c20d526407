package strictyaml

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Type is what a value is to YAML.
type Type uint8

// The types of values.
const (
	Null Type = iota
	Bool
	Integer
	Float
	Date
	Text
	List
	Mapping
	Tagged // with a tag that is none of the above
)

var scalarTypes = map[string]Type{
	"!!null": Null, "!!bool": Bool, "!!int": Integer, "!!float": Float, "!!timestamp": Date, "!!str": Text,
}

// Place is a value of the file and where it is. Aliases are followed.
type Place struct {
	Path         string // from the top, as rules[0].limits.clicks
	Line, Column int    // of the alias, where the value was reached by one
	Type         Type
	Value        string // the text of a scalar, as written, without its quotes

	node *yaml.Node
}

func (r *Reader) place(n *yaml.Node, path string) Place {
	r.visited++
	if r.visited == maxVisited+1 {
		r.file(1, 1, "with all its aliases this file has more than %d values; use fewer of them", maxVisited)
	}
	at := Place{Path: path, Line: n.Line, Column: n.Column}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	at.Type, at.Value, at.node = typeOf(n), n.Value, n
	return at
}

func typeOf(n *yaml.Node) Type {
	switch n.Kind {
	case yaml.MappingNode:
		return Mapping
	case yaml.SequenceNode:
		return List
	}
	if t, ok := scalarTypes[n.Tag]; ok {
		return t
	}
	return Tagged
}

// Is reports whether there is a value; the zero Place is none.
func (at Place) Is() bool { return at.node != nil }

// Scalar reports whether the value is neither a list nor a mapping.
func (at Place) Scalar() bool { return at.Type != List && at.Type != Mapping }

// Len is how many values a list has, or keys a mapping, repeated and unreadable ones too.
func (at Place) Len() int {
	switch at.Type {
	case Mapping:
		return len(at.node.Content) / 2
	case List:
		return len(at.node.Content)
	}
	return 0
}

// OnlyKey is the key of a mapping that has just one; "" otherwise.
func (at Place) OnlyKey() string {
	if at.Type != Mapping || at.Len() != 1 {
		return ""
	}
	return at.node.Content[0].Value
}

// Tag is the tag written at the value; "" without one.
func (at Place) Tag() string {
	if at.node == nil || at.node.Style&yaml.TaggedStyle == 0 {
		return ""
	}
	return at.node.Tag
}

// Quoted reports whether a scalar is in quotes, or a block of text.
func (at Place) Quoted() bool {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	return at.node != nil && at.node.Style&quoted != 0
}

// Describe is what a value is to YAML, for messages. A text is shown, except where it may be secret.
func (r *Reader) Describe(at Place) string {
	switch at.Type {
	case Mapping:
		return "a mapping"
	case List:
		return "a list"
	case Null:
		return "empty"
	case Bool:
		return "true or false"
	case Integer, Float:
		return "a number"
	case Date:
		return "a date"
	}
	switch {
	case r.Secret:
		return "a text"
	case at.Type == Text:
		return "the text " + Quote(at.Value)
	}
	return "of the type " + Quote(at.node.Tag)
}

// Fault notes what is wrong with a value, and what to do about it.
func (r *Reader) Fault(at Place, format string, args ...any) {
	r.note(at, false, fmt.Sprintf(format, args...))
}

// Warn notes what is allowed, and probably not meant.
func (r *Reader) Warn(at Place, format string, args ...any) {
	r.note(at, true, fmt.Sprintf(format, args...))
}

// note notes a fault once for a place of the file, whatever its path: what an alias is used for twice is wrong once.
func (r *Reader) note(at Place, warning bool, message string) {
	if r.visited > maxVisited {
		return
	}
	r.add(Fault{Line: at.Line, Column: at.Column, Path: at.Path, Message: message, Warning: warning}, "")
}

// Exhausted reports whether to stop: aliases have made the file too large, or there
// are more faults than are reported. What is wrong after that point is not noted.
func (r *Reader) Exhausted() bool {
	return r.visited > maxVisited || r.full()
}

// List reads a list that must not be empty; want is what is expected.
func (r *Reader) List(at Place, want string) ([]Place, bool) {
	items, ok := r.ListOrNone(at, want)
	if ok && len(items) == 0 {
		r.Fault(at, "the list is empty; write %s", want)
	}
	return items, ok && len(items) > 0
}

// ListOrNone reads a list that may be empty.
func (r *Reader) ListOrNone(at Place, want string) ([]Place, bool) {
	if !r.isType(at, List, want) {
		return nil, false
	}
	var items []Place
	for i, n := range at.node.Content {
		if r.Exhausted() {
			break
		}
		items = append(items, r.place(n, at.Path+"["+strconv.Itoa(i)+"]"))
	}
	return items, true
}

// isType reports whether the value is a mapping or a list, as t says.
func (r *Reader) isType(at Place, t Type, want string) bool {
	tag := "!!seq"
	if t == Mapping {
		tag = "!!map"
	}
	switch {
	case at.Type != t:
		r.Fault(at, "this is %s; write %s", r.Describe(at), want)
	case at.node.Tag != tag:
		r.RefuseTag(at)
	default:
		return true
	}
	return false
}

// RefuseTag notes that a tag is not read.
func (r *Reader) RefuseTag(at Place) {
	if r.Secret {
		r.Fault(at, "a tag stands here; quote a text that begins with !")
		return
	}
	r.Fault(at, "the tag %s is not read; take it out", Quote(at.node.Tag))
}

// Join is the path of the value under a key.
func Join(path, key string) string {
	if !plainKey.MatchString(key) {
		key = Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

var plainKey = regexp.MustCompile(`^[\pL\pN_-]{1,64}$`)

// join is the path of the value under a key of the file.
func (r *Reader) join(path, key string) string { return Join(path, r.publicKey(key)) }

// shownKey is a key of the file in quotes.
func (r *Reader) shownKey(key string) string { return Quote(r.publicKey(key)) }

// publicKey is a key up to a colon, where texts are secret: password:x is one text.
func (r *Reader) publicKey(key string) string {
	if r.Secret {
		key, _, _ = strings.Cut(key, ":")
	}
	return key
}
