package event

import "github.com/seed-afe14ff2/aggregator/internal/humanize"

// attribute is an attribute of a CloudEvents 1.0 envelope, or one of the two
// members that hold the event in the structured form.
type attribute uint8

const (
	attrSpecversion attribute = iota
	attrID
	attrSource
	attrType
	attrTime
	attrContentType
	attrData
	attrDataBase64
	otherAttr // any other, also how many known ones there are
)

var attributeNames = [otherAttr]string{
	"specversion", "id", "source", "type", "time", "datacontenttype", "data", "data_base64",
}

// attributeOf returns the attribute of that name, or otherAttr.
func attributeOf(name []byte) attribute {
	for a := range otherAttr {
		if string(name) == attributeNames[a] {
			return a
		}
	}
	return otherAttr
}

// envelope holds the attributes of one CloudEvents envelope: nil is absent.
type envelope struct {
	binary bool // the attributes were headers
	attrs  [otherAttr][]byte
}

// name says what an attribute is called in its envelope.
func (v *envelope) name(a attribute) string {
	if v.binary {
		return headerPrefix + attributeNames[a]
	}
	return attributeNames[a]
}

// malformed says that an attribute breaks CloudEvents 1.0.
func (v *envelope) malformed(a attribute, detail string) *Malformed {
	return &Malformed{ReasonCloudEvents, v.name(a), -1, detail}
}

// check checks what CloudEvents 1.0 requires of an envelope. It judges the data, not their content
// type: data_base64 holds what a producer gave as bytes, of any type.
func (v *envelope) check() *Malformed {
	for _, a := range [...]attribute{attrSpecversion, attrID, attrSource, attrType} {
		if len(v.attrs[a]) == 0 {
			return v.malformed(a, "absent or empty; CloudEvents 1.0 requires it")
		}
	}
	if string(v.attrs[attrSpecversion]) != "1.0" {
		return v.malformed(attrSpecversion, "not 1.0; send CloudEvents of version 1.0")
	}
	return nil
}

// fill takes from the envelope what the event lacks.
func (d *Decoder) fill(e *Event, v *envelope) *Malformed {
	if e.ID == nil {
		if n := len(v.attrs[attrSource]); n > maxSource {
			return &Malformed{ReasonOutOfRange, v.name(attrSource), -1, "a source of " + humanize.Number(n) +
				" bytes is not one of 1 to " + humanize.Number(maxSource) + "; shorten it, or give the event an id of its own"}
		}
		if bad := d.setFrom(e, memberID, v, attrID); bad != nil {
			return bad
		}
		e.Source = v.attrs[attrSource]
	}
	if e.Type == nil {
		v.attrs[attrType] = d.mapType(v.attrs[attrType])
		if bad := d.setFrom(e, memberType, v, attrType); bad != nil {
			return bad
		}
	}
	if d.timed {
		return nil
	}
	if v.attrs[attrTime] == nil {
		return missing(memberTime)
	}
	return d.setFrom(e, memberTime, v, attrTime)
}

// setFrom sets a member to the text of an attribute.
func (d *Decoder) setFrom(e *Event, m member, v *envelope, a attribute) *Malformed {
	s := v.attrs[a]
	if f := d.set(e, m, s); f != fine {
		return refused(f, m, v.name(a), len(s), -1)
	}
	return nil
}

// mapType returns our name of an envelope's type.
func (d *Decoder) mapType(name []byte) []byte {
	ours, ok := d.Types[string(name)]
	if !ok {
		return name
	}
	from := len(d.scratch)
	d.scratch = append(d.scratch, ours...)
	return d.scratch[from:len(d.scratch):len(d.scratch)]
}
