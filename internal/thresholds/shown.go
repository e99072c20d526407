package thresholds

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// acts reports whether what shows a text may act on a character instead of showing it. It may be a
// control character, or the end of a line or paragraph. It may also be a mark, embedding, override
// or isolate that changes the direction of what follows.
func acts(c rune) bool {
	switch {
	case c < ' ', 0x7f <= c && c <= 0x9f:
		return true
	case c < 0x61c:
		return false
	}
	return c == 0x61c || c == 0x200e || c == 0x200f || 0x2028 <= c && c <= 0x202e || 0x2066 <= c && c <= 0x2069
}

// appendString appends s as a JSON string. It escapes what JSON asks for, and what acts on those
// who show it. Other UTF-8 stays as it is, and a byte that is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', byte(c))
		case acts(c):
			dst = appendEscape(dst, c)
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return append(dst, '"')
}

// appendEscape appends the escape of a character, a letter where JSON has one.
func appendEscape(dst []byte, c rune) []byte {
	if i := strings.IndexRune("\b\t\n\f\r", c); i >= 0 {
		return append(dst, '\\', "btnfr"[i])
	}
	return fmt.Appendf(dst, `\u%04x`, c)
}

// AppendShown appends a JSON text so that it can be shown: what acts on those who show it is escaped. Its value is
// the same.
func AppendShown(dst, text []byte) []byte {
	for _, c := range string(text) { // outside of strings there is none but white space
		if c >= 0x7f && acts(c) {
			dst = appendEscape(dst, c)
			continue
		}
		dst = utf8.AppendRune(dst, c)
	}
	return dst
}

// AppendPlain appends an id to a line for readers: as it is, if it can only be read as an id,
// otherwise in quotes.
func AppendPlain(dst []byte, id string) []byte {
	if strictyaml.IsPlain(id) {
		return append(dst, id...)
	}
	return appendString(dst, id)
}

// appendMember appends a string member that is not the first of its object.
func appendMember(dst []byte, name, value string) []byte {
	dst = append(dst, ',')
	dst = appendString(dst, name)
	dst = append(dst, ':')
	return appendString(dst, value)
}
