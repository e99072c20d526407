package servers

import (
	"fmt"
	"strconv"
	"strings"
)

// Metrics is one scrape of a program, in the text format of Prometheus.
type Metrics []sample

// sample is one line of a scrape.
type sample struct {
	name, labels string // labels: as they stand between the braces
	value        float64
}

// parseMetrics reads a scrape. Lines of comments are left out.
func parseMetrics(text string) (Metrics, error) {
	var all Metrics
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		end := strings.LastIndexByte(line, ' ') // a label may hold blanks
		if end < 0 {
			return nil, fmt.Errorf("read metric %q: it has no value", line)
		}
		value, err := strconv.ParseFloat(line[end+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("read metric %q: %w", line, err)
		}
		name, labels, _ := strings.Cut(line[:end], "{")
		all = append(all, sample{name, strings.TrimSuffix(labels, "}"), value})
	}
	return all, nil
}

// Sum adds up the series of a metric whose labels hold all of some texts, as
// `reason="utf8"`.
func (m Metrics) Sum(name string, labels ...string) (sum float64) {
	sum, _ = m.sum(name, labels)
	return sum
}

// Series is the number of series that Sum adds up.
func (m Metrics) Series(name string, labels ...string) (series int) {
	_, series = m.sum(name, labels)
	return series
}

func (m Metrics) sum(name string, labels []string) (sum float64, series int) {
	for _, s := range m {
		if s.name == name && holdsAll(s.labels, labels) {
			sum += s.value
			series++
		}
	}
	return sum, series
}

func holdsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// Histogram returns the number of observations of a histogram, and their sum.
func (m Metrics) Histogram(name string) (count, sum float64) {
	return m.Sum(name + "_count"), m.Sum(name + "_sum")
}

// Quantile returns the q-quantile of a histogram without labels of its own, interpolated within its
// bucket. Above the last finite bucket, it is that bucket's bound.
func (m Metrics) Quantile(name string, q float64) float64 {
	count, _ := m.Histogram(name)
	rank, low, below := q*count, 0.0, 0.0
	for _, s := range m {
		if s.name != name+"_bucket" {
			continue
		}
		bound := strings.Trim(strings.TrimPrefix(s.labels, "le="), `"`)
		if bound == "+Inf" {
			break
		}
		up, err := strconv.ParseFloat(bound, 64)
		if err != nil {
			panic("BUG: " + name + " has labels of its own: " + s.labels)
		}
		if s.value >= rank && s.value > below {
			return low + (up-low)*(rank-below)/(s.value-below)
		}
		low, below = up, s.value
	}
	return low
}
