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

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/notify"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// block is a fenced block of a page, and the block of text that follows a
// block of commands directly: what they print.
type block struct{ language, text, prints string }

var fence = regexp.MustCompile("(?s)```([a-z]*)\n(.*?)```")

func blocksOf(t *testing.T, page string) []block {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	end := 0
	for _, at := range fence.FindAllSubmatchIndex(data, -1) {
		b := block{language: string(data[at[2]:at[3]]), text: outdent(string(data[at[4]:at[5]]))}
		if between := string(data[end:at[0]]); b.language == "text" && strings.TrimSpace(between) == "" {
			blocks[len(blocks)-1].prints = b.text
		}
		blocks = append(blocks, b)
		end = at[1]
	}
	return blocks
}

// outdent takes away the indent that a block has in a list.
func outdent(text string) string {
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	return strings.TrimPrefix(strings.ReplaceAll("\n"+text, "\n"+indent, "\n"), "\n")
}

// yamlOf returns the blocks of YAML of a page, which must be least or more.
func yamlOf(t *testing.T, page string, least int) (texts []string) {
	t.Helper()
	for _, b := range blocksOf(t, page) {
		if b.language == "yaml" {
			texts = append(texts, b.text)
		}
	}
	if len(texts) < least {
		t.Errorf("%s has %d blocks of YAML, want %d", page, len(texts), least)
	}
	return texts
}

// pages are all that tell users of commands, in the order in which they are read: the files
// that one makes the next may use.
var pages = []string{
	"README.md", "docs/rules.md", "docs/events.md", "docs/produce.md", "docs/consume.md", "docs/operations.md", "docs/compatibility.md", "docs/security.md",
	"docs/terminal.md", "docs/api.md", "docs/notify.md", "deploy/k8s/README.md", "deploy/monitoring/README.md", "CONTRIBUTING.md",
}

// TestReadmeCommands runs the commands of the README and of the other pages, except those that need
// servers or hours. Of these the targets, the commands and the flags must exist.
func TestReadmeCommands(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bin", "aggregator"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ran := 0
	for _, page := range pages {
		for _, b := range blocksOf(t, "../../"+page) {
			if b.language != "sh" {
				continue
			}
			if script := runnable(t, b.text); strings.TrimSpace(script) != "" {
				runScript(t, dir, script, b.prints)
				ran++
			}
		}
	}
	if ran < 3 {
		t.Errorf("%d blocks were run, want 3 at least", ran)
	}
}

func runScript(t *testing.T, dir, script, prints string) {
	t.Helper()
	cmd := exec.Command("sh", "-e", "-c", script)
	cmd.Dir = dir
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%s\n%v\n%s%s", script, err, out.String(), stderr.String())
	}
	if prints != "" && out.String() != prints {
		t.Errorf("%s\nprints:\n%swant:\n%s", script, out.String(), prints)
	}
}

// elsewhere are commands that are only looked at here. In internal/e2e, TestReadmeRun and TestOperations...
// run those of README.md and docs/operations.md, TestDLQ those of docs/events.md, TestTerminal those of docs/terminal.md, TestNotifyPage those of
// docs/notify.md, and TestAccess those of kafka-acls.sh.
var elsewhere = regexp.MustCompile(`^(make |go run |python3 |kubectl |kafka-[a-z-]+\.sh |curl |redis-|comm |jq |kcat |.*\| (kcat|kubectl) |` +
	`([A-Z_]+=\S+ )?bin/aggregator (run|topics|verify|dlq|demo|status|top|show|crossings|notify)\b|until bin/aggregator status |` +
	`prometheus-alertmanager |amtool |bin/aggregator check .*-live|bin/aggregator rules .*-config)`)

// runnable is the script without the lines that are only looked at.
func runnable(t *testing.T, script string) string {
	t.Helper()
	var kept []string
	for line := range strings.Lines(strings.ReplaceAll(script, "\\\n", "")) {
		if !elsewhere.MatchString(strings.TrimSpace(line)) {
			kept = append(kept, line)
			continue
		}
		lookAt(t, strings.Fields(line))
	}
	return strings.Join(kept, "")
}

