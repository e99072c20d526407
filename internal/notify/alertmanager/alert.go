package alertmanager

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// alert is a level of an episode, as Alertmanager is told of it.
type alert struct {
	level   thresholds.Level
	episode uint64
	text    []byte // JSON up to the end of the alert
	starts  time.Time
	ends    time.Time // when it ends by itself; of one that was cleared, when it did
	until   time.Time // how long a clear is sent again; zero: it was not cleared
}

// ownLabels are the names of the labels that each alert has.
var ownLabels = []string{"alertname", "rule", "pack", "by", "subject", "level", "severity"}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// CheckLabel is what is wrong with the name of a label that a sink adds.
func CheckLabel(name string) error {
	switch {
	case !labelName.MatchString(name):
		return fmt.Errorf("%q is not the name of a label: letters, digits and underscores, with no digit in front", name)
	case slices.Contains(ownLabels, name):
		return fmt.Errorf("%q is a label that each alert has already; take it out", name)
	}
	return nil
}

// newAlert is the alert of a crossing.
func (s *Sink) newAlert(c *crossing.Crossing, ends time.Time) *alert {
	labels := map[string]string{
		"alertname": "ThresholdCrossed", "rule": c.Rule, "pack": c.Pack, "by": c.By, "subject": c.Subject,
		"level": c.Level.String(), "severity": c.Severity,
	}
	for name, value := range s.Labels {
		labels[name] = value
	}
	annotations := map[string]string{"summary": c.Summary, "title": c.Title, "cite": c.Cite, "notice": c.Notice}
	for _, m := range c.Measures {
		name := annotationName(m.Name)
		annotations["value_"+name], annotations["limit_"+name] = m.Value.String(), m.Limit.String()
	}
	whole := struct {
		Labels       map[string]string `json:"labels"`
		Annotations  map[string]string `json:"annotations"`
		GeneratorURL string            `json:"generatorURL,omitempty"`
		StartsAt     string            `json:"startsAt"`
	}{labels, annotations, "", c.Time.UTC().Format(time.RFC3339Nano)}
	if s.Board != nil {
		whole.GeneratorURL = s.Board(c.By, c.Subject)
	}
	text, err := json.Marshal(whole)
	if err != nil {
		panic("BUG: an alert that is no JSON: " + err.Error())
	}
	return &alert{level: c.Level, episode: c.Episode, text: text[:len(text)-1], starts: c.Time, ends: ends}
}

// append appends the alert as JSON.
func (a *alert) append(dst []byte) []byte {
	dst = append(dst, a.text...)
	dst = append(dst, `,"endsAt":"`...)
	dst = a.ends.UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, `"}`...)
}

// cleared is the alert as a clear ends it: not before it began, and not in the time to come.
func (a *alert) cleared(at, now, until time.Time) *alert {
	over := *a
	over.ends, over.until = at, until
	if over.ends.After(now) {
		over.ends = now
	}
	if over.ends.Before(a.starts) {
		over.ends = a.starts
	}
	return &over
}

// over reports whether there is nothing more to tell of it.
func (a *alert) over(now time.Time) bool {
	if a.until.IsZero() {
		return !now.Before(a.ends)
	}
	return !now.Before(a.until)
}

// annotationName is a measure's name as part of an annotation's.
func annotationName(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && labelName.MatchString("_"+string(r)) {
			return r
		}
		return '_'
	}, s)
}
