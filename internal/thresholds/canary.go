package thresholds

// CanaryType is the type of the events that the service sends to itself, so that the whole way is timed. No pack may count them.
const CanaryType = "canary"

// CanaryRule is the rule of canary events: each of them is a crossing, with an episode of its own. It belongs to no loaded pack,
// and stands in no list, report or hash. Its subjects are shown as incidents.
func CanaryRule() *Rule {
	m := &Measure{Name: "canaries", Op: Sum, Number: "count", Types: []TypeKey{{Type: CanaryType}}}
	pack := &Pack{Name: CanaryType, Measures: []*Measure{m}}
	r := &Rule{
		ID: CanaryType, Title: "Canary", Cite: "no rule: the service tries the whole way", Pack: pack, By: Incident, WindowText: "all",
		Limits: []Limit{{Measure: m, Value: 1}}, Levels: []Level{LevelOne},
	}
	pack.Rules = []*Rule{r}
	return r
}
