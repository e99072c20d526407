package thresholds

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// The most bytes of texts in packs.
const (
	maxName  = 64  // of a pack, a rule, a measure
	maxTitle = 256 // of titles, cites and names of tests
)

// text reads a string of 1 to most bytes without characters that cannot be meant. All others are as
// good as in an event: spaces of any kind, joiners and marks, as scripts need them.
func (r *reader) text(at strictyaml.Place, want string, most int) (string, bool) {
	if !r.isText(at, want) {
		return "", false
	}
	s := at.Value
	switch i := strings.IndexFunc(s, unmeant); {
	case s == "":
		r.Fault(at, "the text is empty; write %s", want)
	case len(s) > most:
		r.Fault(at, "%s has %d bytes; at most %d are allowed: shorten it", strictyaml.Quote(s), len(s), most)
	case i >= 0:
		c := []rune(s[i:])[0]
		r.Fault(at, "%s holds the character %U, %s; take it out", strictyaml.Quote(s), c, unmeantName(c))
	default:
		return s, true
	}
	return "", false
}

// unmeant reports whether a character cannot be meant in a text of a pack. That is a control
// character, or a character that changes the order in which what follows is shown. Half of a
// surrogate pair cannot get here: the file is UTF-8.
func unmeant(c rune) bool { return unicode.IsControl(c) || redirects(c) }

// redirects reports whether a character embeds or overrides a direction.
func redirects(c rune) bool { return 0x202a <= c && c <= 0x202e }

func unmeantName(c rune) string {
	if redirects(c) {
		return "which turns round how the text is shown"
	}
	return "a control character"
}

// truth reads true or false.
func (r *reader) truth(at strictyaml.Place, want string) bool {
	if at.Type != strictyaml.Bool {
		r.Fault(at, "this is %s; write %s", r.Describe(at), want)
		return false
	}
	return strings.EqualFold(at.Value, "true")
}

// isText reports whether the value is a string to YAML.
func (r *reader) isText(at strictyaml.Place, want string) bool {
	switch {
	case at.OnlyKey() == "n":
		r.Fault(at, `braces are a mapping to YAML; quote a text that holds them, as "{n}"`)
	case !at.Scalar():
		r.Fault(at, "this is %s; write %s", r.Describe(at), want)
	case at.Type == strictyaml.Null:
		r.Fault(at, "the value is missing; write %s", want)
	case at.Type == strictyaml.Tagged:
		r.RefuseTag(at)
	case at.Type != strictyaml.Text:
		r.Fault(at, `%s is %s to YAML; quote it: %s`, strictyaml.Shown(at.Value), r.Describe(at), strictyaml.Quote(at.Value))
	default:
		return true
	}
	return false
}

var idText = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// id reads the name of a rule. It is part of keys, file names and labels, so
// little is allowed in it. "" if it is a fault.
func (r *reader) id(at strictyaml.Place) string {
	s, ok := r.text(at, "a name of a-z, 0-9 and -", maxName)
	if !ok {
		return ""
	}
	if !idText.MatchString(s) {
		r.Fault(at, "%s is not a name of a-z, 0-9 and - (at most %d)%s", strictyaml.Quote(s), maxName, idHint(s))
		return ""
	}
	return s
}

var notID = regexp.MustCompile(`[^a-z0-9-]+`)

// idHint proposes an id in place of a refused id; "" if nothing of it is left.
func idHint(s string) string {
	s = strings.Trim(notID.ReplaceAllString(strings.ToLower(s), "-"), "-")
	if s == "" {
		return ""
	}
	return "; did you mean " + strictyaml.Quote(s) + "?"
}

// choice reads one of names and returns its index among them. what is what they are.
func (r *reader) choice(at strictyaml.Place, what string, names []string) (int, bool) {
	s, ok := r.text(at, what+", "+alternatives(names), maxTitle)
	if !ok {
		return 0, false
	}
	i := slices.Index(names, s)
	if i < 0 {
		r.Fault(at, "%s is not %s; %s", strictyaml.Quote(s), what, strictyaml.MeantOrAll(s, names))
		return 0, false
	}
	return i, true
}

// alternatives lists names for readers: "a, b or c".
func alternatives(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// texts reads a list of different strings of 1 to most bytes and sorts them. want
// is one of them, example the list.
func (r *reader) texts(at strictyaml.Place, want, example string, most int, each func(strictyaml.Place, string)) []string {
	items, _ := r.List(at, "a list, as "+example)
	lines := map[string]int{}
	var list []string
	for _, item := range items {
		s, ok := r.text(item, want, most)
		if line, again := lines[s]; ok && again {
			r.Fault(item, "%s is in this list twice, first in line %d; take one out", strictyaml.Quote(s), line)
			ok = false
		}
		if !ok {
			continue
		}
		lines[s] = item.Line
		list = append(list, s)
		each(item, s)
	}
	slices.Sort(list)
	return list
}

// reader reads the values of which all parts of a pack are made: texts, numbers, durations.
type reader struct{ *strictyaml.Reader }
