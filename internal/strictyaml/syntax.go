package strictyaml

import (
	"errors"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// syntax notes what is not YAML: where, the message of its reader, and a remedy. The remedy follows
// from the characters at the place, not from the reader's text.
func (r *Reader) syntax(data []byte, err error) {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		r.file(1, 1, "this is not YAML: %v; %s", err, otherwise)
		return
	}
	text := []rune(strings.TrimPrefix(string(data), "\ufeff")) // which the reader does not count
	at, problem, remedy := load.Mark, load.Message, ""
	begin := character(text, load.ContextMark)
	switch {
	case load.Stage == yaml.ComposerStage: // whose message shows the name
		problem, remedy = "an alias stands for nothing", "quote a text that begins with *, or put &name before the value meant"
	case begin == '!': // whose message may show a character
		at, problem, remedy = load.ContextMark, "this is no tag", "quote a text that begins with !"
	case at.Index < len(text):
		remedy = remedyFor(text[at.Index], begin, at.Column == 1)
	case begin == '"' || begin == '\'':
		at, problem, remedy = load.ContextMark, "the text does not end", "close the quotes that are opened here"
	default:
		at = lastOf(text)
		problem, remedy = "the file ends within a value", "close its brackets, or quote it"
	}
	r.file(at.Line, at.Column, "this is not YAML: %s; %s", problem, remedy)
}

// character is the character at a mark; 0 if there is none.
func character(text []rune, at yaml.Mark) rune {
	if at.Line == 0 || at.Index >= len(text) {
		return 0
	}
	return text[at.Index]
}

// lastOf marks the last character that shows.
func lastOf(text []rune) yaml.Mark {
	at := yaml.Mark{Line: 1, Column: 1}
	line, column := 1, 0
	for i, c := range text {
		column++
		if !unicode.IsSpace(c) {
			at = yaml.Mark{Index: i, Line: line, Column: column}
		}
		if c == '\n' {
			line, column = line+1, 0
		}
	}
	return at
}

const otherwise = "indent the keys of a mapping alike, write a colon and a space after each, and quote a text whole or not at all"

// remedyFor is a remedy for a character that YAML does not allow where it is. begin is the first
// character of what it is in; first is whether it begins its line.
func remedyFor(c, begin rune, first bool) string {
	switch {
	case c == '\t':
		return "indent with spaces, not tabs"
	case c == '\\' && begin == '"':
		return `write \\ for a backslash in double quotes, or use single quotes`
	case c == '%' && first:
		return "take the line out"
	case c == '%' || c == '@' || c == '`':
		return "quote a text that begins with @, ` or %"
	case c == '*' || c == '&' || begin == '*' || begin == '&':
		return "quote a text that begins with * or &"
	case c == begin && strings.ContainsRune(",]}", c):
		return "a value is missing before it, or quote a text that begins with , ] or }"
	case begin == '[' || begin == '{':
		return `close the brackets, and quote a text that holds { } [ ] or a comma, as "u{n}"`
	case c == ':':
		return `indent the keys of a mapping alike, and quote a text that holds ": "`
	case c == '-':
		return `begin a list below its key, and each item with "- ", indented alike; quote a text that begins with "- "`
	}
	return otherwise
}
