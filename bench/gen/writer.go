package gen

import (
	"strconv"
	"time"
)

// writer appends an event's members, whose texts need no escapes.
type writer struct{ key, value []byte }

// open begins the event with what each has.
func (w *writer) open(seed uint64, number int, at time.Time) {
	w.value = append(w.value, `{"id":"`...)
	w.value = appendPadded(w.value, seed%1e6, 6)
	w.value = append(w.value, '-')
	w.value = appendPadded(w.value, uint64(number), 12)
	w.value = append(w.value, `","time":"`...)
	w.value = at.AppendFormat(w.value, "2006-01-02T15:04:05.000000Z")
	w.value = append(w.value, '"')
}

func (w *writer) name(name string) {
	w.value = append(w.value, ',', '"')
	w.value = append(w.value, name...)
	w.value = append(w.value, '"', ':')
}

func (w *writer) text(name, value string) {
	w.name(name)
	w.value = append(w.value, '"')
	w.value = append(w.value, value...)
	w.value = append(w.value, '"')
}

func (w *writer) number(name string, n int64) {
	w.name(name)
	w.value = strconv.AppendInt(w.value, n, 10)
}

// who writes an id: a prefix and a padded number.
func (w *writer) who(name string, id id) {
	w.name(name)
	w.value = append(w.value, '"')
	w.value = id.append(w.value)
	w.value = append(w.value, '"')
}

// keyed is who, for the id that is the record's key.
func (w *writer) keyed(name string, id id) {
	w.key = id.append(w.key)
	w.who(name, id)
}

// id is the id of an incident, account, content, group or site.
type id struct {
	prefix string
	number int64
	sub    int64 // a number within number, from 1; 0: none
}

func (i id) append(dst []byte) []byte {
	dst = append(dst, i.prefix...)
	dst = appendPadded(dst, uint64(i.number), 6)
	if i.sub > 0 {
		dst = append(dst, '-')
		dst = appendPadded(dst, uint64(i.sub), 6)
	}
	return dst
}

func appendPadded(dst []byte, n uint64, width int) []byte {
	var digits [20]byte
	text := strconv.AppendUint(digits[:0], n, 10)
	for i := len(text); i < width; i++ {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}
