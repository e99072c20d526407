package console

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// Nearest prints what is near a limit.
func (p *Paper) Nearest(rows []client.Item[client.Row], now time.Time) error {
	if len(rows) == 0 {
		return p.print(line{plain, nothingNear})
	}
	return p.print(p.cut(p.nearest(rows, now))...)
}

const nothingNear = "Nothing that was asked for is near a limit: what is at a tenth of one, or has a level, is listed."

// The bar that shows how far a limit is.
const (
	barWidth = 20
	slimBar  = 10
	wideName = 32 // columns that a subject wants to have, if it is so long
)

// narrower is what is left out, one after the other, where a terminal is narrow.
var narrower = [][]string{nil, {"RATE"}, {"RATE", "LEVEL"}, {"RATE", "LEVEL", ""}, {"RATE", "LEVEL", "", "IN"}, {"RATE", "LEVEL", "", "IN", "RULE"}}

// nearest is the table of them, as wide as there is room.
func (p *Paper) nearest(rows []client.Item[client.Row], now time.Time) (lines []line) {
	name := len("SUBJECT")
	for i := range rows {
		name = max(name, min(width(subjectOf(&rows[i].Value)), wideName))
	}
	for _, left := range narrower {
		for _, bar := range []int{barWidth, slimBar} {
			t := nearTable(rows, now, bar).without(left...)
			lines = t.lines()
			if p.Columns == 0 || width(lines[0].text)-len("SUBJECT")+name <= p.Columns {
				return lines
			}
		}
	}
	return lines
}

func nearTable(rows []client.Item[client.Row], now time.Time, bar int) *table {
	t := &table{columns: []column{
		{"PROGRESS", true}, {"", false}, {"VALUE / LIMIT", false}, {"LEVEL", false}, {"RATE", true}, {"IN", true}, {"RULE", false}, {"SUBJECT", false},
	}}
	for i := range rows {
		r := &rows[i].Value
		t.add(styleOf(r), percent(r.Progress), barOf(r.Progress, bar), nearestFigure(r), levelOf(r), rateOf(r), limitIn(r, now), Visible(r.Rule), subjectOf(r))
	}
	return t
}

func subjectOf(r *client.Row) string { return Visible(r.By) + " " + word(r.Subject) }

func styleOf(r *client.Row) string {
	switch {
	case r.Progress >= 1:
		return red
	case r.Level > 0:
		return yellow
	}
	return plain
}

// barOf is full at the limit.
func barOf(progress float64, width int) string {
	full := int(min(progress, 1)*float64(width) + 1e-9)
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

// figure is a measure and its limit, in words.
type figure struct {
	text string
	client.Measure
}

// figures are the measures of a row, the nearest to its limit first.
func figures(r *client.Row) (list []figure) {
	for name, m := range r.Measures {
		least := ""
		if m.AtLeast {
			least = "≥ "
		}
		list = append(list, figure{fmt.Sprintf("%s%s / %s %s", least, humanize.Number(m.Value), humanize.Number(m.Limit), Visible(name)), m})
	}
	share := func(f figure) float64 { return float64(f.Value) / float64(max(f.Limit, 1)) }
	slices.SortFunc(list, func(a, b figure) int { return cmp.Or(cmp.Compare(share(b), share(a)), strings.Compare(a.text, b.text)) })
	return list
}

// nearestFigure is the first of them, and how many more there are.
func nearestFigure(r *client.Row) string {
	switch all := figures(r); len(all) {
	case 0:
		return "-"
	case 1:
		return all[0].text
	default:
		return fmt.Sprintf("%s, +%d", all[0].text, len(all)-1)
	}
}

// levelOf is the level announced, and the one that the rules ask for since they changed.
func levelOf(r *client.Row) string {
	text := "-"
	if r.Level > 0 {
		text = number(r.Level)
	}
	if r.Pending != nil {
		text += " (" + number(*r.Pending) + " due)"
	}
	return text
}

// rateOf is how much progress an hour makes.
func rateOf(r *client.Row) string {
	if r.Rate == nil {
		return "-"
	}
	return tenth(*r.Rate*100) + " %/h"
}

// ratesHold is how long after the last event a rate, which is of an hour, says anything.
const ratesHold = time.Hour

// limitIn is when the limit is reached at the rate of the last hour.
func limitIn(r *client.Row, now time.Time) string {
	switch {
	case r.Progress > 1:
		return "over"
	case r.Progress == 1:
		return "at it"
	case r.LimitAt == nil:
		return "-"
	case !r.LimitAt.After(now), r.Time != nil && now.Sub(*r.Time) > ratesHold:
		return "silent" // it would have been reached by now, or the rate is of long ago
	}
	return span(r.LimitAt.Sub(now))
}
