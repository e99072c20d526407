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

// roomy is how many rows a terminal has on which there is room for more than the figures.
const roomy = 14

// picture is what one drawing shows.
type picture struct {
	figures   figures
	rate      int
	addr      string
	passed    time.Duration
	ends      string // the key that ends the demo
	plain     bool   // no styles
	seed      uint64
	near      []inspect.Standing
	over      int // rows that are at their limit, or over it
	keys      int
	bytes     int64
	crossings []crossing
	note      string
}

// draw is the picture for a terminal of that size: no row is wider than it, and
// there are no more rows.
func (p *picture) draw(columns, rows int) string {
	lines := []row{{bold, p.title(columns)}}
	if rows >= roomy {
		lines = append(lines, row{dim, words(columns)}, row{normal, p.eventsLine()}, row{normal, p.storeLine()}, row{})
	} else {
		lines = append(lines, row{normal, p.eventsLine()})
	}
	lines = append(lines, row{bold, p.nearTitle()})
	for i := range p.near {
		lines = append(lines, standingRow(&p.near[i], columns))
	}
	if rows >= roomy {
		lines = append(lines, row{})
	}
	lines = append(lines, row{bold, "CROSSINGS, the newest first"})
	room := rows - len(lines) - 1
	for i := len(p.crossings) - 1; i >= 0 && room > 0; i-- {
		lines = append(lines, crossingRow(&p.crossings[i], columns))
		room--
	}
	return p.render(lines, columns, rows)
}

// kept is how many crossings stay on the screen at the end.
const kept = 10

// rest is what stays on the screen at the end, in the order in which it came: the last of all crossings.
func (p *picture) rest(columns, all int) string {
	if all == 0 {
		return ""
	}
	last := p.crossings[max(0, len(p.crossings)-kept):]
	lines := []row{{bold, fmt.Sprintf("CROSSINGS, the last %d of %s", len(last), humanize.Number(all))}}
	for i := range last {
		lines = append(lines, crossingRow(&last[i], columns))
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.cut(columns, p.plain) + "\n")
	}
	return b.String()
}

// row is a line of one style.
type row struct{ style, text string }

func (r row) cut(columns int, plain bool) string {
	text := fit(r.text, columns)
	if text == "" || plain {
		return text
	}
	return r.style + text + normal
}

// fit shortens a text to a width.
func fit(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	if width < 1 {
		return ""
	}
	return string([]rune(text)[:width-1]) + "…"
}

func (p *picture) render(lines []row, columns, rows int) string {
	if most := max(rows-1, 0); len(lines) > most {
		lines = lines[:most]
	}
	var b strings.Builder
	b.WriteString(home)
	for _, l := range lines {
		b.WriteString(l.cut(columns, p.plain) + restOfRow + "\r\n")
	}
	b.WriteString(p.foot(columns).cut(columns, p.plain) + restOfRow + restBelow)
	return b.String()
}

// foot is the last row: what went wrong, or what a crossing is not.
func (p *picture) foot(columns int) row {
	switch {
	case p.note != "":
		return row{yellow, p.note}
	case columns < wide:
		return row{dim, "A crossing is no legal finding."}
	}
	return row{dim, "A crossing is a prompt for a person to look, never a legal finding."}
}

func (p *picture) title(columns int) string {
	text := fmt.Sprintf("aggregator demo, %s; board: http://%s/; %s ends it", p.passed.Round(time.Second), p.addr, p.ends)
	if columns >= wider {
		text += fmt.Sprintf("; seed %d", p.seed)
	}
	return text
}

func (p *picture) nearTitle() string {
	if p.over == 0 {
		return "NEAREST TO A LIMIT"
	}
	return fmt.Sprintf("NEAREST TO A LIMIT, and %s at it or over it", humanize.Number(p.over))
}

// words says what the rows below are about.
func words(columns int) string {
	if columns < wide {
		return "level: the share of a limit reached"
	}
	return "incident: what events are about; level: the share of a rule's limit reached"
}

func (p *picture) eventsLine() string {
	f := p.figures
	return fmt.Sprintf("events  %s/s, %s read; not counted: %s repeated, %s malformed, %s ahead, %s late",
		humanize.Number(p.rate), humanize.Number(f.events("")), humanize.Number(f.events("duplicate")),
		humanize.Number(f.events("malformed")), humanize.Number(f.events("ahead")), humanize.Number(f.of("late_total")))
}

func (p *picture) storeLine() string {
	return fmt.Sprintf("counts  %s keys, %s; %s waiting; %s announced",
		humanize.Number(p.keys), kibibytes(p.bytes), humanize.Count(p.figures.of("lag_records"), "event"),
		humanize.Count(p.figures.of("crossings_total"), "crossing"))
}
