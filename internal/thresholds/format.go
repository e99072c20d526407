package thresholds

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// String is the level in its shortest form: "0.5", "1", "0".
func (l Level) String() string { return string(l.append(nil)) }

func (l Level) append(dst []byte) []byte {
	whole, rest := l/LevelOne, l%LevelOne
	dst = strconv.AppendUint(dst, uint64(whole), 10)
	if rest == 0 {
		return dst
	}
	return append(dst, strings.TrimRight(fmt.Sprintf(".%04d", rest), "0")...)
}

// AppendProgress appends a progress, given in 1/10,000, as a decimal number
// that always has a point: 0.8123, 0.8, 1.0.
func AppendProgress(dst []byte, progress uint64) []byte {
	dst = Level(progress).append(dst)
	if progress%uint64(LevelOne) == 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

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
