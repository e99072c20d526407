package event

import (
	"bytes"
	"encoding/base64"
)

// signs are what members of an object show of its form.
type signs uint8

const (
	signSpecversion signs = 1 << iota
	signSource
	formKnown // set where the form is known already

	signsOfEnvelope = signSpecversion | signSource
)

// signOf returns what a member of that name shows, if its value is not null.
func signOf(name []byte) signs {
	switch string(name) {
	case "specversion":
		return signSpecversion
	case "source":
		return signSource
	}
	return 0
}

// noteSign notes what the unknown member whose value begins at b[i] shows, and reports whether the
// object is an envelope by that.
func (d *Decoder) noteSign(b []byte, i int) bool {
	if d.sign != 0 && i < len(b) && b[i] != 'n' {
		d.signs |= d.sign
	}
	return d.signs == signsOfEnvelope
}

// isEnvelope looks for the members of an envelope in a value that is no event, for whatever reason.
// What is wrong with the value is to be reported for the form that it has. It looks closer only
// where the word, or an escape that may hide it, stands in the value.
func (d *Decoder) isEnvelope(b []byte) bool {
	if !bytes.Contains(b, []byte("specversion")) && !bytes.Contains(b, []byte(`\u`)) {
		return false
	}
	i, bad := begin(b)
	if bad != nil {
		return false
	}
	d.scratch = d.scratch[:0]
	all := signs(0)
	i, more, f := open(b, i, '}')
	for more && f == fine {
		var by signs
		if by, i, f = d.scanSign(b, i); f == fine && i < len(b) && b[i] != 'n' {
			if all |= by; all == signsOfEnvelope {
				return true
			}
		}
		if f == fine {
			i, f = skipValue(b, i, 0) // the event in data is level 1, not 2
		}
		if f == fine {
			i, more, f = separator(b, i, '}')
		}
	}
	return false
}

// scanSign reads a member's name, which may be a sign, and the colon.
func (d *Decoder) scanSign(b []byte, i int) (signs, int, fault) {
	name, escaped, i, f := scanName(b, i)
	if f != fine {
		return 0, i, f
	}
	by := signOf(d.text(name, escaped))
	i, f = colon(b, i)
	return by, i, f
}

// attribute reads a member's name in an envelope and the colon.
func (d *Decoder) attribute(b []byte, i int) (attribute, int, fault) {
	name, escaped, i, f := scanName(b, i)
	if f != fine {
		return otherAttr, i, f
	}
	a := attributeOf(d.text(name, escaped))
	i, f = colon(b, i)
	return a, i, f
}

// structured decodes the structured form: the value is the envelope, and the
// event is in its data or data_base64.
func (d *Decoder) structured(e *Event, b []byte) *Malformed {
	d.reset(e)
	d.signs = formKnown
	i, bad := begin(b)
	if bad != nil {
		return bad
	}
	var v envelope
	i, bad = d.envelope(e, &v, b, i)
	if bad != nil {
		return bad
	}
	if bad := finish(b, i); bad != nil {
		return bad
	}
	if bad := v.check(); bad != nil {
		return bad
	}
	if bad := d.dataBase64(e, &v); bad != nil {
		return bad
	}
	return d.fill(e, &v)
}

// envelope reads an envelope's members, from after its opening brace to the end of the closing
// brace, and the event if it is in data.
func (d *Decoder) envelope(e *Event, v *envelope, b []byte, i int) (int, *Malformed) {
	seen := uint32(0)
	i, more, f := open(b, i, '}')
	for more && f == fine {
		var bad *Malformed
		var a attribute
		from := i
		if a, i, f = d.attribute(b, i); f != fine {
			break
		}
		if bit := uint32(1) << a; a != otherAttr {
			if seen&bit != 0 {
				return from, faultDuplicate.at(attributeNames[a], from)
			}
			seen |= bit
		}
		if i, bad = d.attributeValue(e, v, a, b, i); bad != nil {
			return i, bad
		}
		i, more, f = separator(b, i, '}')
	}
	if f != fine {
		return i, f.at("", i)
	}
	return i, nil
}

// attributeValue reads the value of an attribute: a string, for data the event.
// A null is an absent attribute.
func (d *Decoder) attributeValue(e *Event, v *envelope, a attribute, b []byte, i int) (int, *Malformed) {
	name := ""
	if a != otherAttr {
		name = attributeNames[a]
	}
	switch {
	case i == len(b):
		return i, faultEnd.at(name, i)
	case a == otherAttr || b[i] == 'n':
		end, f := skipValue(b, i, 1)
		if f != fine {
			return end, f.at(name, end)
		}
		return end, nil
	case a == attrData:
		return d.data(e, v, b, i)
	case b[i] != '"':
		return i, wrongType(name, "a string", b, i)
	}
	end, escaped, f := scanString(b, i+1)
	if f != fine {
		return end, f.at(name, end)
	}
	v.attrs[a] = d.text(b[i+1:end-1:end-1], escaped)
	return end, nil
}

// data reads the event that stands in an envelope.
func (d *Decoder) data(e *Event, v *envelope, b []byte, i int) (int, *Malformed) {
	const name = "data"
	switch {
	case holdsJSON(b, i):
		return i, &Malformed{ReasonWrongType, name, i, "a string that holds JSON is not an event; send the object itself, not its text in quotes"}
	case b[i] != '{':
		return i, wrongType(name, "an event; send a JSON object", b, i)
	}
	end, bad := d.object(e, b, i+1)
	if bad != nil {
		return end, bad.under(name)
	}
	v.attrs[attrData] = b[i:end]
	return end, nil
}

// strictBase64 refuses bits after the last byte, so that there is one way only to write the data
// (RFC 4648, sections 3.5 and 4).
var strictBase64 = base64.StdEncoding.Strict()

// dataBase64 decodes the event that is in data_base64, and checks that there is
// one, there or in data.
func (d *Decoder) dataBase64(e *Event, v *envelope) *Malformed {
	text := v.attrs[attrDataBase64]
	switch inData := v.attrs[attrData] != nil; {
	case inData && text != nil:
		return v.malformed(attrDataBase64, "given beside data; send the event in one of the two")
	case inData:
		return nil
	case text == nil:
		return v.malformed(attrData, "absent or null, and so is data_base64; send the event in one of the two")
	}
	d.decoded = append(d.decoded[:0], text...)
	n, err := strictBase64.Decode(d.decoded, text)
	if err != nil || bytes.ContainsAny(text, "\r\n") {
		return v.malformed(attrDataBase64, "not base64; write it in the alphabet with + and /, padded with =, without line breaks")
	}
	if bad := d.document(e, d.decoded[:n]); bad != nil {
		return bad.under(attributeNames[attrDataBase64])
	}
	return nil
}
