package thresholds

import (
	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// testReader reads the tests of a file.
type testReader struct {
	*reader
	rules ruleNames
}

// read reads the list of tests into p.
func (r *testReader) read(at strictyaml.Place, p *Pack) {
	items, _ := r.List(at, "tests, each with name, events and crossings")
	lines := map[string]int{}
	for _, item := range items {
		if r.Exhausted() {
			return
		}
		t := r.test(item, p.File)
		if line, again := lines[t.Name]; again && t.Name != "" {
			r.Fault(item, "the name %s is taken by the test in line %d; rename one", strictyaml.Quote(t.Name), line)
		}
		lines[t.Name] = item.Line
		p.Tests = append(p.Tests, t)
	}
}

func (r *testReader) test(at strictyaml.Place, file string) Test {
	t := Test{File: file, Line: at.Line, Column: at.Column}
	f, ok := r.Fields(at, "a test with name, events and crossings", "name", "events", "crossings")
	if !ok {
		return t
	}
	if at, ok := r.Need(f, "name", "name the test after what it shows"); ok {
		t.Name, _ = r.text(at, "what the test shows", maxTitle)
	}
	if at, ok := r.Need(f, "events", "write events, as events: [{type: click, incident: A, count: 50000}]"); ok {
		events := newEntryReader(r.reader)
		events.read(at, &t)
	}
	if at, ok := r.Need(f, "crossings", "write all that the events give, or crossings: [] for none"); ok {
		crossings := expectedReader{r.reader, r.rules}
		crossings.read(at, &t)
	}
	return t
}
