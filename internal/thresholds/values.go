package thresholds

import "strconv"

// AppendValues appends the "measures" of a record: an object with an entry for each limit of r in
// the pack's order. An entry has the value, the limit and whether the value is a lower bound. Where
// the counter is younger than its window, it also has since when it counts.
func AppendValues(dst []byte, r *Rule, v []Value) []byte {
	dst = append(dst, '{')
	for i, l := range r.Limits {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, l.Measure.Name)
		dst = append(dst, ':')
		dst = appendValue(dst, l.Value, v[i])
	}
	return append(dst, '}')
}

func appendValue(dst []byte, limit uint64, v Value) []byte {
	dst = append(dst, `{"value":`...)
	dst = strconv.AppendUint(dst, v.Value, 10)
	dst = append(dst, `,"limit":`...)
	dst = strconv.AppendUint(dst, limit, 10)
	dst = append(dst, `,"at_least":`...)
	dst = strconv.AppendBool(dst, v.AtLeast)
	if v.Since != 0 {
		dst = append(dst, `,"since":`...)
		dst = appendTime(dst, v.Since, rfc3339)
	}
	return append(dst, '}')
}

// AppendCounts appends a line of replay -counts, without the line's end: where
// subject stands in r. The level is the one announced, 0 if none is.
func AppendCounts(dst []byte, r *Rule, subject string, st State, v []Value) []byte {
	dst = append(dst, `{"rule":`...)
	dst = appendString(dst, r.ID)
	dst = appendSubject(dst, r.By, subject)
	dst = appendStanding(dst, st, r.Progress(v))
	dst = append(dst, `,"measures":`...)
	dst = AppendValues(dst, r, v)
	return append(dst, '}')
}

func appendSubject(dst []byte, by Kind, subject string) []byte {
	dst = appendMember(dst, "by", by.String())
	return appendMember(dst, "subject", subject)
}

func appendStanding(dst []byte, st State, progress uint64) []byte {
	dst = append(dst, `,"level":`...)
	dst = st.Level.append(dst)
	dst = append(dst, `,"episode":`...)
	dst = strconv.AppendUint(dst, st.Episode, 10)
	dst = append(dst, `,"progress":`...)
	return AppendProgress(dst, progress)
}
