package thresholds

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// measures are those of a file, by name.
type measures struct {
	list   []*Measure
	names  []string
	byName map[string]*measure
	unread bool // there are some, but written so that they were not read
}

// measure is one of them with what is known only while reading.
type measure struct {
	*Measure
	at    place // of its name
	after place // of its after, where it has one
	used  bool
	sound bool // nothing of it was faulty: what depends on its kind can be checked
}

const measuresWant = "measures by name, as clicks: {sum: count, types: [click]}"

// measures reads all measures, then ties what refers to another to it.
func (r *reader) measures(f fields) *measures {
	ms := &measures{byName: map[string]*measure{}}
	at, ok := f.get("measures")
	if !ok {
		ms.unread = f.misread("measures")
		return ms
	}
	list, ok := r.pairs(at, measuresWant)
	ms.unread = !ok
	if ok && len(at.node.Content) == 0 {
		r.fault(at, "there are no measures; write %s", measuresWant)
	}
	for _, p := range list {
		m := r.measure(p)
		ms.list = append(ms.list, m.Measure)
		ms.names = append(ms.names, p.name)
		ms.byName[p.name] = m
	}
	for _, name := range ms.names {
		if m := ms.byName[name]; m.after.node != nil {
			m.sound = r.after(ms, m) && m.sound
		}
	}
	return ms
}

func (r *reader) measure(p pair) *measure {
	m := &measure{Measure: &Measure{Name: p.name}, at: p.key}
	before := r.faults.counts[0]
	r.text(p.key, "a name", maxName)
	f, ok := r.fields(p.value, "what is counted, as {sum: count, types: [click]}",
		"sum", "distinct", "types", "weight", "where", "after")
	if !ok {
		return m
	}
	r.operation(f, m)
	if at, ok := f.get("where"); ok {
		m.Where = r.where(at)
	}
	m.after, _ = f.get("after")
	m.sound = r.faults.counts[0] == before
	return m
}

// operation reads what the measure does with an event: sum or distinct, and
// what belongs to them.
func (r *reader) operation(f fields, m *measure) {
	sum, isSum := f.get("sum")
	distinct, isDistinct := f.get("distinct")
	weight, weighs := f.get("weight")
	switch {
	case isSum && isDistinct:
		r.fault(distinct, "a measure is either sum or distinct; take one of them out")
	case isSum:
		m.Op = Sum
		m.Number = r.name(sum, "an integer field", numberFields)
		if weighs {
			r.fault(weight, "a sum has no weight, it adds its own field up; take weight out, or count keys with distinct")
		}
		m.Types = r.types(f, "")
	case isDistinct:
		m.Op = Distinct
		if weighs {
			m.Number = r.name(weight, "an integer field", numberFields)
		}
		m.Types = r.distinct(f, distinct)
	case !f.misread("distinct"):
		r.need(f, "sum", "say what is counted: sum: count, or distinct: account")
	}
}

// distinct reads the field that holds the key: one with types, or one by type.
func (r *reader) distinct(f fields, at place) []TypeKey {
	if at.node.Kind != yaml.MappingNode {
		return r.types(f, r.name(at, "an id field", idFields))
	}
	if types, ok := f.get("types"); ok {
		r.fault(types, "distinct names the types itself here; take types out")
	}
	list, ok := r.pairs(at, "")
	if ok && len(at.node.Content) == 0 {
		r.fault(at, "there are no types; write the field that holds the key by type, as {send: recipient, view: account}")
	}
	var keys []TypeKey
	for _, p := range list {
		if s, ok := r.text(p.key, "a type of event", maxType); ok {
			r.knownType(p.key, s)
		}
		keys = append(keys, TypeKey{Type: p.name, Key: r.name(p.value, "an id field", idFields)})
	}
	slices.SortFunc(keys, func(a, b TypeKey) int { return cmp.Compare(a.Type, b.Type) })
	return keys
}

