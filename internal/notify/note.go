package notify

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// note is what stands beside a committed offset: where the sink began, what is done after the offset, and when everything before some
// offsets was done.
//
// Its text is "n1", then "b=" and how far before the offset the sink began, then "d=" and a bit for each offset after the committed
// one, in base64, then "m=" and the marks, each the distance that it lies before the committed offset, and its Unix time.
type note struct {
	began int64 // the sink was told of nothing before
	done  map[int64]bool
	marks []mark
}

const noteForm = "n1"

// encode is the text beside an offset.
func (n *note) encode(base int64) string {
	var b strings.Builder
	b.WriteString(noteForm + " b=" + strconv.FormatInt(base-n.began, 10))
	if bits := bitsOf(n.done, base); len(bits) > 0 {
		b.WriteString(" d=" + base64.RawURLEncoding.EncodeToString(bits))
	}
	for i, m := range n.marks {
		b.WriteString([]string{" m=", ","}[min(i, 1)])
		b.WriteString(strconv.FormatInt(base-m.offset, 10) + "@" + strconv.FormatInt(m.at.Unix()+1, 10)) // not before it
	}
	return b.String()
}

// bitsOf has a bit for each offset from base on, the lowest first.
func bitsOf(done map[int64]bool, base int64) []byte {
	var bits []byte
	for offset := range done {
		at := offset - base
		if at < 0 || at >= 2*windowSpan {
			continue
		}
		for int64(len(bits)) <= at/8 {
			bits = append(bits, 0)
		}
		bits[at/8] |= 1 << (at % 8)
	}
	return bits
}

// parseNote reads a note. What cannot be read was written by somebody else, as a tool that moved the group, and says nothing: the sink
// begins at the offset.
func parseNote(text string, base int64) note {
	n := note{began: base, done: map[int64]bool{}}
	fields := strings.Fields(text)
	if len(fields) == 0 || fields[0] != noteForm {
		return n
	}
	for _, f := range fields[1:] {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "b":
			if distance, err := strconv.ParseInt(value, 10, 64); err == nil {
				n.began = base - distance
			}
		case "d":
			bits, err := base64.RawURLEncoding.DecodeString(value)
			if err != nil {
				continue
			}
			for at := range int64(len(bits) * 8) {
				if bits[at/8]&(1<<(at%8)) != 0 {
					n.done[base+at] = true
				}
			}
		case "m":
			n.marks = parseMarks(value, base)
		}
	}
	return n
}

func parseMarks(text string, base int64) (list []mark) {
	for field := range strings.SplitSeq(text, ",") {
		before, at, _ := strings.Cut(field, "@")
		distance, err := strconv.ParseInt(before, 10, 64)
		seconds, err2 := strconv.ParseInt(at, 10, 64)
		if err != nil || err2 != nil {
			return nil
		}
		list = append(list, mark{base - distance, time.Unix(seconds, 0)})
	}
	return list
}

// sentBy is a time by which the record at an offset had been sent, the earliest that is known; zero: long ago.
func (n *note) sentBy(offset int64) time.Time {
	for i, m := range n.marks {
		if offset < m.offset {
			if i == 0 {
				return time.Time{} // before the first mark
			}
			return m.at
		}
	}
	return time.Time{}
}
