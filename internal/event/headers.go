package event

import "unicode/utf8"

// headerPrefix begins the headers of the binary form in the Kafka protocol binding of CloudEvents 1.0.
const headerPrefix = "ce_"

// isBinary reports whether the headers are those of the binary form: ce_specversion says so, and
// nothing else does. A header whose value is nil is absent.
func isBinary(headers []Header) bool {
	for _, h := range headers {
		if h.Value != nil && headerAttribute(h.Key) == attrSpecversion {
			return true
		}
	}
	return false
}

// headerAttribute returns the attribute that a header carries. The content type has a header
// of its own, which nothing depends on, and data are no attribute.
func headerAttribute(key []byte) attribute {
	if len(key) <= len(headerPrefix) || string(key[:len(headerPrefix)]) != headerPrefix {
		return otherAttr
	}
	if a := attributeOf(key[len(headerPrefix):]); a < attrContentType {
		return a
	}
	return otherAttr
}

// binary fills the event, which was the value, from headers.
func (d *Decoder) binary(e *Event, headers []Header) *Malformed {
	v := envelope{binary: true}
	twice := v.readHeaders(headers)
	for a := range attrContentType {
		switch {
		case !d.needs(e, a):
		case twice&(1<<a) != 0:
			return faultDuplicate.at(v.name(a), -1)
		case !utf8.Valid(v.attrs[a]):
			return faultUTF8.at(v.name(a), -1)
		}
	}
	if bad := v.check(); bad != nil {
		return bad
	}
	return d.fill(e, &v)
}

// needs reports whether anything depends on the text of an attribute: on the version, and on what
// fills in what the event lacks.
func (d *Decoder) needs(e *Event, a attribute) bool {
	switch a {
	case attrID, attrSource:
		return e.ID == nil
	case attrType:
		return e.Type == nil
	case attrTime:
		return !d.timed
	}
	return true
}

// readHeaders collects the attributes. It returns those that are given twice, a bit for each.
func (v *envelope) readHeaders(headers []Header) (twice uint32) {
	for _, h := range headers {
		a := headerAttribute(h.Key)
		switch {
		case a == otherAttr || h.Value == nil:
		case v.attrs[a] != nil:
			twice |= 1 << a
		default:
			v.attrs[a] = h.Value
		}
	}
	return twice
}
