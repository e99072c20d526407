package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// block is a fenced block of a page, and the block of text that follows a
// block of commands directly: what they print.
type block struct{ language, text, prints string }

var fence = regexp.MustCompile("(?s)```([a-z]*)\n(.*?)```")

func readmeBlocks(t *testing.T) []block {
	t.Helper()
	return blocksOf(t, "../../README.md")
}

func blocksOf(t *testing.T, page string) []block {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	end := 0
	for _, at := range fence.FindAllSubmatchIndex(data, -1) {
		b := block{language: string(data[at[2]:at[3]]), text: string(data[at[4]:at[5]])}
		if between := string(data[end:at[0]]); b.language == "text" && strings.TrimSpace(between) == "" {
			blocks[len(blocks)-1].prints = b.text
		}
		blocks = append(blocks, b)
		end = at[1]
	}
	return blocks
}

// TestReadmeCommands runs the README's commands, but for those that need servers or
// hours: of these the targets, the commands and the flags must exist.
func TestReadmeCommands(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bin", "aggregator"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ran := 0
	for _, b := range readmeBlocks(t) {
		if b.language != "sh" {
			continue
		}
		script := runnable(t, b.text)
		if strings.TrimSpace(script) == "" {
			continue
		}
		ran++
		cmd := exec.Command("sh", "-e", "-c", script)
		cmd.Dir = dir
		var out, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &stderr
		if err := cmd.Run(); err != nil {
			t.Errorf("%s\n%v\n%s%s", script, err, out.String(), stderr.String())
		}
		if b.prints != "" && out.String() != b.prints {
			t.Errorf("%s\nprints:\n%swant:\n%s", script, out.String(), b.prints)
		}
	}
	if ran < 3 {
		t.Errorf("%d blocks were run, want 3 at least", ran)
	}
}

var elsewhere = regexp.MustCompile(`^(make |go run |bin/aggregator (run|topics|verify) |bin/aggregator check .*-live)`)

// runnable is the script without the lines that are only looked at.
func runnable(t *testing.T, script string) string {
	t.Helper()
	var kept []string
	for line := range strings.Lines(script) {
		if !elsewhere.MatchString(line) {
			kept = append(kept, line)
			continue
		}
		words := strings.Fields(line)
		switch words[0] {
		case "make":
			makefile, err := os.ReadFile("../../Makefile")
			if err != nil || !strings.Contains(string(makefile), "\n"+words[1]+":") {
				t.Errorf("%s: no such target (%v)", strings.TrimSpace(line), err)
			}
		case "go":
			if words[2] != "./cmd/aggregator" {
				t.Errorf("%s: not this package", strings.TrimSpace(line))
			}
			mustParse(t, words[3:])
		default:
			mustParse(t, words[1:])
		}
	}
	return strings.Join(kept, "")
}

// mustParse checks that a command line is one that the program takes.
func mustParse(t *testing.T, args []string) {
	t.Helper()
	c, err := lookUp(args[0])
	if err != nil {
		t.Errorf("%v: %v", args, err)
		return
	}
	fs, _ := c.flagSet()
	if err := fs.Parse(args[1:]); err != nil || fs.NArg() > c.most {
		t.Errorf("%v: %v, %d arguments", args, err, fs.NArg())
	}
}

// described collects what is registered, as rows of the README's table.
type described struct {
	prometheus.Registerer
	rows []string
}

var descText = regexp.MustCompile(`^Desc\{fqName: "([^"]*)", help: "(.*)", unit: ".*", constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

func (d *described) MustRegister(list ...prometheus.Collector) {
	for _, c := range list {
		ch := make(chan *prometheus.Desc, 10)
		c.Describe(ch)
		close(ch)
		for desc := range ch {
			m := descText.FindStringSubmatch(desc.String())
			labels := regexp.MustCompile(`=".*?"`).ReplaceAllString(m[3], "") + m[4]
			d.rows = append(d.rows, "| `"+m[1]+"` | "+strings.ReplaceAll(labels, ",", ", ")+" | "+strings.ReplaceAll(m[2], `\"`, `"`)+" |")
		}
	}
}

// TestReadmeMetrics compares the README's table with what is registered.
func TestReadmeMetrics(t *testing.T) {
	p, err := stream.Compile([]*thresholds.Pack{mustBuiltin(defaultPack)}, thresholds.DefaultMaxMembers)
	if err != nil {
		t.Fatal(err)
	}
	d := &described{}
	stream.NewMetrics(d, p)
	registerBuild(d)
	slices.Sort(d.rows)
	want := strings.Join(d.rows, "\n") + "\n"
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "| metric | labels | meaning |\n| --- | --- | --- |\n")
	got, _, _ := strings.Cut(rest, "\n\n")
	if got+"\n" != want {
		t.Errorf("the table of metrics in README.md is not that of the program, which is:\n%s", want)
	}
}

// TestReadmeCrossing compares the README's record with one of the program, which in a
// replay lacks when it was detected and where its event lies.
func TestReadmeCrossing(t *testing.T) {
	var shown, real map[string]any
	for _, b := range readmeBlocks(t) {
		if b.language == "json" {
			if err := json.Unmarshal([]byte(b.text), &shown); err != nil {
				t.Fatal(err)
			}
		}
	}
	line, _, _ := strings.Cut(call(clickOver, nil, "replay").out, "\n")
	if err := json.Unmarshal([]byte(line), &real); err != nil {
		t.Fatal(err)
	}
	delete(shown, "detected")
	if got, want := names(shown), names(real); !slices.Equal(got, want) {
		t.Errorf("the README's record has %v, the program's %v", got, want)
	}
}

func names(record map[string]any) []string { return slices.Sorted(maps.Keys(record)) }

// TestReadmeFields: every field of an event is in the README.
func TestReadmeFields(t *testing.T) {
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(event.StrNames[:], event.NumNames[:]...) {
		if !strings.Contains(string(data), "`"+name+"`") {
			t.Errorf("the README does not name %s", name)
		}
	}
}

// TestGracePeriod compares the manifests with the program: Kubernetes kills what is
// not stopped in time.
func TestGracePeriod(t *testing.T) {
	data, err := os.ReadFile("../../deploy/k8s/base/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`terminationGracePeriodSeconds: (\d+)`).FindSubmatch(data)
	if m == nil {
		t.Fatal("the deployment has no grace period")
	}
	grace, err := time.ParseDuration(string(m[1]) + "s")
	if err != nil || grace <= stopDeadline {
		t.Errorf("the grace period is %v, the deadline to stop is %v: %v", grace, stopDeadline, err)
	}
}

// TestSecurityPage: the configs of docs/security.md are good, but for the files that they name, which are not here.
func TestSecurityPage(t *testing.T) {
	configs := 0
	for _, b := range blocksOf(t, "../../docs/security.md") {
		if b.language != "yaml" {
			continue
		}
		configs++
		_, bad := (&session{err: t.Output()}).loadConfig(write(t, "c.yaml", b.text))
		for _, fault := range bad {
			if !strings.HasSuffix(fault, "no such file or directory") {
				t.Errorf("%s: %s", b.text, fault)
			}
		}
	}
	if configs != 3 {
		t.Errorf("%d configs, want 3", configs)
	}
}
