package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The rules of this file are those of Grafana's dashboard-linter that need no parser of expressions, and ours. Those of expressions are in
// tools/promql, which has the parser.

// lint is what is wrong with a dashboard, a line each.
func lint(d Dashboard) []string {
	l := &linter{d: d}
	l.head()
	l.variables()
	l.links()
	for _, p := range d.Panels {
		if p.Type != "row" {
			l.panel(p)
		}
	}
	l.grid()
	return l.wrong
}

type linter struct {
	d     Dashboard
	wrong []string
}

func (l *linter) check(ok bool, format string, args ...any) {
	if !ok {
		l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
	}
}

func (l *linter) head() {
	d := l.d
	l.check(strings.HasPrefix(d.UID, "aggregator-"), "uid %q", d.UID)
	l.check(!d.Editable, "it is editable")
	l.check(d.Title != "" && d.Description != "" && slices.Contains(d.Tags, "aggregator"), "title %q, description %q, tags %v", d.Title, d.Description, d.Tags)
	for _, a := range d.Annotations.List {
		l.check(a.Datasource == datasource && a.Enable, "annotation %q asks %v, enabled %v", a.Name, a.Datasource, a.Enable)
	}
	text, err := d.JSON()
	l.check(err == nil, "%v", err)
	for _, m := range regexp.MustCompile(`"uid": "([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
		l.check(m[1] == d.UID || m[1] == datasource.UID, "the uid %s is fixed", m[1])
	}
	for _, m := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(string(text), -1) {
		l.check(l.declared(m[1]), "no variable is called %s", m[1])
	}
}

// declared reports whether a variable is one of the dashboard or of Grafana.
func (l *linter) declared(name string) bool {
	return slices.Contains([]string{"__rate_interval", "__range", "__all"}, name) ||
		slices.ContainsFunc(l.d.Templating.List, func(v Variable) bool { return v.Name == name })
}

func (l *linter) variables() {
	processes := 0
	for _, v := range l.d.Templating.List {
		switch v.Type {
		case "datasource":
			l.check(v.Name == "prometheus_datasource" && v.Label == "Data source" && v.Query == "prometheus", "the data source is %+v", v)
		case "query":
			l.check(v.Datasource != nil && *v.Datasource == datasource, "variable %s: its data source is fixed", v.Name)
			l.check(v.Multi && v.IncludeAll && v.AllValue == ".+", "variable %s: not several or all of .+ can be chosen", v.Name)
			l.check(v.Refresh == 2, "variable %s is not read anew when the time changes", v.Name)
			l.check(strings.EqualFold(v.Label, v.Name), "variable %s is labelled %s", v.Name, v.Label)
		}
		if v.Type == "datasource" || v.Name == "job" || v.Name == "instance" {
			processes++
		}
	}
	l.check(processes == 3, "there are not one data source, one job, one instance among the variables")
}

func (l *linter) links() {
	ids := map[string]bool{}
	for _, d := range All() {
		ids["/d/"+d.UID] = true
	}
	others := 0
	for _, link := range l.d.Links {
		if page, isPage := strings.CutPrefix(link.URL, docs+"/"); isPage {
			l.page(page)
			continue
		}
		l.check(ids[link.URL] && link.URL != "/d/"+l.d.UID && link.KeepTime && link.IncludeVars, "link %+v", link)
		others++
	}
	l.check(others == 1, "%d links to other dashboards", others)
}

// page looks for a heading of a page.
func (l *linter) page(link string) {
	file, anchor, _ := strings.Cut(link, "#")
	text, err := os.ReadFile(filepath.Join("../../../docs", file))
	l.check(err == nil, "link %s: %v", link, err)
	l.check(anchor == "" || slices.Contains(anchors(string(text)), anchor), "%s has no heading %q", file, anchor)
}

// anchors are what the headings of a page are linked by, and the anchors that it sets.
func anchors(page string) (list []string) {
	for line := range strings.Lines(page) {
		if marks := strings.TrimLeft(line, "#"); marks != line {
			title := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(marks)), " ", "-")
			list = append(list, regexp.MustCompile(`[^a-z0-9_-]`).ReplaceAllString(title, ""))
		}
	}
	for _, m := range regexp.MustCompile(`<a (?:id|name)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		list = append(list, m[1])
	}
	return list
}