// types reads the list of types; key is the field that holds their key.
func (r *reader) types(f fields, key string) []TypeKey {
	at, ok := r.need(f, "types", "say which types of event it counts, as types: [click]")
	if !ok {
		return nil
	}
	list := r.texts(at, "a type of event", "[click]", maxType, r.knownType)
	keys := make([]TypeKey, len(list))
	for i, t := range list {
		keys[i] = TypeKey{Type: t, Key: key}
	}
	return keys
}

// knownType warns of a type that no producer is known to send.
func (r *reader) knownType(at place, s string) {
	switch near := nearest(s, eventTypes); {
	case slices.Contains(eventTypes, s):
	case near != "":
		r.warn(at, "%s is none of the usual types of event; did you mean %s?", quote(s), quote(near))
	default:
		r.warn(at, "%s is none of the usual types of event (%s); leave it if producers send it",
			quote(s), strings.Join(eventTypes, ", "))
	}
}

// name reads one of names; "" if it is none.
func (r *reader) name(at place, what string, names []string) string {
	if i, ok := r.choice(at, what, names); ok {
		return names[i]
	}
	return ""
}

const whereWant = "conditions by field, as {media: [video]} or {media: {not: [video]}}"

// where reads the conditions, sorted by field.
func (r *reader) where(at place) []Filter {
	list, ok := r.pairs(at, whereWant)
	if ok && len(at.node.Content) == 0 {
		r.fault(at, "there are no conditions; write %s, or take where out", whereWant)
	}
	var filters []Filter
	for _, p := range list {
		if !slices.Contains(stringFields, p.name) {
			r.fault(p.key, "%s is not a string field; %s", quote(p.name), didYouMean(p.name, stringFields))
			continue
		}
		filters = append(filters, r.filter(p))
	}
	slices.SortFunc(filters, func(a, b Filter) int { return cmp.Compare(a.Field, b.Field) })
	return filters
}

func (r *reader) filter(p pair) Filter {
	filter, values := Filter{Field: p.name}, p.value
	if values.node.Kind == yaml.MappingNode {
		filter.Not = true
		f, _ := r.fields(values, "", "not")
		var ok bool
		if values, ok = r.need(f, "not", "write the values that do not match, as {not: [video]}"); !ok {
			return filter
		}
	}
	filter.Values = r.texts(values, "a value of "+p.name, "[video]", maxField(p.name), func(place, string) {})
	return filter
}

// after ties a measure to the one it counts after.
func (r *reader) after(ms *measures, m *measure) bool {
	other, ok := r.measureNamed(ms, m.after)
	if !ok {
		return false
	}
	switch {
	case other == m:
		r.fault(m.after, "a measure cannot count after itself; name another, as orders: {sum: count, types: [order]}")
	case other.after.node != nil:
		r.fault(m.after, "%s has an after itself; name a measure without", quote(other.Name))
	case other.sound && other.Op != Sum:
		r.fault(m.after, "%s counts distinct keys; name a sum, as orders: {sum: count, types: [order]}", quote(other.Name))
	default:
		m.After = other.Measure
		return true
	}
	return false
}

// measureNamed is the measure that the text at at names, now used.
func (r *reader) measureNamed(ms *measures, at place) (*measure, bool) {
	name, ok := r.text(at, "the name of a measure", maxName)
	if !ok {
		return nil, false
	}
	m, ok := ms.byName[name]
	if !ok {
		r.unknownMeasure(ms, at, name)
		return nil, false
	}
	m.used = true
	return m, true
}

func (r *reader) unknownMeasure(ms *measures, at place, name string) {
	if ms.unread {
		return
	}
	if len(ms.names) == 0 {
		r.fault(at, "there is no measure %s; define it under measures, as %s: {sum: count, types: [click]}", quote(name), name)
		return
	}
	r.fault(at, "there is no measure %s; %s", quote(name), didYouMean(name, ms.names))
}

// warnUnused warns of measures that nothing counts, unless that may only be so
// because of a fault.
func (ms *measures) warnUnused(r *reader) {
	for _, name := range ms.names {
		if m := ms.byName[name]; !m.used && !r.faults.failed() {
			r.warn(m.at, "no rule uses this measure, so it is not counted; take it out, or give it a limit in a rule")
		}
	}
}
