package event

import (
	"unicode/utf16"
	"unicode/utf8"
)

// The scan functions take the bytes and an index, and return the index after what they read. With a
// fault they return the index of the fault.

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// open reads from after a { or [ to the first member or element. There is none if the closing
// bracket follows, which is then read as well.
func open(b []byte, i int, closing byte) (next int, more bool, f fault) {
	i = skipSpace(b, i)
	if i == len(b) {
		return i, false, faultEnd
	}
	if b[i] == closing {
		return i + 1, false, fine
	}
	return i, true, fine
}

// separator reads what follows a member or element: a comma and the space after it, or the closing
// bracket.
func separator(b []byte, i int, closing byte) (next int, more bool, f fault) {
	i = skipSpace(b, i)
	switch {
	case i == len(b):
		return i, false, faultEnd
	case b[i] == ',':
		return skipSpace(b, i+1), true, fine
	case b[i] == closing:
		return i + 1, false, fine
	}
	return i, false, faultComma
}

// colon reads the colon after a name, with the space around it.
func colon(b []byte, i int) (int, fault) {
	i = skipSpace(b, i)
	switch {
	case i == len(b):
		return i, faultEnd
	case b[i] != ':':
		return i, faultColon
	}
	return skipSpace(b, i+1), fine
}

// literal reads true, false or null.
func literal(b []byte, i int, word string) (int, fault) {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return i, faultByte
	}
	return i + len(word), fine
}

// scanString reads a string from after its opening quote to the end of the closing quote. Its text
// is valid UTF-8 and its escapes, if it has any, are sound.
func scanString(b []byte, i int) (end int, escaped bool, f fault) {
	for {
		i = plainText(b, i)
		switch {
		case i == len(b):
			return i, escaped, faultEnd
		case b[i] == '"':
			return i + 1, escaped, fine
		case b[i] == '\\':
			escaped = true
			i, f = scanEscape(b, i)
		case b[i] < ' ':
			f = faultControl
		default:
			i, f = scanRunes(b, i)
		}
		if f != fine {
			return i, escaped, f
		}
	}
}

// scanRunes reads the characters up to the next ASCII byte.
func scanRunes(b []byte, i int) (int, fault) {
	for i < len(b) && b[i] >= utf8.RuneSelf {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i, faultUTF8
		}
		i += n
	}
	return i, fine
}

// scanEscape reads an escape from its backslash on, or both escapes of a surrogate pair.
func scanEscape(b []byte, i int) (int, fault) {
	if i+1 == len(b) {
		return i + 1, faultEnd
	}
	if b[i+1] != 'u' {
		if escapes[b[i+1]] == 0 {
			return i, faultEscape
		}
		return i + 2, fine
	}
	r, ok := hex4(b, i)
	switch {
	case !ok:
		return i, faultEscape
	case !utf16.IsSurrogate(r):
		return i + 6, fine
	}
	if low, ok := hex4(b, i+6); !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
		return i, faultSurrogate
	}
	return i + 12, fine
}

// escapes maps the letter of an escape to what it stands for.
var escapes = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// hex4 reads the escape at b[i]: \u and four hexadecimal digits.
func hex4(b []byte, i int) (r rune, ok bool) {
	if len(b)-i < 6 || b[i] != '\\' || b[i+1] != 'u' {
		return 0, false
	}
	for _, c := range b[i+2 : i+6] {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// appendUnescaped appends the text of a string that scanString has read.
func appendUnescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		switch {
		case s[i] != '\\':
			dst = append(dst, s[i])
			i++
		case s[i+1] != 'u':
			dst = append(dst, escapes[s[i+1]])
			i += 2
		default:
			r, _ := hex4(s, i)
			i += 6
			if utf16.IsSurrogate(r) {
				low, _ := hex4(s, i)
				r = utf16.DecodeRune(r, low)
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