// units are those of Grafana that are used here.
var units = []string{"short", "cps", "s", "bytes", "percentunit", "dateTimeFromNow", "dtdurations"}

var parts = regexp.MustCompile(`(?s)^.+\.\n\n\*\*Normal:\*\* .+\.\n\n\*\*Otherwise:\*\* .+\. \[Runbook\]\(\$\{docs\}/(runbook\.md#[a-z0-9-]+)\)$`)

func (l *linter) panel(p Panel) {
	at := fmt.Sprintf("panel %d, %q: ", p.ID, p.Title)
	m := parts.FindStringSubmatch(p.Description)
	l.check(m != nil, "%sits description does not say what it shows, what is normal, what to do: %q", at, p.Description)
	if m != nil {
		l.page(m[1])
	}
	l.check(p.Title != "" && len(p.Targets) > 0, "%sit has no title or no target", at)
	l.check(p.Datasource != nil && *p.Datasource == datasource, "%sits data source is fixed", at)
	l.check(p.FieldConfig != nil && slices.Contains(units, p.FieldConfig.Defaults.Unit), "%sits unit is unknown", at)
	if p.FieldConfig != nil {
		l.thresholds(at, p.FieldConfig.Defaults.Thresholds.Steps)
	}
	ids, now := map[string]bool{}, p.Type == "stat" || p.Type == "table"
	for _, t := range p.Targets {
		l.check(t.Datasource == datasource && t.LegendFormat != "" && !ids[t.RefID], "%starget %s: data source %v, legend %q, or another has its name", at, t.RefID, t.Datasource, t.LegendFormat)
		l.check(t.Instant == now && t.Range != now, "%starget %s: instant %v, range %v", at, t.RefID, t.Instant, t.Range)
		ids[t.RefID] = true
	}
}

// thresholds begin from below, and rise.
func (l *linter) thresholds(at string, steps []Threshold) {
	ok := len(steps) > 0 && steps[0].Value == nil
	for i := 1; ok && i < len(steps); i++ {
		ok = steps[i].Value != nil && (i == 1 || *steps[i].Value > *steps[i-1].Value)
	}
	l.check(ok, "%sits thresholds do not rise", at)
}

// grid looks for panels that lie over each other, or outside.
func (l *linter) grid() {
	ids := map[int]bool{}
	for i, p := range l.d.Panels {
		g := p.GridPos
		l.check(p.ID > 0 && !ids[p.ID], "panel %d: another has its number", p.ID)
		l.check(g.X >= 0 && g.Y >= 0 && g.W > 0 && g.H > 0 && g.X+g.W <= columns, "panel %d is at %+v", p.ID, g)
		for _, q := range l.d.Panels[:i] {
			o := q.GridPos
			apart := g.X >= o.X+o.W || o.X >= g.X+g.W || g.Y >= o.Y+o.H || o.Y >= g.Y+g.H
			l.check(apart, "panels %d and %d lie over each other", q.ID, p.ID)
		}
		ids[p.ID] = true
	}
}

// read reads a dashboard's file. A key that the code does not know is an error.
func read(t *testing.T, file string) (d Dashboard) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return d
}

// TestLint: nothing is wrong with the dashboards.
func TestLint(t *testing.T) {
	for file := range All() {
		d := read(t, file)
		if d.UID+".json" != file {
			t.Errorf("%s is of the dashboard %s", file, d.UID)
		}
		for _, line := range lint(d) {
			t.Errorf("%s: %s", file, line)
		}
	}
}

