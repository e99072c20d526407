package thresholds

import (
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// AppendSummary appends the crossing as one line for readers: "incident inc-42: clicks 50,000 of
// 50,000 in 730d". A measure that is not complete says since when it counts. An id that could read as more than one, or that hides something, is in quotes.
func (c *Crossing) AppendSummary(dst []byte) []byte {
	dst = append(dst, c.Rule.By.String()...)
	dst = append(dst, ' ')
	dst = AppendPlain(dst, c.Subject)
	dst = append(dst, ": "...)
	if c.Level == 0 {
		dst = append(dst, "cleared, "...)
	}
	for n, i := range c.listed() {
		if n > 0 {
			dst = append(dst, ", "...)
		}
		dst = c.appendMeasure(dst, i)
	}
	if c.Rule.Window == 0 {
		return append(dst, " since the first event"...)
	}
	dst = append(dst, " in "...)
	return append(dst, c.Rule.WindowText...)
}

// listed returns the indexes of the measures that the summary names: all of a clear, otherwise
// those that alone reach the level. Where only their sum reaches it, these are the measures that
// counted anything.
func (c *Crossing) listed() []int {
	if reached := c.reached(); len(reached) > 0 {
		return reached
	}
	var listed []int
	for i, v := range c.Values {
		if c.Level == 0 || v.Value > 0 {
			listed = append(listed, i)
		}
	}
	return listed
}

// appendMeasure appends the i-th measure: "clicks at least 20,000 of 50,000".
func (c *Crossing) appendMeasure(dst []byte, i int) []byte {
	limit, v := c.Rule.Limits[i], c.Values[i]
	dst = append(dst, limit.Measure.Name...)
	dst = append(dst, ' ')
	if v.AtLeast {
		dst = append(dst, "at least "...)
	}
	dst = humanize.AppendNumber(dst, v.Value)
	dst = append(dst, " of "...)
	dst = humanize.AppendNumber(dst, limit.Value)
	if v.Since != 0 {
		dst = append(dst, " (counted since "...)
		dst = append(time.Unix(0, v.Since).UTC().AppendFormat(dst, rfc3339), ')')
	}
	return dst
}
