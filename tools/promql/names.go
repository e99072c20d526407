package promql

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
)

// Names are the metrics that there are, and the labels of each, without those that a scrape adds.
type Names map[string][]string

// scraped are the labels that every series has from its scrape.
var scraped = []string{"job", "instance"}

// heading is that of the table in docs/operations.md, which a test in cmd/aggregator holds to what the program registers.
const heading = "| metric | labels | meaning |\n| --- | --- | --- |\n"

// ReadNames reads the table of metrics of a page, and adds those of every Go program, and of the scrape.
func ReadNames(page string) (Names, error) {
	text, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	_, table, found := strings.Cut(string(text), heading)
	if !found {
		return nil, fmt.Errorf("read metrics: %s has no table of them", page)
	}
	n := Names{"up": nil}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, " | ")
		name, isRow := strings.CutPrefix(cells[0], "| `")
		if !isRow {
			break
		}
		name = strings.TrimSuffix(name, "`")
		n.add(name, strings.FieldsFunc(strings.Trim(cells[1], "| "), func(r rune) bool { return r == ',' || r == ' ' }))
	}
	return n, n.addRuntime()
}

// add adds a metric. The table does not say what is a histogram, so the names of its parts are there for each that can be one.
func (n Names) add(name string, labels []string) {
	n[name] = labels
	if strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_info") {
		return
	}
	n[name+"_bucket"] = append(slices.Clone(labels), "le")
	n[name+"_sum"], n[name+"_count"] = labels, labels
}

// addRuntime adds what the program registers besides: the metrics of Go and of the process.
func (n Names) addRuntime() error {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	families, err := r.Gather()
	if err != nil {
		return fmt.Errorf("read metrics of this process: %w", err)
	}
	for _, f := range families {
		var labels []string
		for _, l := range f.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		n[f.GetName()] = labels
		if f.GetType() == dto.MetricType_SUMMARY {
			n[f.GetName()] = append(slices.Clone(labels), "quantile")
			n[f.GetName()+"_sum"], n[f.GetName()+"_count"] = labels, labels
		}
	}
	return nil
}

// isCounter reports whether a metric only rises, until its process ends.
func isCounter(name string) bool {
	for _, suffix := range []string{"_total", "_bucket", "_sum", "_count"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}
