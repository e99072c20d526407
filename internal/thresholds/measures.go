package thresholds

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
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
	at    strictyaml.Place // of its name
	after strictyaml.Place // of its after, where it has one
	used  bool
	sound bool // nothing of it was faulty: what depends on its kind can be checked
}

const measuresWant = "measures by name, as clicks: {sum: count, types: [click]}"

// measures reads all measures, then ties what refers to another to it.
func (r *reader) measures(f strictyaml.Fields) *measures {
	ms := &measures{byName: map[string]*measure{}}
	at, ok := f.Get("measures")
	if !ok {
		ms.unread = f.Misread("measures")
		return ms
	}
	list, ok := r.Pairs(at, measuresWant)
	ms.unread = !ok
	if ok && at.Len() == 0 {
		r.Fault(at, "there are no measures; write %s", measuresWant)
	}
	for _, p := range list {
		m := r.measure(p)
		ms.list = append(ms.list, m.Measure)
		ms.names = append(ms.names, p.Name)
		ms.byName[p.Name] = m
	}
	for _, name := range ms.names {
		if m := ms.byName[name]; m.after.Is() {
			m.sound = r.after(ms, m) && m.sound
		}
	}
	return ms
}

func (r *reader) measure(p strictyaml.Pair) *measure {
	m := &measure{Measure: &Measure{Name: p.Name}, at: p.Key}
	before := r.Failures()
	r.text(p.Key, "a name", maxName)
	f, ok := r.Fields(p.Value, "what is counted, as {sum: count, types: [click]}",
		"sum", "distinct", "types", "weight", "where", "after")
	if !ok {
		return m
	}
	r.operation(f, m)
	if at, ok := f.Get("where"); ok {
		m.Where = r.where(at)
	}
	m.after, _ = f.Get("after")
	m.sound = r.Failures() == before
	return m
}

// operation reads what the measure does with an event: sum or distinct, and
// what belongs to them.
func (r *reader) operation(f strictyaml.Fields, m *measure) {
	sum, isSum := f.Get("sum")
	distinct, isDistinct := f.Get("distinct")
	weight, weighs := f.Get("weight")
	switch {
	case isSum && isDistinct:
		r.Fault(distinct, "a measure is either sum or distinct; take one of them out")
	case isSum:
		m.Op = Sum
		m.Number = r.name(sum, "an integer field", numberFields)
		if weighs {
			r.Fault(weight, "a sum has no weight, it adds its own field up; take weight out, or count keys with distinct")
		}
		m.Types = r.types(f, "")
	case isDistinct:
		m.Op = Distinct
		if weighs {
			m.Number = r.name(weight, "an integer field", numberFields)
		}
		m.Types = r.distinct(f, distinct)
	case !f.Misread("distinct"):
		r.Need(f, "sum", "say what is counted: sum: count, or distinct: account")
	}
}

// distinct reads the field that holds the key: one with types, or one by type.
func (r *reader) distinct(f strictyaml.Fields, at strictyaml.Place) []TypeKey {
	if at.Type != strictyaml.Mapping {
		return r.types(f, r.name(at, "an id field", idFields))
	}
	if types, ok := f.Get("types"); ok {
		r.Fault(types, "distinct names the types itself here; take types out")
	}
	list, ok := r.Pairs(at, "")
	if ok && at.Len() == 0 {
		r.Fault(at, "there are no types; write the field that holds the key by type, as {send: recipient, view: account}")
	}
	var keys []TypeKey
	for _, p := range list {
		if s, ok := r.text(p.Key, "a type of event", maxType); ok {
			r.knownType(p.Key, s)
		}
		keys = append(keys, TypeKey{Type: p.Name, Key: r.name(p.Value, "an id field", idFields)})
	}
	slices.SortFunc(keys, func(a, b TypeKey) int { return cmp.Compare(a.Type, b.Type) })
	return keys
}

// types reads the list of types; key is the field that holds their key.
func (r *reader) types(f strictyaml.Fields, key string) []TypeKey {
	at, ok := r.Need(f, "types", "say which types of event it counts, as types: [click]")
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
func (r *reader) knownType(at strictyaml.Place, s string) {
	switch near := strictyaml.Nearest(s, eventTypes); {
	case slices.Contains(eventTypes, s):
	case near != "":
		r.Warn(at, "%s is none of the usual types of event; did you mean %s?", strictyaml.Quote(s), strictyaml.Quote(near))
	default:
		r.Warn(at, "%s is none of the usual types of event (%s); leave it if producers send it",
			strictyaml.Quote(s), strings.Join(eventTypes, ", "))
	}
}

// name reads one of names; "" if it is none.
func (r *reader) name(at strictyaml.Place, what string, names []string) string {
	if i, ok := r.choice(at, what, names); ok {
		return names[i]
	}
	return ""
}

const whereWant = "conditions by field, as {media: [video]} or {media: {not: [video]}}"

// where reads the conditions, sorted by field.
func (r *reader) where(at strictyaml.Place) []Filter {
	list, ok := r.Pairs(at, whereWant)
	if ok && at.Len() == 0 {
		r.Fault(at, "there are no conditions; write %s, or take where out", whereWant)
	}
	var filters []Filter
	for _, p := range list {
		if !slices.Contains(stringFields, p.Name) {
			r.Fault(p.Key, "%s is not a string field; %s", strictyaml.Quote(p.Name), strictyaml.MeantOrAll(p.Name, stringFields))
			continue
		}
		filters = append(filters, r.filter(p))
	}
	slices.SortFunc(filters, func(a, b Filter) int { return cmp.Compare(a.Field, b.Field) })
	return filters
}

func (r *reader) filter(p strictyaml.Pair) Filter {
	filter, values := Filter{Field: p.Name}, p.Value
	if values.Type == strictyaml.Mapping {
		filter.Not = true
		f, _ := r.Fields(values, "", "not")
		var ok bool
		if values, ok = r.Need(f, "not", "write the values that do not match, as {not: [video]}"); !ok {
			return filter
		}
	}
	filter.Values = r.texts(values, "a value of "+p.Name, "[video]", maxField(p.Name), func(strictyaml.Place, string) {})
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
		r.Fault(m.after, "a measure cannot count after itself; name another, as orders: {sum: count, types: [order]}")
	case other.after.Is():
		r.Fault(m.after, "%s has an after itself; name a measure without", strictyaml.Quote(other.Name))
	case other.sound && other.Op != Sum:
		r.Fault(m.after, "%s counts distinct keys; name a sum, as orders: {sum: count, types: [order]}", strictyaml.Quote(other.Name))
	default:
		m.After = other.Measure
		return true
	}
	return false
}

// measureNamed is the measure that the text at at names, now used.
func (r *reader) measureNamed(ms *measures, at strictyaml.Place) (*measure, bool) {
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

func (r *reader) unknownMeasure(ms *measures, at strictyaml.Place, name string) {
	if ms.unread {
		return
	}
	if len(ms.names) == 0 {
		r.Fault(at, "there is no measure %s; define it under measures, as %s: {sum: count, types: [click]}", strictyaml.Quote(name), name)
		return
	}
	r.Fault(at, "there is no measure %s; %s", strictyaml.Quote(name), strictyaml.MeantOrAll(name, ms.names))
}

// warnUnused warns of measures that nothing counts, unless that may only be so
// because of a fault.
func (ms *measures) warnUnused(r *reader) {
	for _, name := range ms.names {
		if m := ms.byName[name]; !m.used && !r.Failed() {
			r.Warn(m.at, "no rule uses this measure, so it is not counted; take it out, or give it a limit in a rule")
		}
	}
}
