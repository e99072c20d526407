package main

import "strconv"

// didYouMean is the end of a message about a name that is not among names: the
// nearest one, or nothing if none is near.
func didYouMean(given string, names []string) string {
	const tooLong = 80 // longer than any name; the distance is quadratic
	if len(given) > tooLong {
		return ""
	}
	best, least := "", max(1, min(3, (len(given)+1)/3))+1
	for _, name := range names {
		if d := distance(given, name); d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + strconv.Quote(best) + "?"
}

// distance is how many bytes must be put in, left out or changed to make b of a
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