// TestLintFinds: each fault that is put into a dashboard is found, and nothing else.
func TestLintFinds(t *testing.T) {
	f := func(want string, spoil func(d *Dashboard, p *Panel)) {
		t.Helper()
		d := read(t, "aggregator-levels.json")
		spoil(&d, &d.Panels[0])
		if got := lint(d); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("want one line with %q, got %q", want, got)
		}
	}
	f("editable", func(d *Dashboard, _ *Panel) { d.Editable = true })
	f("tags", func(d *Dashboard, _ *Panel) { d.Tags = nil })
	f(`no variable is called rule`, func(d *Dashboard, _ *Panel) {
		d.Templating.List = d.Templating.List[:4]
		for i := range d.Panels {
			for j := range d.Panels[i].Targets {
				target := &d.Panels[i].Targets[j]
				target.Expr = strings.ReplaceAll(target.Expr, "$rule", "")
			}
		}
		d.Panels[0].Targets[0].Expr = `x{rule=~"$rule"}`
	})
	f("one data source", func(d *Dashboard, _ *Panel) { d.Templating.List = append(d.Templating.List, d.Templating.List[0]) })
	f("the data source is", func(d *Dashboard, _ *Panel) { d.Templating.List[0].Label = "Prometheus" })
	f("read anew", func(d *Dashboard, _ *Panel) { d.Templating.List[1].Refresh = 1 })
	f("several or all", func(d *Dashboard, _ *Panel) { d.Templating.List[2].AllValue = ".*" })
	f("link {", func(d *Dashboard, _ *Panel) { d.Links[0].URL = "/d/aggregator-operation" })
	f("no such file", func(d *Dashboard, _ *Panel) { d.Links[1].URL = docs + "/runbok.md" })
	f(`operations.md has no heading "metric"`, func(d *Dashboard, _ *Panel) { d.Links[2].URL = docs + "/operations.md#metric" })
	f("what is normal", func(_ *Dashboard, p *Panel) { p.Description = strings.Replace(p.Description, "Normal", "Usual", 1) })
	f("no heading", func(_ *Dashboard, p *Panel) {
		p.Description = strings.Replace(p.Description, "runbook.md#", "runbook.md#x", 1)
	})
	f("no title or no target", func(_ *Dashboard, p *Panel) { p.Title = "" })
	f("no title or no target", func(_ *Dashboard, p *Panel) { p.Targets = nil })
	f("its unit", func(_ *Dashboard, p *Panel) { p.FieldConfig.Defaults.Unit = "sec" })
	f("do not rise", func(_ *Dashboard, p *Panel) {
		one, two := 1.0, 2.0
		p.FieldConfig.Defaults.Thresholds.Steps = []Threshold{{green, nil}, {red, &two}, {yellow, &one}}
	})
	f("instant false", func(_ *Dashboard, p *Panel) { p.Targets[0].Instant = false })
	f("legend", func(_ *Dashboard, p *Panel) { p.Targets[0].LegendFormat = "" })
	f("another has its name", func(_ *Dashboard, p *Panel) { p.Targets = append(p.Targets, p.Targets[0]) })
	f("over each other", func(d *Dashboard, _ *Panel) { d.Panels[1].GridPos.X-- })
	f("is at", func(d *Dashboard, _ *Panel) { d.Panels[3].GridPos.W++ })
	f("another has its number", func(d *Dashboard, _ *Panel) { d.Panels[1].ID = 1 })
}

// TestLintFindsDatasource: a data source that is not chosen is found, wherever it is.
func TestLintFindsDatasource(t *testing.T) {
	fixed := Datasource{"prometheus", "P1234"}
	for _, spoil := range []func(d *Dashboard){
		func(d *Dashboard) { d.Panels[0].Datasource = &fixed },
		func(d *Dashboard) { d.Panels[0].Targets[0].Datasource = fixed },
		func(d *Dashboard) { d.Annotations.List[0].Datasource = fixed },
		func(d *Dashboard) { d.Templating.List[1].Datasource = &fixed },
	} {
		d := read(t, "aggregator-levels.json")
		spoil(&d)
		if got := lint(d); len(got) != 2 || !slices.Contains(got, "the uid P1234 is fixed") {
			t.Errorf("got %q", got)
		}
	}
}
