package event

// skipValue reads a value of any type. Depth is the number of objects and
// arrays around it.
func skipValue(b []byte, i, depth int) (int, fault) {
	if i == len(b) {
		return i, faultEnd
	}
	switch c := b[i]; {
	case c == '"':
		end, _, f := scanString(b, i+1)
		return end, f
	case c == '{' || c == '[':
		return skipContainer(b, i, depth+1)
	case c == 't':
		return literal(b, i, "true")
	case c == 'f':
		return literal(b, i, "false")
	case c == 'n':
		return literal(b, i, "null")
	case c == '-' || isDigit(c):
		return scanNumber(b, i)
	}
	return i, faultByte
}

// skipContainer reads an object or array from its opening bracket on. Depth
// counts it.
func skipContainer(b []byte, i, depth int) (int, fault) {
	if depth > MaxDepth {
		return i, faultDepth
	}
	closing := b[i] + 2 // } is { + 2, ] is [ + 2
	i, more, f := open(b, i+1, closing)
	for more && f == fine {
		if closing == '}' {
			i, f = skipName(b, i)
		}
		if f == fine {
			i, f = skipValue(b, i, depth)
		}
		if f == fine {
			i, more, f = separator(b, i, closing)
		}
	}
	return i, f
}

// skipName reads a member's name and its colon.
func skipName(b []byte, i int) (int, fault) {
	_, _, end, f := scanName(b, i)
	if f != fine {
		return end, f
	}
	return colon(b, end)
}

// scanName reads a string that is a member's name. The text is without quotes.
func scanName(b []byte, i int) (text []byte, escaped bool, end int, f fault) {
	if i == len(b) {
		return nil, false, i, faultEnd
	}
	if b[i] != '"' {
		return nil, false, i, faultName
	}
	end, escaped, f = scanString(b, i+1)
	if f != fine {
		return nil, false, end, f
	}
	return b[i+1 : end-1], escaped, end, fine
}