// lookAt checks of a command that is not run what can be.
func lookAt(t *testing.T, words []string) {
	t.Helper()
	if name, value, set := strings.Cut(words[0], "="); set {
		if r := call("", []string{name + "=" + value}, "check"); r.code != exitFine || r.err != "" {
			t.Errorf("%s: %+v", words[0], r)
		}
		words = words[1:]
	}
	switch words[0] {
	case "make":
		makefile, err := os.ReadFile("../../Makefile")
		if err != nil || !strings.Contains(string(makefile), "\n"+words[1]+":") {
			t.Errorf("%v: no such target (%v)", words, err)
		}
	case "kubectl":
		if at := slices.Index(words, "-k"); at > 0 {
			if _, err := os.Stat(filepath.Join("../..", words[at+1], "kustomization.yaml")); err != nil {
				t.Errorf("%v: %v", words, err)
			}
		}
	case "bin/aggregator":
		if to := slices.Index(words, ">"); to > 0 {
			words = words[:to]
		}
		mustParse(t, words[1:])
	}
}

// TestDocsPacks checks every pack of docs/rules.md, and runs its tests.
func TestDocsPacks(t *testing.T) {
	for _, text := range yamlOf(t, "../../docs/rules.md", 15) {
		r := call("", nil, "check", "-rules", servers.WriteFile(t, "pack.yaml", text))
		own := strings.Contains(text, "types: [report]") && strings.Contains(r.err, "is none of the usual types of event") && strings.Count(r.err, "\n") == 1
		if r.code != exitFine || r.err != "" && !own {
			t.Errorf("%s\n%+v", text, r)
		}
	}
}

// TestDocsConfigs checks the configs of docs/operations.md.
func TestDocsConfigs(t *testing.T) {
	for _, text := range yamlOf(t, "../../docs/operations.md", 1) {
		file := servers.WriteFile(t, "own.yaml", ownPack)
		config := filepath.Join(filepath.Dir(file), "aggregator.yaml")
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := call("", nil, "check", "-config", config); r.code != exitFine || r.err != "" {
			t.Errorf("%s\n%+v", text, r)
		}
	}
}

// mustParse checks that the program takes a command line.
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

// metricRows are the rows of all the program's metrics.
func metricRows(t *testing.T) []string {
	t.Helper()
	p, err := engine.Compile([]*thresholds.Pack{mustBuiltin(defaultPack)}, thresholds.DefaultMaxMembers)
	if err != nil {
		t.Fatal(err)
	}
	d := &described{}
	metrics.New(d, p)
	notify.NewMetrics(d)
	registerBuild(d)
	httpserver.NewMetrics(d)
	d.MustRegister(&httpserver.Readiness{})
	slices.Sort(d.rows)
	return d.rows
}

var metricName = regexp.MustCompile(`aggregator_[a-z_]+`)

// TestReadmeMetrics compares the table of docs/operations.md with what is registered. It checks
// that the other metrics that the page names exist.
func TestReadmeMetrics(t *testing.T) {
	want := strings.Join(metricRows(t), "\n") + "\n"
	data, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range metricName.FindAllString(string(data), -1) {
		name = strings.TrimSuffix(name, "_bucket") // of a histogram
		if !strings.Contains(want, "`"+name+"`") {
			t.Errorf("docs/operations.md names %s, which is no metric", name)
		}
	}
	_, rest, _ := strings.Cut(string(data), "| metric | labels | meaning |\n| --- | --- | --- |\n")
	got, _, _ := strings.Cut(rest, "\n\n")
	if got+"\n" != want {
		t.Errorf("the table of metrics in docs/operations.md is not that of the program, which is:\n%s", want)
	}
}

// TestReadmeCrossing compares the records of docs/events.md with those of the program, which in a
// replay lack when they were detected and where the event lies.
func TestReadmeCrossing(t *testing.T) {
	shown := map[any]map[string]any{}
	for _, b := range blocksOf(t, "../../docs/events.md") {
		if b.language == "json" {
			record := map[string]any{}
			if err := json.Unmarshal([]byte(b.text), &record); err != nil {
				t.Fatal(err)
			}
			shown[record["status"]] = record
		}
	}
	for line := range strings.Lines(call(clickOver+aheadLine, nil, "replay", "-now", "2036-01-01T00:00:00Z").out) {
		real := map[string]any{}
		if err := json.Unmarshal([]byte(line), &real); err != nil {
			t.Fatal(err)
		}
		record := shown[real["status"]]
		delete(record, "detected")
		delete(record, "producer")
		if got, want := names(record), names(real); !slices.Equal(got, want) {
			t.Errorf("the page's record of %s has %v, the program's %v", real["status"], got, want)
		}
	}
	if len(shown) != 2 {
		t.Errorf("%d records are shown", len(shown))
	}
}

