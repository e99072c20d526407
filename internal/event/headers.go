package event

import "unicode/utf8"

// Names in the Kafka protocol binding for CloudEvents 1.0.
const (
	contentType  = "content-type"
	headerPrefix = "ce_"
	cloudEvents  = "application/cloudevents" // the media type of the structured form, before its format
)

// DecodeRecord decodes a record's value. Its headers tell the form: a
// content-type of application/cloudevents+json is the structured form of
// CloudEvents, any header ce_* the binary one; else the value is a plain event
// and the headers mean nothing.
func (d *Decoder) DecodeRecord(e *Event, value []byte, headers []Header) error {
	switch formOf(headers) {
	case formPlain:
		return d.Decode(e, value)
	case formStructured:
		return asError(d.structured(e, value))
	case formBinary:
		return asError(d.binary(e, value, headers))
	}
	const detail = "a CloudEvents batch, or a format other than JSON; send application/cloudevents+json, one event in a record"
	return &Malformed{ReasonCloudEvents, contentType, -1, detail}
}

// form is how an event is carried.
type form uint8

const (
	formPlain form = iota
	formBinary
	formStructured
	formForeign // a form of CloudEvents that is not read
)

// formOf tells the form of a record by its headers. Of several content types
// the first one that is of CloudEvents decides.
func formOf(headers []Header) form {
	found := formPlain
	for _, h := range headers {
		if isFold(h.Key, contentType) {
			media := mediaType(h.Value)
			if isFold(media, cloudEvents+"+json") {
				return formStructured
			}
			if len(media) >= len(cloudEvents) && isFold(media[:len(cloudEvents)], cloudEvents) {
				return formForeign
			}
		}
		if isAttribute(h.Key) {
			found = formBinary
		}
	}
	return found
}

func isAttribute(key []byte) bool {
	return len(key) > len(headerPrefix) && string(key[:len(headerPrefix)]) == headerPrefix
}

// binary decodes the binary form: attributes in headers, the event in the value.
func (d *Decoder) binary(e *Event, value []byte, headers []Header) *Malformed {
	v, bad := readHeaders(headers)
	if bad != nil {
		return bad
	}
	if bad := v.check(); bad != nil {
		return bad
	}
	d.reset(e)
	if bad := d.document(e, value); bad != nil {
		return bad
	}
	return d.fill(e, &v)
}

// readHeaders collects the attributes of the binary form. A header whose value
// is nil is absent.
func readHeaders(headers []Header) (envelope, *Malformed) {
	v := envelope{binary: true}
	for _, h := range headers {
		var a attribute
		switch {
		case isFold(h.Key, contentType):
			a = attrContentType
		case isAttribute(h.Key):
			a = headerAttribute(h.Key[len(headerPrefix):])
		default:
			continue
		}
		if !utf8.Valid(h.Value) {
			return v, headerNotUTF8(&v, a)
		}
		if a == otherAttr {
			continue
		}
		if v.attrs[a] != nil {
			return v, faultDuplicate.at(v.name(a), -1)
		}
		v.attrs[a] = h.Value
	}
	return v, nil
}

// headerAttribute returns the attribute that a header ce_* carries. The content
// type has a header of its own, and data are no attribute.
func headerAttribute(name []byte) attribute {
	if a := attributeOf(name); a < attrContentType {
		return a
	}
	return otherAttr
}

func headerNotUTF8(v *envelope, a attribute) *Malformed {
	name := "a " + headerPrefix + " header"
	if a != otherAttr {
		name = v.name(a)
	}
	return faultUTF8.at(name, -1)
}
