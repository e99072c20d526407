package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// Unmatched says why no rule counts an event: what an event of its type would need, or that no rule counts the type. It
// quotes the type, and nothing else of the event.
func (p *Program) Unmatched(e *event.Event) string {
	name := string(e.Type)
	if needs := p.needs(e); needs != "" {
		return fmt.Sprintf("no rule counts this event of the type %q: it would need %s", name, needs)
	}
	text := fmt.Sprintf("no rule counts the type %q", name)
	counted := slices.Sorted(maps.Keys(p.types))
	usual, _ := thresholds.UsualType(name)
	if usual {
		return text + "; " + countedTypes(counted)
	}
	text += ", which is none of the usual ones"
	if hint := strictyaml.DidYouMean(name, counted); hint != "" {
		return text + hint
	}
	if _, near := thresholds.UsualType(name); near != "" {
		return text + "; did you mean " + strconv.Quote(near) + "?"
	}
	last := name[strings.LastIndexAny(name, "./:#")+1:]
	if slices.Contains(counted, last) {
		return text + fmt.Sprintf("; of a CloudEvent, cloudevents.types translates it: {%s: %s}", name, last)
	}
	return text + "; " + countedTypes(counted)
}

// countedTypes lists what rules count.
func countedTypes(names []string) string {
	const few = 10
	more := ""
	if len(names) > few {
		names, more = names[:few], " and others"
	}
	return "rules count " + strings.Join(names, ", ") + more
}

// needs is what an event would need so that a rule counts it: what is least first; "" if no rule counts its type.
func (p *Program) needs(e *event.Event) string {
	var ways [][]string
	for i := range p.types[string(e.Type)] {
		way := p.types[string(e.Type)][i].lacks(e)
		if !slices.ContainsFunc(ways, func(other []string) bool { return slices.Equal(other, way) }) {
			ways = append(ways, way)
		}
	}
	slices.SortStableFunc(ways, func(a, b []string) int { return cmp.Compare(len(a), len(b)) })
	const few = 3
	var texts []string
	for _, way := range ways[:min(len(ways), few)] {
		texts = append(texts, strings.Join(way, " and "))
	}
	return strings.Join(texts, ", or ")
}

// lacks is what an event lacks for the counter to take it.
func (x *match) lacks(e *event.Event) (list []string) {
	lack := func(is bool, what string) {
		if is && !slices.Contains(list, what) {
			list = append(list, what)
		}
	}
	lack(e.Str[x.kind] == nil, event.StrNames[x.kind])
	keyed := x.op == windows.Distinct || x.op == windows.Weighted
	lack(keyed && e.Str[x.key] == nil, event.StrNames[x.key])
	if x.num >= 0 {
		lack(e.Has&(1<<x.num) == 0, event.NumNames[x.num])
	}
	for i := range x.where {
		lack(!x.where[i].holds(e), x.where[i].String())
	}
	return list
}

// String is the condition for readers.
func (f *filter) String() string {
	const few = 3
	var values []string
	for _, v := range f.values[:min(len(f.values), few)] {
		values = append(values, strconv.Quote(v))
	}
	text := strings.Join(values, " or ")
	if len(f.values) > few {
		text += " or others"
	}
	if f.not {
		text = "other than " + text
	}
	return event.StrNames[f.field] + " " + text
}
