package thresholds

import "strconv"

// Definition is what the measure counts, as a text. Two measures share the text if and only if they
// count the same. It holds neither the measure's name nor the order or the way in which the pack
// wrote it down. A counter is kept under it, so a change to this text loses the counts of every
// installation. (Texts are quoted as ASCII, since what else is printed plainly changes with the
// releases of Go.)
//
//	sum "count" of "click"; after (sum "count" of "order")
//	distinct of "send"."recipient" "view"."account"; weight "members"; where "media" not "video"
func (m *Measure) Definition() string { return string(m.appendDefinition(nil)) }

func (m *Measure) appendDefinition(dst []byte) []byte {
	if m.Op == Sum {
		dst = strconv.AppendQuoteToASCII(append(dst, "sum "...), m.Number)
	} else {
		dst = append(dst, "distinct"...)
	}
	dst = append(dst, " of"...)
	for _, t := range m.Types {
		dst = strconv.AppendQuoteToASCII(append(dst, ' '), t.Type)
		if m.Op == Distinct {
			dst = strconv.AppendQuoteToASCII(append(dst, '.'), t.Key)
		}
	}
	if m.Op == Distinct && m.Number != "" {
		dst = strconv.AppendQuoteToASCII(append(dst, "; weight "...), m.Number)
	}
	for _, f := range m.Where {
		dst = f.appendDefinition(dst)
	}
	if m.After != nil {
		dst = m.After.appendDefinition(append(dst, "; after ("...))
		dst = append(dst, ')')
	}
	return dst
}

func (f *Filter) appendDefinition(dst []byte) []byte {
	dst = strconv.AppendQuoteToASCII(append(dst, "; where "...), f.Field)
	if f.Not {
		dst = append(dst, " not"...)
	}
	for _, v := range f.Values {
		dst = strconv.AppendQuoteToASCII(append(dst, ' '), v)
	}
	return dst
}
