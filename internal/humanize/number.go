package humanize

import "strconv"

// Number writes n with separators: 50,000.
func Number[T int | int64](n T) string { return string(AppendNumber(nil, n)) }

// AppendNumber appends n with separators.
func AppendNumber[T int | int64 | uint64](dst []byte, n T) []byte {
	var digits [20]byte // a sign and 19 digits, or 20 digits
	text := digits[:0]
	if n < 0 {
		text = strconv.AppendInt(text, int64(n), 10)
		dst, text = append(dst, '-'), text[1:]
	} else {
		text = strconv.AppendUint(text, uint64(n), 10)
	}
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, digit)
	}
	return dst
}

// Count writes a number of things: 1 event, 2,000 events.
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return Number(n) + " " + thing + "s"
}
