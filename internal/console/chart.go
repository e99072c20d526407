package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

const (
	chartRows    = 4
	chartColumns = 60
	eighths      = " ▁▂▃▄▅▆▇█"
)

// chart draws what a series has by bucket, from its first bucket to its last, on so many columns at most.
func chart(s *client.Series, columns int) []line {
	values, each := stacked(s, columns)
	if len(values) == 0 {
		return nil
	}
	var most, sum int64
	for _, v := range values {
		most, sum = max(most, v), sum+v
	}
	scale := humanize.Number(most)
	var lines []line
	for r := chartRows - 1; r >= 0; r-- {
		label := ""
		if r == chartRows-1 {
			label = scale
		}
		lines = append(lines, line{plain, "  " + pad(label, width(scale), true) + " │" + bars(values, most, r)})
	}
	first, last := s.Buckets[0].From, s.Buckets[len(s.Buckets)-1].From
	axis := "└" + strings.Repeat("─", len(values))
	days := fmt.Sprintf("%s to %s, a column is %s", day(first), day(last), each)
	return append(lines, line{plain, "  " + pad("0", width(scale), true) + " " + axis}, line{dim, "  " + pad("", width(scale), true) + "  " + days})
}

// bars is a row of the chart: of each column what reaches into it. What is not nothing shows.
func bars(values []int64, most int64, row int) string {
	var b strings.Builder
	for _, v := range values {
		height := int(float64(v) / float64(most) * chartRows * 8)
		if v > 0 {
			height = max(height, 1)
		}
		b.WriteRune([]rune(eighths)[min(max(height-8*row, 0), 8)])
	}
	return b.String()
}

// stacked is the buckets as columns of equal length in time, and what that is. Nothing: there are no steps to draw.
func stacked(s *client.Series, columns int) (values []int64, each string) {
	if s.Step == nil || len(s.Buckets) == 0 || columns < 1 {
		return nil, ""
	}
	step, ok := stepOf(*s.Step)
	first, last := s.Buckets[0].From, s.Buckets[len(s.Buckets)-1].From
	if !ok || first == nil || last == nil {
		return nil, ""
	}
	steps := int64(last.Sub(*first)/step) + 1
	if steps < 1 || steps > mostSteps {
		return nil, ""
	}
	together := (steps + int64(columns) - 1) / int64(columns)
	values = make([]int64, (steps+together-1)/together)
	for _, b := range s.Buckets {
		if b.From == nil || b.From.Before(*first) || b.From.After(*last) {
			return nil, ""
		}
		values[int64(b.From.Sub(*first)/step)/together] += b.Value
	}
	return values, humanize.Duration(step * time.Duration(together))
}

// mostSteps is more than a window has: 1,000, and the one that it has begun.
const mostSteps = 1 << 16

// stepOf reads the step of a rule: an integer and s, m, h or d.
func stepOf(text string) (time.Duration, bool) {
	if text == "" {
		return 0, false
	}
	unit, ok := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[text[len(text)-1]]
	n, err := strconv.ParseInt(strings.ReplaceAll(text[:len(text)-1], "_", ""), 10, 32)
	return time.Duration(n) * unit, ok && err == nil && n > 0
}

// day is a moment to the minute.
func day(t *time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }
