package servers

import (
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Series is one series of the result of an expression.
type Series struct {
	Labels map[string]string
	Value  float64
}

// Ask are the series of an expression, now.
func (p *PrometheusServer) Ask(expr string) (list []Series) {
	p.tb.Helper()
	var found struct {
		Result []struct {
			Metric map[string]string `json:"metric"`
			Value  [2]any            `json:"value"`
		} `json:"result"`
	}
	if err := p.ask(p.tb.Context(), "/api/v1/query?query="+url.QueryEscape(expr), &found); err != nil {
		p.tb.Fatalf("%s: %v", expr, err)
	}
	for _, r := range found.Result {
		n, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			p.tb.Fatal(err)
		}
		list = append(list, Series{r.Metric, n})
	}
	return list
}

// Exemplars are the labels of the exemplars that the metrics of an expression have, of the last hour.
func (p *PrometheusServer) Exemplars(expr string) (list []map[string]string) {
	p.tb.Helper()
	var found []struct {
		Exemplars []struct {
			Labels map[string]string `json:"labels"`
		} `json:"exemplars"`
	}
	now := time.Now().Unix()
	path := fmt.Sprintf("/api/v1/query_exemplars?query=%s&start=%d&end=%d", url.QueryEscape(expr), now-3600, now+1)
	if err := p.ask(p.tb.Context(), path, &found); err != nil {
		p.tb.Fatalf("%s: %v", expr, err)
	}
	for _, series := range found {
		for _, x := range series.Exemplars {
			list = append(list, x.Labels)
		}
	}
	return list
}
