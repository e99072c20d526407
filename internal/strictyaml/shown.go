package strictyaml

import (
	"strconv"
	"strings"
	"unicode"
)

// Quote is s in quotes, cut to a length that fits a message, and without
// anything a terminal would act on.
func Quote(s string) string {
	const most = 60 // characters
	n := 0
	for i := range s {
		if n == most {
			return strconv.Quote(s[:i] + "...")
		}
		n++
	}
	return strconv.Quote(s)
}

// Shown is a text as it is, if it can only be read as a name or a number, otherwise quoted.
func Shown(s string) string {
	if len(s) <= 64 && IsPlain(s) {
		return s
	}
	return Quote(s)
}

// IsPlain reports whether a text reads as one word. Such a word is made of letters, marks and
// digits of any script and the signs that ids are made with.
func IsPlain(s string) bool {
	for i, c := range s {
		switch {
		case unicode.Is(unicode.Other_Default_Ignorable_Code_Point, c):
			return false // a letter that shows nothing
		case unicode.IsLetter(c), unicode.IsDigit(c), unicode.IsNumber(c):
		case i > 0 && (unicode.IsMark(c) || c == '.' || c == ':'):
		case strings.ContainsRune("-_@/+=#~%", c):
		default:
			return false
		}
	}
	return s != ""
}
