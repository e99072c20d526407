package event

import "github.com/seed-afe14ff2/aggregator/internal/humanize"

func isDigit(c byte) bool { return c-'0' <= 9 }

// scanInteger reads an integer without sign, fraction and exponent. It is not ok if there is
// another number or none, or if it has more than maxDigits digits. It then returns the index of the
// number's first byte.
func scanInteger(b []byte, i int) (n int64, end int, ok bool) {
	from := i
	for i < len(b) && isDigit(b[i]) {
		n = n*10 + int64(b[i]-'0') // wraps where there are too many digits
		i++
	}
	switch digits := i - from; {
	case digits == 0 || digits > maxDigits:
		return 0, from, false
	case digits > 1 && b[from] == '0':
		return 0, from, false
	case i < len(b) && (b[i] == '.' || b[i]|0x20 == 'e'):
		return 0, from, false
	}
	return n, i, true
}

// scanNumber reads any JSON number. b[i] is a minus or a digit.
func scanNumber(b []byte, i int) (int, fault) {
	if b[i] == '-' {
		i++
	}
	from := i
	i = skipDigits(b, i)
	if i == from || i-from > 1 && b[from] == '0' {
		return from, faultNumber
	}
	if i < len(b) && b[i] == '.' {
		from = i + 1
		if i = skipDigits(b, from); i == from {
			return i, faultNumber
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		from = i
		if i = skipDigits(b, from); i == from {
			return i, faultNumber
		}
	}
	return i, fine
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}

// notInteger says why there is no integer for the member at b[i].
func notInteger(m member, b []byte, i int) *Malformed {
	if b[i] != '-' && !isDigit(b[i]) {
		return wrongType(m.name(), m.want(), b, i)
	}
	end, f := scanNumber(b, i)
	if f != fine {
		return f.at(m.name(), end)
	}
	reason := ReasonOutOfRange
	if skipDigits(b, i) != end {
		reason = ReasonWrongType // a sign, a fraction or an exponent
	}
	return &Malformed{reason, m.name(), i, number(b[i:end]) + " is not " + m.want()}
}

// number quotes a number, or gives its length if that is large.
func number(text []byte) string {
	if len(text) <= 24 {
		return string(text)
	}
	return "a number of " + humanize.Number(len(text)) + " characters"
}