func names(record map[string]any) []string { return slices.Sorted(maps.Keys(record)) }

// TestReadmeFields: every field of an event, and every reason to refuse one, is in docs/events.md.
func TestReadmeFields(t *testing.T) {
	data, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(event.StrNames[:], event.NumNames[:], event.Reasons()) {
		if !strings.Contains(string(data), "`"+name+"`") {
			t.Errorf("docs/events.md does not name %s", name)
		}
	}
}

// typeRow is a row of the table of types in docs/events.md: the type, and a cell for each field.
var typeRow = regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| [^|]+ \\| ([x |]+) \\|$")

// TestDocsEvents: the examples of docs/events.md are events that a replay takes, of every type of its table, and hold the
// fields that the table says.
func TestDocsEvents(t *testing.T) {
	examples, fields := "", map[string]map[string]bool{}
	for _, b := range blocksOf(t, "../../docs/events.md") {
		if b.language == "ndjson" {
			examples += b.text
		}
	}
	if r := call(examples, nil, "replay", "-strict", "-now", "2036-01-01T00:00:00Z"); r.code != exitFine || !strings.Contains(r.err, "duplicate 0") {
		t.Errorf("%+v", r)
	}
	for line := range strings.Lines(examples) {
		record := map[string]any{}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		kind := record["type"].(string)
		if fields[kind] == nil {
			fields[kind] = map[string]bool{}
		}
		for name := range record {
			fields[kind][name] = true
		}
	}
	data, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	_, header, _ := strings.Cut(string(data), "| type | `account` is | ")
	header, table, _ := strings.Cut(header, "\n")
	columns := strings.Split(strings.Trim(header, " |"), " | ")
	for _, row := range typeRow.FindAllStringSubmatch(table, -1) {
		want := map[string]bool{"id": true, "time": true, "type": true, "account": true}
		for i, cell := range strings.Split(row[2], " | ") {
			if cell == "x" {
				want[strings.Trim(columns[i], "`")] = true
			}
		}
		if usual, _ := thresholds.UsualType(row[1]); !usual || !maps.Equal(fields[row[1]], want) {
			t.Errorf("%s (usual: %v): the table has %v, the examples %v", row[1], usual, want, fields[row[1]])
		}
		delete(fields, row[1])
	}
	if len(columns) < 10 || len(fields) > 0 {
		t.Errorf("columns %v; examples of types that the table lacks: %v", columns, fields)
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

// TestNotifySinks: the sinks of docs/notify.md are a good config, except for the files that they name, which are not here.
func TestNotifySinks(t *testing.T) {
	checked := 0
	for _, text := range yamlOf(t, "../../docs/notify.md", 1) {
		if !strings.HasPrefix(text, "notify:") {
			continue
		}
		c := load(t, servers.WriteFile(t, "c.yaml", text))
		_, bad := c.openSinks()
		for _, fault := range bad {
			if !strings.HasSuffix(fault, "no such file or directory") {
				t.Error(fault)
			}
		}
		checked += len(c.sinks)
	}
	if checked < 3 {
		t.Errorf("%d sinks are shown", checked)
	}
}

// TestSecurityPage: the configs of docs/security.md are good, except for the files that they name,
// which are not here.
func TestSecurityPage(t *testing.T) {
	configs := yamlOf(t, "../../docs/security.md", 4)
	for _, text := range configs {
		_, bad := (&session{err: t.Output()}).loadConfig(servers.WriteFile(t, "c.yaml", text))
		for _, fault := range bad {
			if !strings.HasSuffix(fault, "no such file or directory") {
				t.Errorf("%s: %s", text, fault)
			}
		}
	}
	if len(configs) != 4 {
		t.Errorf("%d configs, want 4", len(configs))
	}
}

// TestReadmePicture: the picture of the board is small enough to be loaded with the page.
func TestReadmePicture(t *testing.T) {
	const most = 300_000
	picture, err := os.ReadFile("../../docs/board.webp")
	if err != nil {
		t.Fatal(err)
	}
	if len(picture) > most || !bytes.HasPrefix(picture, []byte("RIFF")) || string(picture[8:12]) != "WEBP" {
		t.Errorf("%d bytes, want %d at most, of WebP: make screenshots, and take board.webp of the pictures", len(picture), most)
	}
}
