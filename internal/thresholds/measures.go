package thresholds

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// measures reads those of a file, and has them by name for what refers to them.
type measures struct {
	*reader
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

// readMeasures reads all measures, then ties what refers to another to it.
func readMeasures(r *reader, f strictyaml.Fields) *measures {
	ms := &measures{reader: r, byName: map[string]*measure{}}
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
		m := ms.measure(p)
		ms.list = append(ms.list, m.Measure)
		ms.names = append(ms.names, p.Name)
		ms.byName[p.Name] = m
	}
	for _, name := range ms.names {
		if m := ms.byName[name]; m.after.Is() {
			m.sound = ms.tie(m) && m.sound
		}
	}
	return ms
}

func (ms *measures) measure(p strictyaml.Pair) *measure {
	m := &measure{Measure: &Measure{Name: p.Name}, at: p.Key}
	before := ms.Failures()
	ms.text(p.Key, "a name", maxName)
	f, ok := ms.Fields(p.Value, "what is counted, as {sum: count, types: [click]}",
		"sum", "distinct", "types", "weight", "where", "after")
	if !ok {
		return m
	}
	ms.operation(f, m)
	if at, ok := f.Get("where"); ok {
		m.Where = ms.where(at)
	}
	m.after, _ = f.Get("after")
	m.sound = ms.Failures() == before
	return m
}

// operation reads what the measure does with an event: sum or distinct, and
// what belongs to them.
func (ms *measures) operation(f strictyaml.Fields, m *measure) {
	sum, isSum := f.Get("sum")
	distinct, isDistinct := f.Get("distinct")
	weight, weighs := f.Get("weight")
	switch {
	case isSum && isDistinct:
		ms.Fault(distinct, "a measure is either sum or distinct; take one of them out")
	case isSum:
		m.Op = Sum
		m.Number = ms.name(sum, "an integer field", numberFields)
		if weighs {
			ms.Fault(weight, "a sum has no weight, it adds its own field up; take weight out, or count keys with distinct")
		}
		m.Types = ms.types(f, "")
	case isDistinct:
		m.Op = Distinct
		if weighs {
			m.Number = ms.name(weight, "an integer field", numberFields)
		}
		m.Types = ms.distinct(f, distinct)
	case !f.Misread("distinct"):
		ms.Need(f, "sum", "say what is counted: sum: count, or distinct: account")
	}
}

// distinct reads the field that holds the key: one with types, or one by type.
func (ms *measures) distinct(f strictyaml.Fields, at strictyaml.Place) []TypeKey {
	if at.Type != strictyaml.Mapping {
		return ms.types(f, ms.name(at, "an id field", idFields))
	}
	if types, ok := f.Get("types"); ok {
		ms.Fault(types, "distinct names the types itself here; take types out")
	}
	list, ok := ms.Pairs(at, "")
	if ok && at.Len() == 0 {
		ms.Fault(at, "there are no types; write the field that holds the key by type, as {send: recipient, view: account}")
	}
	var keys []TypeKey
	for _, p := range list {
		if s, ok := ms.text(p.Key, "a type of event", maxType); ok {
			ms.knownType(p.Key, s)
		}
		keys = append(keys, TypeKey{Type: p.Name, Key: ms.name(p.Value, "an id field", idFields)})
	}
	slices.SortFunc(keys, func(a, b TypeKey) int { return cmp.Compare(a.Type, b.Type) })
	return keys
}

// types reads the list of types; key is the field that holds their key.
func (ms *measures) types(f strictyaml.Fields, key string) []TypeKey {
	at, ok := ms.Need(f, "types", "say which types of event it counts, as types: [click]")
	if !ok {
		return nil
	}
	list := ms.texts(at, "a type of event", "[click]", maxType, ms.knownType)
	keys := make([]TypeKey, len(list))
	for i, t := range list {
		keys[i] = TypeKey{Type: t, Key: key}
	}
	return keys
}

