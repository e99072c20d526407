package event

import "time"

// Times are accepted from minTime on and before maxTime. So every time is an int64 of nanoseconds
// with room for a window on either side.
var (
	minTime = time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	maxTime = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// dateTime is how a time begins. A fraction and the zone follow.
const dateTime = "2006-01-02T15:04:05"

// parseTime reads an RFC 3339 time as Unix nanoseconds. It takes an upper case T, and Z or a zone.
// It takes at most 9 digits after a point, and no leap second.
func parseTime(s []byte) (int64, fault) {
	seconds, f := parseDateTime(s)
	if f != fine {
		return 0, f
	}
	nanos, zone, f := parseFraction(s[len(dateTime):])
	if f != fine {
		return 0, f
	}
	offset, f := parseZone(zone)
	if f != fine {
		return 0, f
	}
	seconds -= offset
	switch {
	case seconds < minTime:
		return 0, faultTimeEarly
	case seconds >= maxTime:
		return 0, faultTimeAhead
	}
	return seconds*1e9 + nanos, fine
}

// parseDateTime reads the date and time that s begins with, as seconds since
// 1970 if it were UTC.
func parseDateTime(s []byte) (int64, fault) {
	if len(s) < len(dateTime) || s[4] != '-' || s[7] != '-' || s[13] != ':' || s[16] != ':' {
		return 0, faultTime
	}
	if s[10] != 'T' {
		return 0, caseFault(s[10], 't', faultTime)
	}
	year, month, day := two(s, 0)*100+two(s, 2), two(s, 5), two(s, 8)
	hour, minute, second := two(s, 11), two(s, 14), two(s, 17)
	switch {
	case max(year, month, day, hour, minute, second) >= notTwo:
		return 0, faultTime
	case second == 60:
		return 0, faultTimeLeap
	case month < 1 || month > 12 || day < 1 || day > daysIn(year, month):
		return 0, faultTimeDate
	case hour > 23 || minute > 59 || second > 59:
		return 0, faultTimeDate
	}
	return daysSince1970(year, month, day)*86400 + hour*3600 + minute*60 + second, fine
}

// parseFraction reads a point and digits, if any, and returns what follows.
func parseFraction(s []byte) (nanos int64, rest []byte, f fault) {
	if len(s) == 0 || s[0] != '.' {
		return 0, s, fine
	}
	end := skipDigits(s, 1)
	if end == 1 || end > 10 {
		return 0, nil, faultTimeDigits
	}
	for _, c := range s[1:end] {
		nanos = nanos*10 + int64(c-'0')
	}
	for range 10 - end {
		nanos *= 10
	}
	return nanos, s[end:], fine
}

// parseZone reads Z or a zone such as +08:00, and returns its seconds.
func parseZone(s []byte) (int64, fault) {
	if len(s) == 1 {
		if s[0] != 'Z' {
			return 0, caseFault(s[0], 'z', faultTimeZone)
		}
		return 0, fine
	}
	if len(s) != len("+08:00") || s[3] != ':' || s[0] != '+' && s[0] != '-' {
		return 0, faultTimeZone
	}
	hours, minutes := two(s, 1), two(s, 4)
	if hours > 23 || minutes > 59 {
		return 0, faultTimeZone
	}
	if s[0] == '-' {
		return -hours*3600 - minutes*60, fine
	}
	return hours*3600 + minutes*60, fine
}

func caseFault(got, lower byte, other fault) fault {
	if got == lower {
		return faultTimeCase
	}
	return other
}

// notTwo is more than any year has, so that one bad pair of digits shows.
const notTwo = 1e6

// two reads two digits, and returns notTwo if they are none.
func two(s []byte, i int) int64 {
	tens, ones := s[i]-'0', s[i+1]-'0'
	if tens > 9 || ones > 9 {
		return notTwo
	}
	return int64(tens)*10 + int64(ones)
}

func daysIn(year, month int64) int64 {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return int64([13]uint8{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month])
}

// daysSince1970 counts the days of the Gregorian calendar from 1970-01-01 to a
// date: https://howardhinnant.github.io/date_algorithms.html, days_from_civil.
// The year begins in March there, so that the leap day is its last.
func daysSince1970(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return year*365 + year/4 - year/100 + year/400 + dayOfYear - 719468
}
