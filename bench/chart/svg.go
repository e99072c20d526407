package chart

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The drawing, in pixels: its size, and the box of the axes in it.
const (
	width, height            = 720, 420
	left, right, top, bottom = 70, 690, 60, 350
)

// style has colours that can be told apart on light and on dark ground.
const style = `
text { font: 13px sans-serif; fill: #24292f } .title { font-size: 16px }
.ground { fill: #ffffff } .grid { stroke: #d0d7de } path { fill: none; stroke-width: 2 }
.line0 { stroke: #0969da; fill: #0969da } .line1 { stroke: #bc4c00; fill: #bc4c00 } .line2 { stroke: #1a7f37; fill: #1a7f37 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .ground { fill: #0d1117 } .grid { stroke: #3d444d }
.line0 { stroke: #58a6ff; fill: #58a6ff } .line1 { stroke: #f0883e; fill: #f0883e } .line2 { stroke: #56d364; fill: #56d364 }
}
path.line0, path.line1, path.line2 { fill: none }
`

// SVG draws the chart. Places on the x axis are logarithmic where they span
// powers, and side by side where any is no number.
func (c *Chart) SVG() (string, error) {
	lines, err := c.values()
	if err != nil {
		return "", err
	}
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s"><style>%s</style>`+"\n",
		width, height, html.EscapeString(c.Title), style)
	fmt.Fprintf(&s, `<rect class="ground" width="%d" height="%d"/>`+"\n", width, height)
	label(&s, `x="70" y="26" class="title"`, c.Title)
	label(&s, fmt.Sprintf(`x="%d" y="%d" text-anchor="middle"`, (left+right)/2, height-16), c.X)
	label(&s, fmt.Sprintf(`transform="translate(18 %d) rotate(-90)" text-anchor="middle"`, (top+bottom)/2), c.Y)
	across, numbers := c.places()
	most := ceiling(lines)
	c.axes(&s, across, most)
	for i, line := range lines {
		c.line(&s, i, line, across, most, numbers)
	}
	s.WriteString("</svg>\n")
	return s.String(), nil
}

// values are the numbers of each line.
func (c *Chart) values() ([][]float64, error) {
	lines := make([][]float64, len(c.Lines))
	for i, name := range c.Lines {
		column := slices.Index(c.Names, name)
		for _, row := range c.Rows {
			v, err := strconv.ParseFloat(row[column], 64)
			if err != nil || v < 0 || math.IsInf(v, 0) || math.IsNaN(v) {
				return nil, fmt.Errorf("draw %s at %s: %q is no figure", name, row[0], row[column])
			}
			lines[i] = append(lines[i], v)
		}
	}
	return lines, nil
}

// places are where the rows stand on the x axis, and whether they are numbers.
func (c *Chart) places() (at []float64, numbers bool) {
	numbers = true
	for _, row := range c.Rows {
		v, err := strconv.ParseFloat(row[0], 64)
		numbers = numbers && err == nil && v > 0
		at = append(at, v)
	}
	powers := numbers && slices.Max(at)/slices.Min(at) >= 30
	for i, v := range at {
		switch {
		case !numbers:
			at[i] = float64(i)
		case powers:
			at[i] = math.Log10(v)
		}
	}
	low, high := slices.Min(at), slices.Max(at)
	for i, v := range at {
		at[i] = left + 60 + (right-left-120)*(v-low)/max(high-low, 1e-9)
	}
	return at, numbers
}

// ceiling is a round number at or above all values. A fifth of it is round too.
func ceiling(lines [][]float64) float64 {
	most := 1e-9
	for _, line := range lines {
		most = max(most, slices.Max(line))
	}
	unit := math.Pow(10, math.Floor(math.Log10(most)))
	for _, times := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10} {
		if times*unit >= most {
			return times * unit
		}
	}
	return 10 * unit
}

// axes draws what values and places can be read from.
func (c *Chart) axes(s *strings.Builder, across []float64, most float64) {
	for i := range 6 {
		y := bottom - (bottom-top)*float64(i)/5
		fmt.Fprintf(s, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`+"\n", left, right, y, y)
		label(s, fmt.Sprintf(`x="%d" y="%.1f" text-anchor="end"`, left-8, y+4), strconv.FormatFloat(most*float64(i)/5, 'g', 3, 64))
	}
	for i, row := range c.Rows {
		label(s, fmt.Sprintf(`x="%.1f" y="%d" text-anchor="middle"`, across[i], bottom+20), row[0])
	}
}

// line draws one column, its points joined if asked to, and says above the axes which it is.
func (c *Chart) line(s *strings.Builder, number int, values, across []float64, most float64, joined bool) {
	class, path := fmt.Sprintf("line%d", number%3), ""
	for i, v := range values {
		y := bottom - (bottom-top)*v/most
		path += fmt.Sprintf("%c%.1f %.1f ", "ML"[min(i, 1)], across[i], y)
		fmt.Fprintf(s, `<circle class="%s" cx="%.1f" cy="%.1f" r="4"/>`+"\n", class, across[i], y)
	}
	if joined {
		fmt.Fprintf(s, `<path class="%s" d="%s"/>`+"\n", class, strings.TrimSpace(path))
	}
	x := left + 190*number
	fmt.Fprintf(s, `<circle class="%s" cx="%d" cy="42" r="4"/>`+"\n", class, x+6)
	label(s, fmt.Sprintf(`x="%d" y="46"`, x+16), c.Lines[number])
}

func label(s *strings.Builder, attributes, text string) {
	fmt.Fprintf(s, "<text %s>%s</text>\n", attributes, html.EscapeString(text))
}
