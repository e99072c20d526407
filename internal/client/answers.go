package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Item is something of an answer: as it is read, and as it came.
type Item[T any] struct {
	Value T
	JSON  json.RawMessage
}

// UnmarshalJSON reads one.
func (i *Item[T]) UnmarshalJSON(text []byte) error {
	i.JSON = bytes.Clone(text)
	return json.Unmarshal(text, &i.Value)
}

// Status is how the deployment does.
type Status struct {
	Version    string      `json:"version"`
	Revision   string      `json:"revision"`
	Started    *time.Time  `json:"started"`
	Group      string      `json:"group"`
	Now        time.Time   `json:"now"`
	StreamTime *time.Time  `json:"stream_time"`
	Partitions []Partition `json:"partitions"`
	Rates      *Rates      `json:"rates"` // nil: not known
	Outbox     struct {
		Entries int64   `json:"entries"`
		Oldest  float64 `json:"oldest_seconds"`
	} `json:"outbox"`
	Crossings struct {
		Hour *int64 `json:"last_hour"` // nil: not known
		Day  *int64 `json:"last_day"`
	} `json:"crossings"`
	Rules struct {
		Packs []struct {
			Name string `json:"pack"`
			Hash string `json:"hash"`
		} `json:"packs"`
		Rules  int        `json:"rules"`
		Loaded *time.Time `json:"loaded"`
		Error  *string    `json:"error"`

		Unannounced map[string]int `json:"unannounced"` // subjects, by rule; nil: not known
	} `json:"rules"`
}

// Partition is how far a partition of the events is counted. What is nil is not known.
type Partition struct {
	Topic      string   `json:"topic"`
	Partition  int      `json:"partition"`
	Owner      *string  `json:"owner"` // nil: nobody
	Offset     *int64   `json:"offset"`
	End        int64    `json:"end"`
	LagRecords *int64   `json:"lag_records"`
	LagSeconds *float64 `json:"lag_seconds"`
}

// Rates are a second's, of the whole group.
type Rates struct {
	Events    float64 `json:"events"`
	Duplicate float64 `json:"duplicate"`
	Malformed float64 `json:"malformed"`
	Ahead     float64 `json:"ahead"`
	Late      float64 `json:"late"`
	Unmatched float64 `json:"unmatched"`
}

// Rule is a rule in force.
type Rule struct {
	Rule   string    `json:"rule"`
	Title  string    `json:"title"`
	Cite   string    `json:"cite"`
	Window string    `json:"window"`
	Levels []float64 `json:"levels"`
	Shadow bool      `json:"shadow"`
}

// Row is where a subject is with a rule.
type Row struct {
	Rule     string             `json:"rule"`
	By       string             `json:"by"`
	Subject  string             `json:"subject"`
	Progress float64            `json:"progress"` // 1 is the limit
	Level    float64            `json:"level"`    // 0: none is announced
	Episode  int64              `json:"episode"`
	Measures map[string]Measure `json:"measures"`
	Time     *time.Time         `json:"time"`
	Rate     *float64           `json:"rate"` // progress an hour
	LimitAt  *time.Time         `json:"limit_at"`
	Pending  *float64           `json:"pending"`
}

// Measure is a value and its limit.
type Measure struct {
	Value   int64      `json:"value"`
	Limit   int64      `json:"limit"`
	AtLeast bool       `json:"at_least"`
	Since   *time.Time `json:"since"`
}

// Subject is all that is counted of one.
type Subject struct {
	By        string           `json:"by"`
	Subject   string           `json:"subject"`
	Time      *time.Time       `json:"time"`
	First     *time.Time       `json:"first"`
	Rules     []Row            `json:"rules"`
	Series    []Series         `json:"series"`
	Crossings []Item[Crossing] `json:"crossings"`
}

// Series is a measure over its window.
type Series struct {
	Measure string   `json:"measure"`
	Window  string   `json:"window"`
	Step    *string  `json:"step"` // nil: the window has no steps
	Rules   []string `json:"rules"`
	Buckets []Bucket `json:"buckets"`
}

