package strictyaml

import (
	"strings"
	"unicode/utf8"
)

// Nearest is the name among names that was most probably meant by given; ""
// if none is near. Case, dashes, underscores and spaces do not count; of names
// equally near the first wins.
func Nearest(given string, names []string) string {
	const (
		tooLong = 80    // characters; longer than any name, and the distance is quadratic
		most    = 1_000 // names looked at, for each of at most maxFaults faults
	)
	if utf8.RuneCountInString(given) > tooLong {
		return ""
	}
	from := []rune(fold(given))
	best, least := "", maxTypos(len(from))+1
	for _, name := range names[:min(len(names), most)] {
		if d := farness(from, []rune(fold(name))); d < least {
			best, least = name, d
		}
	}
	return best
}

// farness is how far the names are apart: their distance. Where one is a beginning of the other, it
// is at most the typos allowed.
func farness(a, b []rune) int {
	typos := maxTypos(len(a))
	if begins(string(a), string(b)) {
		return min(typos, max(len(a)-len(b), len(b)-len(a)))
	}
	if d := len(a) - len(b); d > typos || -d > typos {
		return typos + 1
	}
	return distance(a, b)
}

// fold is s as far as it counts for Nearest.
func fold(s string) string { return separators.Replace(strings.ToLower(s)) }

var separators = strings.NewReplacer("-", "", "_", "", " ", "")

// begins reports whether either text is a beginning, of at least three letters, of the other.
func begins(a, b string) bool {
	return len(a) >= 3 && len(b) >= 3 && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// maxTypos is how many letters of n may be wrong: one in three, at most three.
func maxTypos(n int) int { return max(1, min(3, n/3)) }

// distance is the number of letters to put in, leave out, change or swap with
// their neighbour to make b of a (optimal string alignment).
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// DidYouMean ends a message about a name that is not among names: "; did you
// mean" the nearest; nothing if none is near.
func DidYouMean(given string, names []string) string {
	near := Nearest(given, names)
	if near == "" {
		return ""
	}
	return "; did you mean " + Quote(near) + "?"
}

// MeantOrAll ends a message about a name that is not among names: with the
// nearest, or with what there is.
func MeantOrAll(given string, names []string) string {
	const few = 20
	if near := DidYouMean(given, names); near != "" {
		return strings.TrimPrefix(near, "; ")
	}
	if len(names) == 0 {
		return "there is none"
	}
	more := ""
	if len(names) > few {
		names, more = names[:few], ", ..."
	}
	var list []string
	for _, name := range names {
		list = append(list, Shown(name))
	}
	return "choose from " + strings.Join(list, ", ") + more
}