// knownType refuses the type of canary events, and warns of one that no producer is known to send.
func (ms *measures) knownType(at strictyaml.Place, s string) {
	if s == CanaryType {
		ms.Fault(at, "%s is the type of the events that the service sends to itself (`canary` in the config); take it out", strictyaml.Quote(s))
		return
	}
	switch near := strictyaml.Nearest(s, eventTypes); {
	case slices.Contains(eventTypes, s):
	case near != "":
		ms.Warn(at, "%s is none of the usual types of event; did you mean %s?", strictyaml.Quote(s), strictyaml.Quote(near))
	default:
		ms.Warn(at, "%s is none of the usual types of event (%s); leave it if producers send it",
			strictyaml.Quote(s), strings.Join(eventTypes, ", "))
	}
}

// name reads one of names; "" if it is none.
func (ms *measures) name(at strictyaml.Place, what string, names []string) string {
	if i, ok := ms.choice(at, what, names); ok {
		return names[i]
	}
	return ""
}

const whereWant = "conditions by field, as {media: [video]} or {media: {not: [video]}}"

// where reads the conditions, sorted by field.
func (ms *measures) where(at strictyaml.Place) []Filter {
	list, ok := ms.Pairs(at, whereWant)
	if ok && at.Len() == 0 {
		ms.Fault(at, "there are no conditions; write %s, or take where out", whereWant)
	}
	var filters []Filter
	for _, p := range list {
		if !slices.Contains(stringFields, p.Name) {
			ms.Fault(p.Key, "%s is not a string field; %s", strictyaml.Quote(p.Name), strictyaml.MeantOrAll(p.Name, stringFields))
			continue
		}
		filters = append(filters, ms.filter(p))
	}
	slices.SortFunc(filters, func(a, b Filter) int { return cmp.Compare(a.Field, b.Field) })
	return filters
}

func (ms *measures) filter(p strictyaml.Pair) Filter {
	filter, values := Filter{Field: p.Name}, p.Value
	if values.Type == strictyaml.Mapping {
		filter.Not = true
		f, _ := ms.Fields(values, "", "not")
		var ok bool
		if values, ok = ms.Need(f, "not", "write the values that do not match, as {not: [video]}"); !ok {
			return filter
		}
	}
	filter.Values = ms.texts(values, "a value of "+p.Name, "[video]", maxField(p.Name), func(strictyaml.Place, string) {})
	return filter
}

// tie ties a measure to the one it counts after.
func (ms *measures) tie(m *measure) bool {
	other, ok := ms.named(m.after)
	if !ok {
		return false
	}
	switch {
	case other == m:
		ms.Fault(m.after, "a measure cannot count after itself; name another, as orders: {sum: count, types: [order]}")
	case other.after.Is():
		ms.Fault(m.after, "%s has an after itself; name a measure without", strictyaml.Quote(other.Name))
	case other.sound && other.Op != Sum:
		ms.Fault(m.after, "%s counts distinct keys; name a sum, as orders: {sum: count, types: [order]}", strictyaml.Quote(other.Name))
	default:
		m.After = other.Measure
		return true
	}
	return false
}

// named is the measure that the text at at names, now used.
func (ms *measures) named(at strictyaml.Place) (*measure, bool) {
	name, ok := ms.text(at, "the name of a measure", maxName)
	if !ok {
		return nil, false
	}
	m, ok := ms.byName[name]
	if !ok {
		ms.unknown(at, name)
		return nil, false
	}
	m.used = true
	return m, true
}

func (ms *measures) unknown(at strictyaml.Place, name string) {
	if ms.unread {
		return
	}
	if len(ms.names) == 0 {
		ms.Fault(at, "there is no measure %s; define it under measures, as %s: {sum: count, types: [click]}", strictyaml.Quote(name), name)
		return
	}
	ms.Fault(at, "there is no measure %s; %s", strictyaml.Quote(name), strictyaml.MeantOrAll(name, ms.names))
}

// warnUnused warns of measures that nothing counts, unless that may only be so
// because of a fault.
func (ms *measures) warnUnused() {
	for _, name := range ms.names {
		if m := ms.byName[name]; !m.used && !ms.Failed() {
			ms.Warn(m.at, "no rule uses this measure, so it is not counted; take it out, or give it a limit in a rule")
		}
	}
}
