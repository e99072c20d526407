package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Reader walks one file and collects its faults.
type Reader struct {
	faults
	// Secret: no message shows a text of the file, since it may be a password. Names of keys are shown, up to a colon.
	Secret  bool
	what    string
	visited int // values looked at; what an alias stands for counts each time
}

// NewReader is a reader of a file. what is what the file is, with its article:
// "a pack". Nothing is opened.
func NewReader(file, what string) *Reader {
	return &Reader{faults: faults{file: file}, what: what}
}

// Document reads the one YAML document of a file; false if it has faults that
// hide its values. An empty file is one value, which is null.
func (r *Reader) Document(data []byte) (Place, bool) {
	if len(data) > MaxBytes {
		r.file(1, 1, "the file has %d bytes, but %s has at most %d; shorten or divide it", len(data), r.what, MaxBytes)
		return Place{}, false
	}
	if !r.characters(data) {
		return Place{}, false
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	doc, err := decode(dec)
	if err != nil {
		r.syntax(data, err)
		return Place{}, false
	}
	if doc == nil {
		return Place{Line: 1, Column: 1, Type: Null}, true
	}
	r.single(data, dec)
	return r.place(doc.Content[0], ""), true
}

// single notes a second document after the first.
func (r *Reader) single(data []byte, dec *yaml.Decoder) {
	second, err := decode(dec)
	if err != nil {
		r.syntax(data, err)
	} else if second != nil {
		r.file(second.Line, second.Column,
			"a second document begins here; %s is one: take the line --- out, or make it a file of its own", r.what)
	}
}

// file notes a fault of the file as a whole.
func (r *Reader) file(line, column int, format string, args ...any) {
	r.Add(Fault{Line: line, Column: column, Message: fmt.Sprintf(format, args...)})
}

// decode is the next document, nil at the end. The YAML library may
// panic where it finds itself in a state that it thought impossible; a file must
// not end the program.
func decode(dec *yaml.Decoder) (doc *yaml.Node, err error) {
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
	return &n, nil
}

// characters notes the first byte that is not UTF-8 and the first character
// that YAML does not allow; its reader would name no line.
func (r *Reader) characters(data []byte) bool {
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

// yamlCharacter reports whether YAML allows c, as its reader reads it.
func yamlCharacter(c rune) bool {
	switch c {
	case '\t', '\n', '\r', 0x85:
		return true
	case 0xfffe, 0xffff:
		return false
	}
	return c >= ' ' && c < 0x7f || c >= 0xa0
}
