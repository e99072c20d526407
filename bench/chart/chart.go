// Package chart keeps the figures of a curve in a TSV file and draws them as SVG.
//
// The file begins with "# title:", "# x:", "# y:" and "# lines:", the last
// being the columns to draw, separated by "; ". Then come the columns' names, and a row
// for each point, whose first value is its place on the x axis.
package chart

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Chart is a table of figures, and how it is drawn.
type Chart struct {
	Title string
	X, Y  string   // what the axes show, with the unit
	Lines []string // names of the columns that are drawn
	Names []string // of all columns; the first is the place on the x axis
	Rows  [][]string
}

// Write writes the chart as TSV.
func (c *Chart) Write(w io.Writer) error {
	text := fmt.Sprintf("# title: %s\n# x: %s\n# y: %s\n# lines: %s\n", c.Title, c.X, c.Y, strings.Join(c.Lines, "; "))
	for _, row := range append([][]string{c.Names}, c.Rows...) {
		text += strings.Join(row, "\t") + "\n"
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write chart: %w", err)
	}
	return nil
}

// Read reads a chart as Write writes it.
func Read(r io.Reader) (*Chart, error) {
	c := &Chart{}
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		line := scanner.Text()
		switch cells := strings.Split(line, "\t"); {
		case strings.HasPrefix(line, "# "):
			c.describe(line[2:])
		case c.Names == nil:
			c.Names = cells
		case len(cells) != len(c.Names):
			return nil, fmt.Errorf("read chart: %q has %d columns, want %d", line, len(cells), len(c.Names))
		default:
			c.Rows = append(c.Rows, cells)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read chart: %w", err)
	}
	return c, c.check()
}

func (c *Chart) describe(line string) {
	name, value, _ := strings.Cut(line, ": ")
	switch name {
	case "title":
		c.Title = value
	case "x":
		c.X = value
	case "y":
		c.Y = value
	case "lines":
		c.Lines = strings.Split(value, "; ")
	}
}

// check says what a drawing would lack.
func (c *Chart) check() error {
	if c.Title == "" || c.X == "" || c.Y == "" || len(c.Lines) == 0 || len(c.Rows) == 0 {
		return fmt.Errorf("read chart: title, x, y, lines or rows are missing")
	}
	for _, name := range c.Lines {
		if !slices.Contains(c.Names, name) {
			return fmt.Errorf("read chart: no column is called %q", name)
		}
	}
	return nil
}
