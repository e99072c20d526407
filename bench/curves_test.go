//go:build linux

package bench

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/chart"
	"github.com/seed-afe14ff2/aggregator/bench/gen"
)

var (
	curveNames = flag.String("curve", ".", "a regular expression: points of BenchmarkCurves to take, as subjects or 'subjects/1000$'")
	points     = flag.Int("points", 500_000, "events measured at each point of a curve")
	full       = flag.Bool("full", false, "take the large ends of curves too: 10^6 and 10^7 subjects, 10^6 members")
	figuresDir = flag.String("figures", "", "directory for TSV files of curves; none are written without it")
)

// curve is points that differ in one thing.
type curve struct {
	name, x string
	points  []curvePoint
}

// curves are those of a run with so many events at each point.
func curves(events int, full bool) []curve {
	return []curve{
		subjects(events, full),
		members(events, full),
		along("partitions", "partitions of the topic", []int{1, 4, 16, 64}, func(p *curvePoint, n int) { p.even.Partitions = n }, events),
		along("processes", "processes", []int{1, 2, 3, 4}, func(p *curvePoint, n int) { p.processes, p.live = n, true }, events),
		along("rules", "rules that share two counters", []int{1, 10, 50, 200}, func(p *curvePoint, n int) { p.pack.rules = n }, events),
		along("counters", "rules with a counter of their own", []int{1, 10, 50, 200}, func(p *curvePoint, n int) { p.pack = packOptions{rules: n, apart: true} }, events),
		along("steps", "steps of the window", []int{1, 10, 100, 1_000}, slide, events),
		along("cluster", "nodes of Redis", []int{1, 3, 6}, func(p *curvePoint, n int) { p.nodes, p.shards = n, 64 }, events),
		special(events),
	}
}

// usual is the load that curves vary: each incident and account once, and then what is measured.
func usual(events int) curvePoint {
	return curvePoint{events: events}.over(1_000, 100)
}

// over gives so many incidents that many accounts each. All of them are there before the measured
// part begins.
func (p curvePoint) over(subjects, members int) curvePoint {
	p.fill = subjects * members
	p.even = gen.EvenConfig{Subjects: subjects, Members: members, Partitions: partitions, Fill: p.fill}
	return p
}

func along(name, x string, values []int, vary func(*curvePoint, int), events int) curve {
	c := curve{name: name, x: x}
	for _, n := range values {
		p := usual(events)
		p.name = fmt.Sprint(n)
		vary(&p, n)
		c.points = append(c.points, p)
	}
	return c
}

func subjects(events int, full bool) curve {
	numbers := []int{1_000, 10_000, 100_000}
	if full {
		numbers = append(numbers, 1_000_000, 10_000_000)
	}
	return along("subjects", "subjects in Redis", numbers, func(p *curvePoint, n int) {
		*p = p.over(n, 1)
	}, events)
}

func members(events int, full bool) curve {
	numbers := []int{10, 100, 1_000, 10_000, 100_000}
	if full {
		numbers = append(numbers, 1_000_000)
	}
	return along("members", "members of each of 10 subjects", numbers, func(p *curvePoint, n int) {
		*p = p.over(10, n)
	}, events)
}

// slide gives a window of 1,000 minutes that many steps. What is measured lasts
// longer than that, and each incident reaches a limit of half the clicks in a window.
func slide(p *curvePoint, steps int) {
	const window, incidents = 1_000, 100
	*p = p.over(incidents, 100)
	p.sliding, p.span = true, 3*window*time.Minute
	p.pack = packOptions{window: window, steps: steps, clicks: max(1, p.events/incidents/6)}
}

// special are loads that lean on one part of the program.
func special(events int) curve {
	hot, late, fresh := usual(events).over(1, 100), usual(events), usual(events).over(10_000+events, 1)
	late.even.Delay = 60 * time.Hour
	fresh.fill, fresh.even.Marks = 10_000, -1
	c := curve{name: "special", x: "load", points: []curvePoint{usual(events), hot, late, fresh}}
	for i, name := range []string{"usual", "one hot incident", "all late", "all subjects new"} {
		c.points[i].name = name
	}
	return c
}

// BenchmarkCurves lets the real program take loads that differ in one thing from
// point to point, and shows the cost of an event at each. Whether it counted right
// is checked too.
func BenchmarkCurves(b *testing.B) {
	chosen, err := regexp.Compile(*curveNames)
	if err != nil {
		b.Fatal(err)
	}
	x := newFixture(b)
	printf("%s", describe(x.redis()))
	for _, c := range curves(*points, *full) {
		var t table
		for _, p := range c.points {
			if name := c.name + "/" + p.name; chosen.MatchString(name) {
				b.Run(name, func(b *testing.B) { x.pointRun(b, p, &t) })
			}
		}
		if len(t.names) > 0 {
			printf("%s, by %s; load average %s\n\n%s", c.name, c.x, loadAverage(), &t)
			writeChart(b, c.name, t.chart("CPU time of an event, by "+c.x, c.x))
		}
	}
}

func (x *fixture) pointRun(b *testing.B, p curvePoint, t *table) {
	outer := x.b
	x.b = b
	defer func() { x.b = outer }()
	for b.Loop() {
		t.note(p.name, x.measure(p))
	}
	b.ReportMetric(t.median(p.name, func(f *figures) float64 { return f.program }), "program-cpu-s/M")
	b.ReportMetric(t.median(p.name, func(f *figures) float64 { return f.redis }), "redis-cpu-s/M")
}

// chart is the table to be drawn: what the program and Redis cost, along x.
func (t *table) chart(title, x string) *chart.Chart {
	c := &chart.Chart{Title: title, X: x, Y: "CPU seconds per million events", Names: []string{x}}
	used := t.used()
	for _, column := range used {
		c.Names = append(c.Names, column.title)
		if column.title == "program s/M" || column.title == "Redis s/M" {
			c.Lines = append(c.Lines, column.title)
		}
	}
	for _, name := range t.names {
		row := []string{name}
		for _, column := range used {
			row = append(row, column.value(t.runs[name]))
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

// TestCurveFile shows that what is written of a curve can be read and drawn.
func TestCurveFile(t *testing.T) {
	var runs table
	runs.note("10", figures{program: 2.5, redis: 0.25, crossings: 50})
	runs.note("100", figures{program: 5, crossings: 50})
	old := *figuresDir
	*figuresDir = filepath.Join(t.TempDir(), "figures")
	defer func() { *figuresDir = old }()
	writeChart(t, "members", runs.chart("Cost", "members"))
	text, err := os.ReadFile(filepath.Join(*figuresDir, "members.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := chart.Read(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"100", "5.000", "0.000", "5.000", "50"}; !slices.Equal(c.Rows[1], want) {
		t.Errorf("got %q, want %q", c.Rows[1], want)
	}
	if svg, err := c.SVG(); err != nil || !strings.Contains(svg, "Redis s/M") {
		t.Errorf("error %v, drawn %s", err, svg)
	}
}

// writeChart puts a chart into the directory of -figures, if there is one.
func writeChart(b testing.TB, name string, c *chart.Chart) {
	b.Helper()
	if *figuresDir == "" {
		return
	}
	if err := os.MkdirAll(*figuresDir, 0o755); err != nil {
		b.Fatal(err)
	}
	file, err := os.Create(filepath.Join(*figuresDir, name+".tsv"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	if err := c.Write(file); err != nil {
		b.Fatal(err)
	}
}
