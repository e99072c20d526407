package outbox

import (
	"net/url"
	"strings"
)

// attributeText is a text as an attribute of a CloudEvent holds it. What attributes may not hold
// (control characters, and code points that are no characters) is percent-encoded, as UTF-8. So is
// the percent sign, so that only one text leads to it. Mostly it is the text as it is.
func attributeText(s string) string {
	if !strings.ContainsFunc(s, unfit) {
		return s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i, c := range s {
		if !unfit(c) {
			b.WriteRune(c)
			continue
		}
		for _, octet := range []byte(s[i : i+len(string(c))]) {
			b.WriteByte('%')
			b.WriteByte(hex[octet>>4])
			b.WriteByte(hex[octet&15])
		}
	}
	return b.String()
}

// unfit reports whether a character is percent-encoded in an attribute.
func unfit(c rune) bool {
	return c < ' ' || c == '%' || 0x7f <= c && c <= 0x9f || 0xfdd0 <= c && c <= 0xfdef || c&0xfffe == 0xfffe
}

// SourceOf is the source of a group's crossings: a URI reference of two parts. The second part is
// the group's name. A name of dots alone would be a step through the path.
func SourceOf(group string) string {
	name := url.PathEscape(group)
	if name == "." || name == ".." {
		name = strings.ReplaceAll(name, ".", "%2E")
	}
	return "/aggregator/" + name
}
