package thresholds

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxFile is the most bytes of a pack, forty times the largest built-in one.
const maxFile = 1 << 20

// document reads the one YAML document of a file.
func (r *reader) document(data []byte) (place, bool) {
	if len(data) > maxFile {
		r.file(1, 1, "the file has %d bytes; a pack has at most %d: divide it into several", len(data), maxFile)
		return place{}, false
	}
	if !r.characters(data) {
		return place{}, false
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	root, err := decode(dec)
	if err != nil {
		r.syntax(data, err)
		return place{}, false
	}
	if root == nil || root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		r.file(1, 1, "the file is empty; a pack has at least pack, measures and rules")
		return place{}, false
	}
	r.single(data, dec)
	return r.place(root, ""), true
}

// single notes a second document behind the first.
func (r *reader) single(data []byte, dec *yaml.Decoder) {
	second, err := decode(dec)
	if err != nil {
		r.syntax(data, err)
	} else if second != nil {
		r.file(second.Line, second.Column,
			"a second document begins here; a pack is one: take the line --- out, or make it a file of its own")
	}
}

// file notes a fault of the file as a whole.
func (r *reader) file(line, column int, format string, args ...any) {
	r.faults.add(Fault{Line: line, Column: column, Message: fmt.Sprintf(format, args...)})
}

// decode is what the next document holds, nil at the end. The YAML library
// panics where it finds itself in a state that it thought impossible; a file
// must not end the program.
func decode(dec *yaml.Decoder) (root *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the YAML reader gave up: %v", p)
		}
	}()
	var n yaml.Node
	if err := dec.Decode(&n); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return n.Content[0], nil
}

// characters notes the first byte that is not UTF-8 and the first character
// that YAML does not allow; its reader would name no line.
func (r *reader) characters(data []byte) bool {
	line, column := 1, 1
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		switch {
		case c == utf8.RuneError && size == 1:
			r.file(line, column, "byte 0x%02x is not UTF-8; save the file as UTF-8", data[i])
			return false
		case !yamlCharacter(c):
			r.file(line, column, "U+%04X is a control character; take it out", c)
			return false
		}
		column++
		if c == '\n' {
			line, column = line+1, 1
		}
		i += size
	}
	return true
}

// yamlCharacter says whether YAML allows c, as its reader reads it.
func yamlCharacter(c rune) bool {
	switch c {
	case '\t', '\n', '\r', 0x85:
		return true
	case 0xfffe, 0xffff:
		return false
	}
	return c >= ' ' && c < 0x7f || c >= 0xa0
}

var syntaxError = regexp.MustCompile(`^yaml: (?:line \d+: )?(.*)$`)

// syntax notes what the YAML reader said, with a remedy where one is known. It
// names no column.
func (r *reader) syntax(data []byte, err error) {
	problem := err.Error()
	if m := syntaxError.FindStringSubmatch(problem); m != nil {
		problem = m[1]
	}
	r.file(syntaxLine(data, err), 1, "this is not YAML: %s; %s", problem, syntaxRemedy(problem))
}

// syntaxLine is the line at which the YAML reader fails with err: the first that,
// as the last of the file, lets it fail so. The line that it names by itself is
// that before, or the one in which the mapping around the place begins.
func syntaxLine(data []byte, err error) int {
	ends := []int{0}
	for i, c := range data {
		if c == '\n' || i == len(data)-1 {
			ends = append(ends, i+1)
		}
	}
	fails := func(line int) bool {
		dec := yaml.NewDecoder(bytes.NewReader(data[:ends[line]]))
		for {
			root, partErr := decode(dec)
			if partErr != nil || root == nil {
				return partErr != nil && partErr.Error() == err.Error()
			}
		}
	}
	return max(1, min(sort.Search(len(ends), fails), len(ends)-1))
}

// syntaxRemedies are remedies for what the YAML reader says, by how that begins.
var syntaxRemedies = []struct{ problem, remedy string }{
	{"found a tab character", "indent with spaces"},
	{"found character that cannot start any token", "indent with spaces, not tabs, and quote a text that begins with @, ` or %"},
	{"mapping values are not allowed", `indent the keys of a mapping alike, and quote a text that holds ": "`},
	{"could not find expected ':'", "write a colon and a space behind a key"},
	{"found unexpected end of stream", "close the quotes that are opened here"},
	{"unknown anchor", "quote a text that begins with *, or put &name before the value meant"},
	{"did not find expected alphabetic or numeric", "quote a text that begins with * or &"},
	{"found unknown escape character", `write \\ for a backslash in double quotes, or use single quotes`},
	{"block sequence entries are not allowed", `begin a list below its key, or quote a text that begins with "- "`},
	{"did not find expected ',' or", `close the brackets, and quote a text that holds { } [ ] or a comma, as "u{n}"`},
	{"did not find expected '-'", `begin every item of the list with "- ", indented alike`},
	{"did not find expected key", "indent the keys of a mapping alike, and quote a text whole or not at all"},
	{"did not find expected node content", "a value is missing, or quote a text that begins with , ] or }"},
	{"did not find expected <document start>", "indent all keys of the file's top alike"},
	{"found incompatible YAML document", "take the line %YAML out"},
	{"found duplicate %", "take the second one out"},
	{"found undefined tag handle", "packs use no tags: quote a text that begins with !"},
}

func syntaxRemedy(problem string) string {
	for _, h := range syntaxRemedies {
		if strings.HasPrefix(problem, h.problem) {
			return h.remedy
		}
	}
	return "look at the quotes, brackets and indentation here and just before"
}
