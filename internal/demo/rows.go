package demo

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
)

// Terminals have any number of columns. The numbers and the title of the rule come first.
const (
	wide  = 80  // columns, from which on rows are tables
	wider = 100 // and hold bars, kinds and severities
)

// crossingRow shows a crossing: when, which level, the numbers, the rule, the subject.
func crossingRow(a *crossing, columns int) row {
	style := yellow
	switch a.Severity {
	case "critical":
		style = red
	case "info":
		style = normal
	}
	at := a.Detected.Local().Format("15:04:05")
	if columns >= wider {
		at += fmt.Sprintf("  %-8s", a.Severity)
	}
	return row{style, spread(fmt.Sprintf("%s  %-3s  ", at, a.Level), a.numbers(), a.Title, a.By, a.Subject, columns)}
}

// standingRow shows how near a subject is to a limit: how far, with a bar if there is room, the
// numbers, the rule, the subject.
func standingRow(s *inspect.Standing, columns int) row {
	style := normal
	if s.State.Level > 0 {
		style = yellow
	}
	far := fmt.Sprintf("%4d %%  ", s.Progress/100)
	if columns >= wider {
		const width = 20
		full := int(min(s.Progress*width/10_000, width))
		far += strings.Repeat("█", full) + strings.Repeat("░", width-full) + "  "
	}
	return row{style, spread(far, nearestPart(s).numbers(), s.Rule.Title, s.Rule.By.String(), s.Subject, columns)}
}

const (
	// subjectWidth is as wide as the ids of the demo are.
	subjectWidth = len("inc-dispute-0001")
	kindWidth    = len("incident ")
	// mostTitle is as wide as the titles of the built-in pack are.
	mostTitle = 52
)

// spread is a row: numbers and title behind what begins it, then the subject. On a wide terminal
// subjects stand in a column, and the title has what is left.
func spread(begins, numbers, title, by, subject string, columns int) string {
	if columns < wide {
		return fmt.Sprintf("%s%s, %s, %s", begins, numbers, title, subject)
	}
	begins += fmt.Sprintf("%-18s  ", numbers)
	room := subjectWidth
	if columns >= wider {
		subject, room = by+" "+subject, room+kindWidth
	}
	left := columns - utf8.RuneCountInString(begins) - max(room, utf8.RuneCountInString(subject)) - 2
	left = min(left, mostTitle)
	return fmt.Sprintf("%s%-*s  %s", begins, max(left, 0), fit(title, max(left, 0)), subject)
}
