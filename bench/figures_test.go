//go:build linux

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// figures is what one run cost. What was not measured is 0.
type figures struct {
	program, redis, kafka float64 // CPU s per million events
	rate                  float64 // events/s
	peak                  float64 // bytes resident, at most
	stored                float64 // bytes in Redis
	subjects, members     float64 // in Redis
	aof                   float64 // bytes written to the AOF per event
	commits               float64
	keys                  float64 // written per event
	allocations           float64 // per event
	crossings             float64
	half, most            float64 // s from Kafka timestamp to crossing acknowledged: median, 99th percentile

	announced []crossing // nil: not looked at
	verdict   *verdict   // nil: not judged
}

// column is one figure in a table.
type column struct {
	title string
	cell  func(runs []figures) string // "-": nothing was measured
	value func(runs []figures) string // the middle of the runs, for a file
}

// figure is the column of a number.
func figure(title, format string, value func(*figures) float64) column {
	return column{
		title: title,
		cell:  func(runs []figures) string { return medianAndRange(values(runs, value), format) },
		value: func(runs []figures) string { return fmt.Sprintf(format, median(values(runs, value))) },
	}
}

var columns = []column{
	figure("program s/M", "%.3f", func(f *figures) float64 { return f.program }),
	figure("Redis s/M", "%.3f", func(f *figures) float64 { return f.redis }),
	figure("both s/M", "%.3f", func(f *figures) float64 { return f.program + f.redis }),
	figure("Kafka s/M", "%.2f", func(f *figures) float64 { return f.kafka }),
	figure("1,000 events/s", "%.1f", func(f *figures) float64 { return f.rate / 1000 }),
	figure("peak MiB", "%.0f", func(f *figures) float64 { return f.peak / (1 << 20) }),
	figure("Redis MiB", "%.1f", func(f *figures) float64 { return f.stored / (1 << 20) }),
	figure("1,000 subjects", "%.1f", func(f *figures) float64 { return f.subjects / 1000 }),
	figure("B/subject", "%.0f", func(f *figures) float64 { return ratio(f.stored, f.subjects) }),
	figure("B/member", "%.1f", func(f *figures) float64 { return ratio(f.stored, f.members) }),
	figure("AOF B/event", "%.1f", func(f *figures) float64 { return f.aof }),
	figure("commits", "%.0f", func(f *figures) float64 { return f.commits }),
	figure("keys/event", "%.4f", func(f *figures) float64 { return f.keys }),
	figure("allocs/event", "%.3f", func(f *figures) float64 { return f.allocations }),
	figure("crossings", "%.0f", func(f *figures) float64 { return f.crossings }),
	figure("delay ms, median", "%.0f", func(f *figures) float64 { return 1000 * f.half }),
	figure("99 %", "%.0f", func(f *figures) float64 { return 1000 * f.most }),
	{"missed / untrue / again / at another event", worst, worst},
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// table is the runs of several systems, in the order in which they were first noted.
type table struct {
	names []string
	runs  map[string][]figures
}

func (t *table) note(name string, f figures) {
	if t.runs == nil {
		t.runs = map[string][]figures{}
	}
	if t.runs[name] == nil {
		t.names = append(t.names, name)
	}
	t.runs[name] = append(t.runs[name], f)
}

// String is the table in Markdown: medians, and the range where there were
// several runs. Columns without a figure are left out.
func (t *table) String() string {
	head, rule := "| run |", "| --- |"
	used := t.used()
	for _, c := range used {
		head += " " + c.title + " |"
		rule += " --- |"
	}
	lines := []string{head, rule}
	for _, name := range t.names {
		line := "| " + name + " |"
		for _, c := range used {
			line += " " + c.cell(t.runs[name]) + " |"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// used is the columns with a figure.
func (t *table) used() []column {
	return slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return !t.has(c) })
}

func (t *table) has(c column) bool {
	return slices.ContainsFunc(t.names, func(name string) bool { return c.cell(t.runs[name]) != "-" })
}

func values(runs []figures, value func(*figures) float64) []float64 {
	var list []float64
	for i := range runs {
		list = append(list, value(&runs[i]))
	}
	return list
}

// median is the middle one of a system's runs.
func (t *table) median(name string, value func(*figures) float64) float64 {
	return median(values(t.runs[name], value))
}

func median(list []float64) float64 {
	list = slices.Clone(list)
	slices.Sort(list)
	return list[len(list)/2]
}

// medianAndRange is the median, and the range of several.
func medianAndRange(list []float64, format string) string {
	if slices.Max(list) == 0 {
		return "-"
	}
	text := fmt.Sprintf(format, median(list))
	low, high := fmt.Sprintf(format, slices.Min(list)), fmt.Sprintf(format, slices.Max(list))
	if low == high {
		return text
	}
	return text + " [" + low + "-" + high + "]"
}

// describe is the machine and the versions, in a line.
func describe(redis *servers.RedisServer) string {
	info := redis.Do("INFO", "server")
	return fmt.Sprintf("%s, commit %s; %s; %s; Redis %s, Kafka %s; load average before: %s",
		time.Now().UTC().Format("2006-01-02 15:04Z"), outputOf("git", "rev-parse", "--short", "HEAD"),
		outputOf("sh", "-c", `echo "$(nproc) cores of $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"`),
		outputOf("go", "env", "GOVERSION"), field(info, "redis_version"), servers.KafkaVersion, loadAverage())
}

// output1 is what a command prints, "?" if it fails.
func outputOf(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "?"
	}
	return strings.TrimSpace(string(out))
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// field is a value of Redis' INFO.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestSpread(t *testing.T) {
	f := func(want string, list ...float64) {
		t.Helper()
		if got := medianAndRange(list, "%.1f"); got != want {
			t.Errorf("%v: got %q, want %q", list, got, want)
		}
	}
	f("-", 0)
	f("1.0", 1)
	f("2.0 [1.0-3.0]", 3, 1, 2)
	f("1.0", 1.01, 1.02)
}
