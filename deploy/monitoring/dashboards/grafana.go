package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Dashboard is what Grafana reads, as far as it is used here. Grafana brings older forms up to date, so schemaVersion is that of the
// oldest version that is meant, 11.
type Dashboard struct {
	UID           string      `json:"uid"`
	Title         string      `json:"title"`
	Description   string      `json:"description"`
	Tags          []string    `json:"tags"`
	Editable      bool        `json:"editable"`
	GraphTooltip  int         `json:"graphTooltip"` // 1: the charts share a crosshair
	Time          Range       `json:"time"`
	Timezone      string      `json:"timezone"`
	Refresh       string      `json:"refresh"`
	SchemaVersion int         `json:"schemaVersion"`
	Links         []Link      `json:"links"`
	Templating    Variables   `json:"templating"`
	Annotations   Annotations `json:"annotations"`
	Panels        []Panel     `json:"panels"`
}

// Range is the time that a dashboard begins with.
type Range struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Link is a link at the top of a dashboard.
type Link struct {
	Title       string   `json:"title"`
	Type        string   `json:"type"`
	URL         string   `json:"url"`
	Icon        string   `json:"icon"`
	Tooltip     string   `json:"tooltip"`
	Tags        []string `json:"tags"`
	TargetBlank bool     `json:"targetBlank"`
	IncludeVars bool     `json:"includeVars"`
	KeepTime    bool     `json:"keepTime"`
}

// Variables are what is chosen at the top of a dashboard.
type Variables struct {
	List []Variable `json:"list"`
}

// Variable is one of them.
type Variable struct {
	Type        string      `json:"type"`
	Name        string      `json:"name"`
	Label       string      `json:"label"`
	Description string      `json:"description,omitempty"`
	Hide        int         `json:"hide,omitempty"` // 2: it is not shown
	SkipURLSync bool        `json:"skipUrlSync,omitempty"`
	Datasource  *Datasource `json:"datasource,omitempty"`
	Query       string      `json:"query"`
	Refresh     int         `json:"refresh,omitempty"` // 2: when the time changes
	Sort        int         `json:"sort,omitempty"`    // 1: by the alphabet
	Multi       bool        `json:"multi,omitempty"`
	IncludeAll  bool        `json:"includeAll,omitempty"`
	AllValue    string      `json:"allValue,omitempty"`
	Current     *Choice     `json:"current,omitempty"`
}

// Choice is the value of a variable.
type Choice struct {
	Text  any `json:"text"` // a text, or a list where several can be chosen
	Value any `json:"value"`
}

// Datasource is where a panel asks.
type Datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Annotations are what is marked in all charts.
type Annotations struct {
	List []Annotation `json:"list"`
}

// Annotation marks when an expression has a value. The last three keys are those of the Prometheus data source.
type Annotation struct {
	Name        string     `json:"name"`
	Datasource  Datasource `json:"datasource"`
	Enable      bool       `json:"enable"`
	IconColor   string     `json:"iconColor"`
	Expr        string     `json:"expr"`
	TitleFormat string     `json:"titleFormat"`
	TextFormat  string     `json:"textFormat"`
	TagKeys     string     `json:"tagKeys"`
}

// Panel is a chart, or the heading of a row.
type Panel struct {
	ID              int              `json:"id"`
	Type            string           `json:"type"`
	Title           string           `json:"title"`
	Description     string           `json:"description,omitempty"`
	GridPos         GridPos          `json:"gridPos"`
	Datasource      *Datasource      `json:"datasource,omitempty"`
	Targets         []Target         `json:"targets,omitempty"`
	FieldConfig     *FieldConfig     `json:"fieldConfig,omitempty"`
	Options         map[string]any   `json:"options,omitempty"`
	Transformations []Transformation `json:"transformations,omitempty"`
	Collapsed       *bool            `json:"collapsed,omitempty"` // of rows
	Panels          *[]Panel         `json:"panels,omitempty"`    // of rows: none, as those of an open row follow it
}

// GridPos is where a panel is, in a grid of 24 columns.
type GridPos struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

// Target is an expression of a panel.
type Target struct {
	RefID        string     `json:"refId"`
	Datasource   Datasource `json:"datasource"`
	Expr         string     `json:"expr"`
	LegendFormat string     `json:"legendFormat"`
	Format       string     `json:"format"`
	Instant      bool       `json:"instant"`
	Range        bool       `json:"range"`
	Exemplar     bool       `json:"exemplar"`
}

// FieldConfig is how values are shown.
type FieldConfig struct {
	Defaults  Defaults `json:"defaults"`
	Overrides []any    `json:"overrides"`
}

// Defaults are how all values of a panel are shown.
type Defaults struct {
	Unit       string         `json:"unit"`
	Decimals   *int           `json:"decimals,omitempty"`
	Min        *float64       `json:"min,omitempty"`
	NoValue    string         `json:"noValue,omitempty"`
	Mappings   []Mapping      `json:"mappings,omitempty"`
	Thresholds Thresholds     `json:"thresholds"`
	Color      Color          `json:"color"`
	Custom     map[string]any `json:"custom,omitempty"`
}

// Color is how the colour of a value is chosen.
type Color struct {
	Mode string `json:"mode"`
}

// Thresholds are from where on values have another colour.
type Thresholds struct {
	Mode  string      `json:"mode"`
	Steps []Threshold `json:"steps"`
}

// Threshold is one of them. The first has no value: it is from below.
type Threshold struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// Mapping shows a text instead of values.
type Mapping struct {
	Type    string         `json:"type"`
	Options map[string]any `json:"options"`
}

// Transformation changes the fields of a table.
type Transformation struct {
	ID      string         `json:"id"`
	Options map[string]any `json:"options"`
}

// JSON is the text of a dashboard's file.
func (d Dashboard) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("encode dashboard %s: %w", d.UID, err)
	}
	return b.Bytes(), nil
}