// Bucket is what a series has from a time on, for a step.
type Bucket struct {
	From  *time.Time `json:"from"`
	Value int64      `json:"value"`
}

// Crossing is what is read of a record of a crossing.
type Crossing struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"`
	Severity  string    `json:"severity"`
	Summary   string    `json:"summary"`
	Rule      string    `json:"rule"`
	By        string    `json:"by"`
	Subject   string    `json:"subject"`
	Level     float64   `json:"level"`
	Time      time.Time `json:"time"`
	Topic     string    `json:"topic"`
	Partition int       `json:"partition"`
	Offset    int64     `json:"offset"`
}

// Status asks how the deployment does.
func (c *Client) Status(ctx context.Context) (s Item[Status], err error) {
	return s, c.get(ctx, "api/v1/status", nil, &s)
}

// Rules asks for the rules in force.
func (c *Client) Rules(ctx context.Context) ([]Item[Rule], error) {
	items, _, err := list[Rule](ctx, c, "api/v1/rules", url.Values{}, 0)
	return items, err
}

// Nearest says which rows are asked for; "" asks for all. Texts go to the API as they are: it says what is wrong with them.
type Nearest struct{ By, Rule, MinProgress string }

// Nearest asks for the rows nearest to a limit, most at most.
func (c *Client) Nearest(ctx context.Context, q Nearest, most int) ([]Item[Row], error) {
	items, _, err := list[Row](ctx, c, "api/v1/subjects", given("by", q.By, "rule", q.Rule, "min_progress", q.MinProgress), most)
	return items, err
}

// Subject asks for all that is counted of a subject.
func (c *Client) Subject(ctx context.Context, by, id string) (s Item[Subject], err error) {
	return s, c.get(ctx, "api/v1/subject", given("by", by, "id", id), &s)
}

// Filter says which crossings are asked for; "" asks for all.
type Filter struct {
	Rule, By, Subject, Status, Since string

	Shadow bool // those of shadow rules, not the others
}

// Has reports whether a crossing passes, whenever it was.
func (f *Filter) Has(x *Crossing) bool {
	same := func(want, got string) bool { return want == "" || want == got }
	return same(f.Rule, x.Rule) && same(f.By, x.By) && same(f.Subject, x.Subject) && same(f.Status, x.Status)
}

// Crossings asks for the newest crossings, most at most, the newest first. from is how far back the list reaches; nil: it is empty.
func (c *Client) Crossings(ctx context.Context, f *Filter, most int) (items []Item[Crossing], from *time.Time, err error) {
	shadow := ""
	if f.Shadow {
		shadow = "true"
	}
	return list[Crossing](ctx, c, "api/v1/crossings", given("rule", f.Rule, "by", f.By, "subject", f.Subject, "status", f.Status, "shadow", shadow, "since", f.Since), most)
}

// Unready asks the probe what is not right with the process itself, and what it has to say besides.
func (c *Client) Unready(ctx context.Context) (wrong, notes []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath("readyz").String()+"?verbose", http.NoBody)
	if err != nil {
		return nil, nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, nil, c.unreached(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	switch {
	case err != nil:
		return nil, nil, c.unreached(err)
	case res.StatusCode != http.StatusOK && res.StatusCode != http.StatusServiceUnavailable:
		return nil, nil, errors.New("the process does not say whether it is ready")
	}
	for line := range strings.Lines(string(body)) {
		name, text, found := strings.Cut(strings.TrimSpace(line), ": ")
		note, fine := strings.CutPrefix(text, "ok")
		note = strings.TrimPrefix(note, ", ")
		if name == "packs" { // which stand in the status; what follows is about other processes
			_, note, _ = strings.Cut(note, "; ")
		}
		switch {
		case !found:
		case !fine:
			wrong = append(wrong, name+": "+text)
		case note != "":
			notes = append(notes, name+": "+note)
		}
	}
	return wrong, notes, nil
}

// given is the parameters that have a value.
func given(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	return values
}
