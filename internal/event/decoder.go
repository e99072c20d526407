package event

import "bytes"

// Decoder decodes records into events. Its zero value is ready to use. It owns the memory for texts
// with escapes. So it serves one goroutine, and an event is valid until the next call of the
// decoder that filled it. Decoding allocates nothing once that memory has grown, except for an
// error.
//
// Each method sets the whole event. Its error is always a *Malformed; the event then holds nothing
// of use.
type Decoder struct {
	// Types maps the type of a CloudEvents envelope to ours, where the event has none: config
	// cloudevents.types. A type that is not in it is taken as it is.
	Types map[string]string

	timed   bool   // the event has a time
	signs   signs  // by the members read so far
	sign    signs  // by the name of the unknown member read last, if its value is not null
	scratch []byte // texts of the event that were written with escapes
	decoded []byte // what a data_base64 decodes to
	follow  [numMembers]member
}

// Decode decodes a value without headers, as a line of a file is.
func (d *Decoder) Decode(e *Event, value []byte) error {
	return d.DecodeRecord(e, value, nil)
}

// DecodeRecord decodes a record's value. The form is decided by what is there, never by a content
// type. A value that is an object with a specversion and a source is the structured form of
// CloudEvents. Otherwise a header ce_specversion makes it the binary form. Otherwise it is a plain
// event, and the headers mean nothing.
//
// A value is read as an event until its members show that it is an envelope, so that usual values
// are read once.
func (d *Decoder) DecodeRecord(e *Event, value []byte, headers []Header) error {
	d.reset(e)
	bad := d.document(e, value)
	switch {
	case d.signs == signsOfEnvelope, bad != nil && d.isEnvelope(value):
		return asError(d.structured(e, value))
	case bad != nil:
		return bad
	case isBinary(headers):
		return asError(d.binary(e, headers))
	}
	return asError(d.required(e))
}

func (d *Decoder) reset(e *Event) {
	*e = Event{Has: 1 << Count}
	e.Num[Count] = 1
	d.timed, d.signs = false, 0
	d.scratch = d.scratch[:0]
}

// required checks that the event has what every event needs.
func (d *Decoder) required(e *Event) *Malformed {
	switch {
	case e.ID == nil:
		return missing(memberID)
	case !d.timed:
		return missing(memberTime)
	case e.Type == nil:
		return missing(memberType)
	}
	return nil
}

func missing(m member) *Malformed {
	return &Malformed{ReasonMissing, m.name(), -1, "absent or null; send " + m.want()}
}

// document reads a whole value that is one object, or to where it turns out to be an envelope.
func (d *Decoder) document(e *Event, b []byte) *Malformed {
	i, bad := begin(b)
	if bad == nil {
		i, bad = d.object(e, b, i)
	}
	switch {
	case bad != nil:
		return named(b, bad)
	case d.signs == signsOfEnvelope:
		return nil
	}
	return finish(b, i)
}

// begin reads up to the end of the brace with which a value begins.
func begin(b []byte) (int, *Malformed) {
	switch {
	case len(b) == 0:
		return 0, faultEmpty.at("", -1)
	case len(b) > MaxSize:
		return 0, faultTooLarge.at("", -1)
	}
	i := skipSpace(b, 0)
	switch {
	case i == len(b):
		return i, faultEnd.at("", i)
	case b[i] == '{':
		return i + 1, nil
	}
	return i, wrongType("", "an event; send a JSON object", b, i)
}

// finish checks that nothing but space follows.
func finish(b []byte, end int) *Malformed {
	i := skipSpace(b, end)
	switch {
	case i == len(b):
		return nil
	case b[i] == '{' && bytes.IndexByte(b[end:i], '\n') >= 0:
		return faultLines.at("", i)
	}
	return faultTrailing.at("", i)
}

// object reads an event's members, from after its opening brace to the end of the closing brace. It
// stops where the members have shown that they are an envelope's.
func (d *Decoder) object(e *Event, b []byte, i int) (int, *Malformed) {
	seen, previous := uint32(0), start
	i, more, f := open(b, i, '}')
	for more && f == fine {
		var bad *Malformed
		from := i
		m := d.predicted(b, i, previous)
		if m != unknown {
			i = skipSpace(b, i+len(specs[m].quoted))
		} else if m, i, f = d.member(b, i, previous); f != fine {
			break
		}
		if bit := uint32(1) << m; m != unknown {
			if seen&bit != 0 {
				return from, faultDuplicate.at(m.name(), from)
			}
			seen |= bit
		} else if d.noteSign(b, i) {
			return i, nil
		}
		if i, bad = d.value(e, m, b, i); bad != nil {
			return i, bad
		}
		i, more, f = separator(b, i, '}')
		previous = m
	}
	if f != fine {
		return i, f.at("", i)
	}
	return i, nil
}

// member reads any member's name and the colon.
func (d *Decoder) member(b []byte, i int, previous member) (member, int, fault) {
	name, escaped, i, f := scanName(b, i)
	if f != fine {
		return unknown, i, f
	}
	text := d.text(name, escaped)
	m := memberOf(text)
	if m == unknown {
		d.sign = signOf(text)
	}
	d.learn(previous, m)
	i, f = colon(b, i)
	return m, i, f
}

// text returns what a string's text stands for.
func (d *Decoder) text(s []byte, escaped bool) []byte {
	if !escaped {
		return s
	}
	from := len(d.scratch)
	d.scratch = appendUnescaped(d.scratch, s)
	return d.scratch[from:len(d.scratch):len(d.scratch)]
}

// value reads a member's value into the event.
func (d *Decoder) value(e *Event, m member, b []byte, i int) (int, *Malformed) {
	switch {
	case i == len(b):
		return i, faultEnd.at(m.name(), i)
	case m == unknown || b[i] == 'n':
		end, f := skipValue(b, i, 1)
		if f != fine {
			return end, f.at(m.name(), end)
		}
		return end, nil
	case m.isNum():
		return d.integer(e, m, b, i)
	case b[i] != '"':
		return i, wrongType(m.name(), m.want(), b, i)
	}
	end, escaped, f := scanString(b, i+1)
	if f != fine {
		return end, f.at(m.name(), end)
	}
	s := d.text(b[i+1:end-1:end-1], escaped)
	if f := d.set(e, m, s); f != fine {
		return i, refused(f, m, m.name(), len(s), i)
	}
	return end, nil
}

func (d *Decoder) integer(e *Event, m member, b []byte, i int) (int, *Malformed) {
	n, end, ok := scanInteger(b, i)
	if !ok || n < specs[m].min || n > specs[m].max {
		return i, notInteger(m, b, i)
	}
	e.Num[m-firstNum] = n
	e.Has |= 1 << (m - firstNum)
	return end, nil
}

// set sets a member that is a text.
func (d *Decoder) set(e *Event, m member, s []byte) fault {
	if m == memberTime {
		t, f := parseTime(s)
		e.Time, d.timed = t, true
		return f
	}
	if len(s) == 0 || len(s) > int(specs[m].max) {
		return faultLength
	}
	switch m {
	case memberID:
		e.ID = s
	case memberType:
		e.Type = s
	default:
		e.Str[m] = s
	}
	return fine
}
