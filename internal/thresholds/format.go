package thresholds

import (
	"time"
)

// The layouts of times, RFC 3339. One has as many digits after the point as needed, none for whole
// seconds. The other always has three, and what is finer is cut.
const (
	rfc3339      = time.RFC3339Nano
	rfc3339Milli = "2006-01-02T15:04:05.000Z07:00"
)

// appendTime appends a time, given in Unix nanoseconds, in quotes and in UTC.
// Nothing in it needs an escape.
func appendTime(dst []byte, nanoseconds int64, layout string) []byte {
	return appendInstant(dst, time.Unix(0, nanoseconds), layout)
}

func appendInstant(dst []byte, t time.Time, layout string) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, layout)
	return append(dst, '"')
}
