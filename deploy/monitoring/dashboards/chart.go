package dashboards

import "strings"

// chart is one panel.
type chart struct {
	title string

	// shows is what is seen, normal how it looks while all is well, otherwise what to do. runbook is the heading of docs/runbook.md that
	// has more, as it stands in a link.
	shows, normal, otherwise, runbook string

	look          look
	width, height int // of 24 columns; 0: 8, and the usual height of the look
	unit          string
	warn, bad     float64  // from where on it is yellow, and red; 0: nowhere
	names         []name   // texts instead of values
	nothing       string   // text where there is no series; "": No data
	stacked       bool     // the areas add up
	columns       []string // of a table: names of its fields in order, as NAME or FIELD=NAME
	queries       []query
}

// query is one expression, and what its series are called.
type query struct {
	expr, legend string
	exemplars    bool // the samples that were kept are shown as dots
}

// name is a text for a value.
type name struct{ value, text, color string }

// look is how values are shown.
type look int

const (
	graph  look = iota // lines over time
	bars               // stacked bars over time
	light              // the value now, on its colour
	values             // the values now
	list               // a table of the values now
	states             // for each series a band over time
	heat               // the buckets of a histogram over time
)

// looks are what Grafana calls them, and how high they are.
var looks = [...]struct {
	plugin string
	height int
	now    bool // only the present is asked for, so that a series that is gone is not shown any more
}{
	graph: {"timeseries", 8, false}, bars: {"timeseries", 8, false}, light: {"stat", 5, true}, values: {"stat", 5, true},
	list: {"table", 8, true}, states: {"state-timeline", 8, false}, heat: {"heatmap", 8, false},
}

// Colours. What is not green is said by a text or a number as well.
const (
	green  = "green"
	yellow = "yellow"
	red    = "red"
	blue   = "blue"
)

// panel makes a panel of a chart. Where it is, and its number, are set later.
func (c chart) panel() Panel {
	kind := looks[c.look]
	p := Panel{
		Type: kind.plugin, Title: c.title, Description: c.description(), Datasource: &datasource,
		GridPos: GridPos{W: orElse(c.width, 8), H: orElse(c.height, kind.height)},
		FieldConfig: &FieldConfig{
			Defaults:  Defaults{Unit: c.unit, NoValue: c.nothing, Mappings: c.mappings(), Thresholds: c.thresholds(), Color: c.color(), Custom: c.custom()},
			Overrides: []any{},
		},
		Options: c.options(), Transformations: c.transformations(),
	}
	for i, q := range c.queries {
		p.Targets = append(p.Targets, Target{
			RefID: string(rune('A' + i)), Datasource: datasource, Expr: chosen(q.expr), LegendFormat: q.legend, Format: c.format(),
			Instant: kind.now, Range: !kind.now, Exemplar: q.exemplars,
		})
	}
	return p
}

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// chosen has each selector of an expression ask for the processes that are chosen.
func chosen(expr string) string {
	const processes = `{job=~"$job",instance=~"$instance"`
	return strings.NewReplacer("{}", processes+"}", "{", processes+",").Replace(expr)
}

func (c chart) description() string {
	return c.shows + "\n\n**Normal:** " + c.normal + "\n\n**Otherwise:** " + c.otherwise + " [Runbook](" + docs + "/runbook.md#" + c.runbook + ")"
}

func (c chart) format() string {
	switch c.look {
	case list:
		return "table"
	case heat:
		return "heatmap"
	default:
		return "time_series"
	}
}

func (c chart) thresholds() Thresholds {
	t := Thresholds{Mode: "absolute", Steps: []Threshold{{Color: green}}}
	if c.warn != 0 {
		t.Steps = append(t.Steps, Threshold{yellow, &c.warn})
	}
	if c.bad != 0 {
		t.Steps = append(t.Steps, Threshold{red, &c.bad})
	}
	return t
}

func (c chart) color() Color {
	switch c.look {
	case graph, bars, heat:
		return Color{"palette-classic"}
	default:
		return Color{"thresholds"}
	}
}

// mappings are the texts for values, and for that there is none.
func (c chart) mappings() (list []Mapping) {
	for _, n := range c.names {
		result := map[string]any{"text": n.text, "color": n.color}
		if n.value == "null" {
			list = append(list, Mapping{"special", map[string]any{"match": "null+nan", "result": result}})
			continue
		}
		list = append(list, Mapping{"value", map[string]any{n.value: result}})
	}
	return list
}

// custom is what only lines, bars and bands have.
func (c chart) custom() map[string]any {
	switch c.look {
	case graph:
		m := map[string]any{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "axisSoftMin": 0}
		if c.stacked {
			m["stacking"] = map[string]any{"mode": "normal", "group": "A"}
		}
		if c.warn != 0 || c.bad != 0 {
			m["thresholdsStyle"] = map[string]any{"mode": "dashed"}
		}
		return m
	case bars:
		return map[string]any{
			"drawStyle": "bars", "lineWidth": 0, "fillOpacity": 80, "showPoints": "never", "axisSoftMin": 0, "stacking": map[string]any{"mode": "normal", "group": "A"},
		}
	case states:
		return map[string]any{"fillOpacity": 80, "lineWidth": 0}
	default:
		return nil
	}
}

func (c chart) options() map[string]any {
	switch c.look {
	case graph, bars:
		return map[string]any{
			"legend":  map[string]any{"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": []string{"lastNotNull", "max"}, "sortBy": "Max", "sortDesc": true},
			"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
		}
	case light, values:
		background := map[look]string{light: "background", values: "value"}[c.look]
		return map[string]any{
			"graphMode": "none", "colorMode": background, "textMode": "auto", "justifyMode": "auto", "orientation": "auto",
			"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		}
	case list:
		return map[string]any{"showHeader": true, "cellHeight": "sm"}
	case states:
		return map[string]any{
			"mergeValues": true, "showValue": "never", "rowHeight": 0.9,
			"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": []string{}},
			"tooltip": map[string]any{"mode": "single", "sort": "none"},
		}
	default:
		return map[string]any{
			"calculate": false, "cellGap": 1, "color": map[string]any{"mode": "scheme", "scheme": "Oranges", "steps": 64, "scale": "exponential", "exponent": 0.5, "fill": "dark-orange", "reverse": false},
			"yAxis": map[string]any{"axisPlacement": "left", "unit": c.unit, "reverse": false}, "legend": map[string]any{"show": true},
			"tooltip": map[string]any{"mode": "single", "yHistogram": false, "showColorScale": false}, "exemplars": map[string]any{"color": "rgba(0,120,255,0.9)"},
			"showValue": "never",
		}
	}
}

// transformations order the fields of a table, and name them.
func (c chart) transformations() []Transformation {
	if c.look != list {
		return nil
	}
	index, rename := map[string]any{}, map[string]any{}
	for i, column := range c.columns {
		field, shown, renamed := strings.Cut(column, "=")
		index[field] = i
		if renamed {
			rename[field] = shown
		}
	}
	return []Transformation{{"organize", map[string]any{"excludeByName": map[string]any{"Time": true}, "indexByName": index, "renameByName": rename}}}
}
