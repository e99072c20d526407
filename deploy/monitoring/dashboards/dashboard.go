package dashboards

// docs is where links to pages lead, without the page: a variable, so that whoever has the pages elsewhere changes one place.
const docs = "${docs}"

// docsURL is its value.
const docsURL = "https://github.com/seed-afe14ff2/aggregator/blob/main/docs"

// datasource is the one that is chosen at the top.
var datasource = Datasource{Type: "prometheus", UID: "${prometheus_datasource}"}

// row is a heading, and the charts below it. Without a title there is no heading.
type row struct {
	title  string
	charts []chart
}

// dashboard is what the two dashboards have in common. The extra variables come after those of processes.
func dashboard(uid, title, about string, other Link, rows []row, extra ...Variable) Dashboard {
	return Dashboard{
		UID: uid, Title: title, Description: about, Tags: []string{"aggregator"},
		GraphTooltip: 1, Time: Range{"now-3h", "now"}, Timezone: "browser", Refresh: "30s", SchemaVersion: 39,
		Links: []Link{
			other,
			{Title: "Runbook", Type: "link", URL: docs + "/runbook.md", Icon: "doc", Tooltip: "What each fault means, and what to do", Tags: []string{}, TargetBlank: true},
			{Title: "Operations", Type: "link", URL: docs + "/operations.md#metrics", Icon: "doc", Tooltip: "What each metric means", Tags: []string{}, TargetBlank: true},
		},
		Templating:  Variables{append(variables(), extra...)},
		Annotations: Annotations{[]Annotation{crossed}},
		Panels:      place(rows),
	}
}

// to is a link to the other dashboard, at the same time and for the same processes.
func to(uid, title string) Link {
	return Link{Title: title, Type: "link", URL: "/d/" + uid, Icon: "dashboard", Tags: []string{}, IncludeVars: true, KeepTime: true}
}

// crossed marks when crossings were published.
var crossed = Annotation{
	Name: "Crossings", Datasource: datasource, Enable: true, IconColor: red,
	Expr:        chosen(`sum by (rule, level, status) (changes(aggregator_crossings_total{}[$__rate_interval])) > 0`),
	TitleFormat: "{{rule}}", TextFormat: "level {{level}}: {{status}}", TagKeys: "rule,level,status",
}

func variables() []Variable {
	return []Variable{
		{Type: "datasource", Name: "prometheus_datasource", Label: "Data source", Query: "prometheus"},
		several("job", "Job", `label_values(aggregator_ready, job)`),
		several("instance", "Instance", `label_values(aggregator_ready{job=~"$job"}, instance)`),
		{
			Type: "constant", Name: "docs", Label: "Pages", Description: "Where the links to pages lead", Hide: 2, SkipURLSync: true,
			Query: docsURL, Current: &Choice{docsURL, docsURL},
		},
	}
}

// several is a variable of which several values can be chosen, or all.
func several(name, label, query string) Variable {
	return Variable{
		Type: "query", Name: name, Label: label, Datasource: &datasource, Query: query, Refresh: 2, Sort: 1, Multi: true, IncludeAll: true, AllValue: ".+",
		Current: &Choice{[]string{"All"}, []string{"$__all"}},
	}
}

// columns is how wide Grafana's grid is.
const columns = 24

// place makes the panels of rows, each where the one before it ends.
func place(rows []row) (all []Panel) {
	x, y, height := 0, 0, 0
	add := func(p Panel) {
		if x+p.GridPos.W > columns {
			x, y, height = 0, y+height, 0
		}
		p.ID, p.GridPos.X, p.GridPos.Y = len(all)+1, x, y
		x, height = x+p.GridPos.W, max(height, p.GridPos.H)
		all = append(all, p)
	}
	for _, r := range rows {
		x, y, height = 0, y+height, 0
		if r.title != "" {
			add(Panel{Type: "row", Title: r.title, GridPos: GridPos{W: columns, H: 1}, Collapsed: new(bool), Panels: &[]Panel{}})
		}
		for _, c := range r.charts {
			add(c.panel())
		}
	}
	return all
}

// All are the dashboards, by the names of their files.
func All() map[string]Dashboard {
	return map[string]Dashboard{"aggregator-operations.json": Operations(), "aggregator-levels.json": Levels()}
}
