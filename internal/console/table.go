package console

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Styles of a line.
const (
	plain  = ""
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	normal = "\x1b[0m"
)

// line is a line of one style.
type line struct{ style, text string }

// Paper is what lines are printed on.
type Paper struct {
	W       io.Writer
	Columns int  // of the terminal; 0: it is none
	Colour  bool // lines have their styles
}

// print prints some lines.
func (p *Paper) print(lines ...line) error {
	for _, l := range lines {
		if _, err := fmt.Fprintln(p.W, p.finish(l)); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	return nil
}

// finish is a line as it is printed.
func (p *Paper) finish(l line) string {
	text := strings.TrimRight(l.text, " ")
	if l.style == plain || text == "" || !p.Colour {
		return text
	}
	return l.style + text + normal
}

// cut is lines that are no wider than the terminal. Elsewhere they are whole.
func (p *Paper) cut(lines []line) []line {
	if p.Columns > 0 {
		for i := range lines {
			lines[i].text = fit(lines[i].text, p.Columns)
		}
	}
	return lines
}

// column is one of a table.
type column struct {
	name  string
	right bool // its cells are numbers
}

// table is rows of cells, which stand below each other.
type table struct {
	columns []column
	rows    []row
}

type row struct {
	style string
	cells []string
}

func (t *table) add(style string, cells ...string) { t.rows = append(t.rows, row{style, cells}) }

// lines are the head and the rows. The last column is as wide as it is.
func (t *table) lines() []line {
	head := row{style: bold}
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		head.cells = append(head.cells, c.name)
		widths[i] = width(c.name)
		for _, r := range t.rows {
			widths[i] = max(widths[i], width(r.cells[i]))
		}
	}
	var lines []line
	for _, r := range append([]row{head}, t.rows...) {
		cells := make([]string, len(r.cells))
		for i, text := range r.cells {
			if cells[i] = text; t.columns[i].right || i < len(cells)-1 {
				cells[i] = pad(text, widths[i], t.columns[i].right)
			}
		}
		lines = append(lines, line{r.style, strings.Join(cells, "  ")})
	}
	return lines
}

// without is the table without some of its columns.
func (t *table) without(names ...string) *table {
	out := &table{}
	var kept []int
	for i, c := range t.columns {
		if !slices.Contains(names, c.name) {
			kept = append(kept, i)
			out.columns = append(out.columns, c)
		}
	}
	for _, r := range t.rows {
		cells := make([]string, 0, len(kept))
		for _, i := range kept {
			cells = append(cells, r.cells[i])
		}
		out.add(r.style, cells...)
	}
	return out
}

// facts are lines of names and what is said of them.
type facts struct{ lines []line }

const factWidth = 14

func (f *facts) add(style, name, format string, args ...any) {
	f.lines = append(f.lines, line{style, pad(name, factWidth, false) + fmt.Sprintf(format, args...)})
}
