package event

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON appends the event as plain JSON: one form for each event. It decodes to the same
// event, except for Source, which plain JSON has no place for. Members are in the order id, time,
// type, string fields, integer fields. Absent members and a count of 1 are left out; the time is in
// UTC. Texts must be UTF-8.
func (e *Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendText(dst, e.ID)
	dst = append(dst, `,"time":"`...)
	dst = time.Unix(0, e.Time).UTC().AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, `","type":`...)
	dst = appendText(dst, e.Type)
	for s, text := range e.Str {
		if text != nil {
			dst = append(dst, ',')
			dst = append(dst, specs[s].quoted...)
			dst = appendText(dst, text)
		}
	}
	for n, value := range e.Num {
		if e.Has&(1<<n) != 0 && (Num(n) != Count || value != 1) {
			dst = append(dst, ',')
			dst = append(dst, specs[int(firstNum)+n].quoted...)
			dst = strconv.AppendInt(dst, value, 10)
		}
	}
	return append(dst, '}')
}

// appendText appends a JSON string. Only what JSON has no other way for is
// written as an escape.
func appendText(dst, s []byte) []byte {
	dst = append(dst, '"')
	for len(s) > 0 {
		n := plainText(s, 0)
		for n < len(s) && s[n] >= utf8.RuneSelf {
			n = plainText(s, n+1)
		}
		dst = append(dst, s[:n]...)
		if n < len(s) {
			dst = appendEscape(dst, s[n])
			n++
		}
		s = s[n:]
	}
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// AppendIdentity appends that by which duplicates are recognised. It is the event's own id as it
// is, or the envelope's source and id. Each of these follows a byte that no UTF-8 text has. So no
// identity is taken for an identity of the other kind.
func (e *Event) AppendIdentity(dst []byte) []byte {
	if e.Source == nil {
		return append(dst, e.ID...)
	}
	const mark = 0xFF
	dst = append(append(dst, mark), e.Source...)
	return append(append(dst, mark), e.ID...)
}
