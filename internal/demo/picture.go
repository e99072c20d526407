package demo

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
)

// Sequences that every terminal of the last decades knows (ECMA-48, and xterm's
// alternate screen).
const (
	enter     = "\x1b[?1049h\x1b[?25l"
	leave     = "\x1b[?25h\x1b[?1049l"
	home      = "\x1b[H"
	restOfRow = "\x1b[K"
	restBelow = "\x1b[J"
	bold      = "\x1b[1m"
	dim       = "\x1b[2m"
	yellow    = "\x1b[33m"
	red       = "\x1b[31m"
	normal    = "\x1b[0m"
)

// picture is what one drawing shows.
type picture struct {
	figures   figures
	rate      int
	addr      string
	passed    time.Duration
	seed      uint64
	near      []inspect.Standing
	keys      int
	bytes     int64
	crossings []crossing
	note      string
}

// draw is the picture for a terminal of that size: no row is wider than it, and
// there are no more rows.
func (p *picture) draw(columns, rows int) string {
	var lines []row
	lines = append(lines,
		row{bold, "aggregator demo, " + p.passed.Round(time.Second).String() + ": all in one process. Ctrl-C stops it."},
		row{dim, fmt.Sprintf("http://%s/metrics, seed %d", p.addr, p.seed)}, row{normal, p.eventsLine()}, row{normal, p.storeLine()}, row{},
		row{bold, "NEAREST TO A LIMIT"})
	for i := range p.near {
		lines = append(lines, standingRow(&p.near[i], columns))
	}
	lines = append(lines, row{}, row{bold, "CROSSINGS, the newest first"})
	room := rows - len(lines) - 2
	for i := len(p.crossings) - 1; i >= 0 && room > 0; i-- {
		lines = append(lines, crossingRow(&p.crossings[i]))
		room--
	}
	foot := row{dim, "A crossing is a prompt for a person to look, never a legal finding."}
	if p.note != "" {
		foot = row{yellow, p.note}
	}
	return render(lines, foot, columns, rows)
}

// row is a line of one style.
type row struct{ style, text string }

func (r row) cut(columns int) string {
	if r.text == "" {
		return ""
	}
	text := r.text
	if n := utf8.RuneCountInString(text); n > columns {
		text = string([]rune(text)[:max(columns-1, 0)]) + "…"
	}
	return r.style + text + normal
}

func render(lines []row, foot row, columns, rows int) string {
	if most := max(rows-1, 0); len(lines) > most {
		lines = lines[:most]
	}
	var b strings.Builder
	b.WriteString(home)
	for _, l := range lines {
		b.WriteString(l.cut(columns) + restOfRow + "\r\n")
	}
	b.WriteString(foot.cut(columns) + restOfRow + restBelow)
	return b.String()
}

func (p *picture) eventsLine() string {
	f := p.figures
	return fmt.Sprintf("events  %s/s, %s read: matched %s, duplicate %s, malformed %s, ahead %s, late %s",
		humanize.Number(p.rate), humanize.Number(f.events("")), humanize.Number(f.events("matched")), humanize.Number(f.events("duplicate")),
		humanize.Number(f.events("malformed")), humanize.Number(f.events("ahead")), humanize.Number(f.of("late_total")))
}

func (p *picture) storeLine() string {
	return fmt.Sprintf("counts  %s keys, %s stored, once a second; %s to come; %s announced",
		humanize.Number(p.keys), kibibytes(p.bytes), humanize.Count(p.figures.of("lag_records"), "record"),
		humanize.Count(p.figures.of("crossings_total"), "crossing"))
}

func crossingRow(a *crossing) row {
	style := yellow
	switch a.Severity {
	case "critical":
		style = red
	case "info":
		style = normal
	}
	return row{style, fmt.Sprintf("%s  %-8s %3s  %s: %s", a.Detected.Local().Format("15:04:05"), a.Severity, a.Level, a.Rule, a.Summary)}
}

// standingRow shows a subject with a bar, if the terminal is wide enough for one.
func standingRow(s *inspect.Standing, columns int) row {
	style := normal
	switch {
	case reached(s):
		style = red
	case s.State.Level > 0:
		style = yellow
	}
	bar := ""
	if columns >= 100 {
		const width = 20
		full := int(min(s.Progress*width/10_000, width))
		bar = strings.Repeat("█", full) + strings.Repeat("░", width-full) + "  "
	}
	text := fmt.Sprintf("%4d %%  %s%-8s %-20s  %-16s  %s", s.Progress/100, bar, s.Rule.By, s.Subject, s.Rule.ID, nearestMeasure(s))
	if columns < 80 {
		text = fmt.Sprintf("%4d %%  %s %s, %s", s.Progress/100, s.Rule.By, s.Subject, nearestMeasure(s))
	}
	return row{style, text}
}
