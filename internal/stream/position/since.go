package position

// LaterSince is the later of two times since which counts are whole, ns. 0, from the start, is
// before them all, also before a time before 1970.
func LaterSince(a, b int64) int64 {
	if a == 0 || b != 0 && b > a {
		return b
	}
	return a
}

// SinceTime is a time as a time since which counts are whole, ns. The one time that would mean
// "from the start" is a nanosecond later.
func SinceTime(t int64) int64 {
	if t == 0 {
		return 1
	}
	return t
}
