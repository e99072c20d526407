package servers

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// PrometheusOptions says what a Prometheus looks at.
type PrometheusOptions struct {
	Targets []string      // host:port, scraped every so often
	Every   time.Duration // default: a second; at most a minute
	Rules   []string      // files of rules, evaluated as often, unless they say otherwise
	// Hasten is how much faster time passes for the rules; 0: they are as they are. What they wait for and how far they look
	// back is shorter by that factor, and they are evaluated once a second. What they compare with stays.
	Hasten int
}

// PrometheusServer is one Prometheus on a loopback port.
type PrometheusServer struct{ *Server }

// Prometheus starts a Prometheus. It ends with the test.
func Prometheus(tb testing.TB, o PrometheusOptions) *PrometheusServer {
	tb.Helper()
	Require(tb, "prometheus")
	var p *PrometheusServer
	err := retryPorts(1, func(ports []int) error {
		p = newPrometheus(tb, ports[0], o)
		return p.proc.run()
	})
	if err != nil {
		tb.Fatal(err)
	}
	p.own()
	return p
}

// newPrometheus describes a Prometheus that is not started yet.
func newPrometheus(tb testing.TB, port int, o PrometheusOptions) *PrometheusServer {
	p := &PrometheusServer{&Server{tb: tb, addr: loopback(port)}}
	dir := tb.TempDir()
	rules := absolute(tb, o.Rules)
	if o.Hasten > 0 {
		rules = hastened(tb, dir, rules, o.Hasten)
	}
	every := cmp.Or(o.Every, time.Second).String()
	config := map[string]any{
		"global":     map[string]any{"scrape_interval": every, "evaluation_interval": every},
		"rule_files": rules,
		"scrape_configs": []any{map[string]any{
			"job_name": "aggregator", "static_configs": []any{map[string]any{"targets": o.Targets}},
		}},
	}
	text, err := json.Marshal(config) // which is YAML too
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "prometheus.yml"), text, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
	p.proc = &process{
		name: "prometheus " + p.addr,
		dir:  dir,
		command: func() *exec.Cmd {
			return exec.Command("prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
				"--web.listen-address="+p.addr, "--log.level=warn", "--enable-feature=exemplar-storage")
		},
		ready: func(ctx context.Context) error {
			var status any
			return p.ask(ctx, "/api/v1/status/buildinfo", &status)
		},
	}
	return p
}

// absolute returns the paths of files as they are seen from another directory.
func absolute(tb testing.TB, files []string) (all []string) {
	for _, f := range files {
		path, err := filepath.Abs(f)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, path)
	}
	return all
}

// Firing are the names of the alerts that fire.
func (p *PrometheusServer) Firing() (names []string) {
	p.tb.Helper()
	var found struct {
		Alerts []struct {
			State  string            `json:"state"`
			Labels map[string]string `json:"labels"`
		} `json:"alerts"`
	}
	if err := p.ask(p.tb.Context(), "/api/v1/alerts", &found); err != nil {
		p.tb.Fatal(err)
	}
	for _, a := range found.Alerts {
		if a.State == "firing" {
			names = append(names, a.Labels["alertname"])
		}
	}
	return names
}

// series is one of the result of an expression.
type series struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

// find are the series of an expression, now.
func (p *PrometheusServer) find(expr string) []series {
	p.tb.Helper()
	var found struct {
		Result []series `json:"result"`
	}
	if err := p.ask(p.tb.Context(), "/api/v1/query?query="+url.QueryEscape(expr), &found); err != nil {
		p.tb.Fatalf("%s: %v", expr, err)
	}
	return found.Result
}

// Label are the values that a label of an expression's series has, now: one for each series, sorted.
func (p *PrometheusServer) Label(expr, name string) (values []string) {
	p.tb.Helper()
	for _, s := range p.find(expr) {
		values = append(values, s.Metric[name])
	}
	slices.Sort(values)
	return values
}

// Query are the values of an expression, now.
func (p *PrometheusServer) Query(expr string) (values []float64) {
	p.tb.Helper()
	for _, r := range p.find(expr) {
		n, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			p.tb.Fatal(err)
		}
		values = append(values, n)
	}
	return values
}

// ask reads the data of an answer.
func (p *PrometheusServer) ask(ctx context.Context, path string, data any) error {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+path, nil)
	if err != nil {
		return err
	}
	req.Close = true // nothing is left open after a test
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer := struct {
		Status string `json:"status"`
		Error  string `json:"error"`
		Data   any    `json:"data"`
	}{Data: data}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return fmt.Errorf("prometheus: %s: %s: %w", path, res.Status, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("prometheus: %s: %s", path, answer.Error)
	}
	return nil
}
