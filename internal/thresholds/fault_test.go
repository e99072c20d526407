package thresholds

import (
	"fmt"
	"strings"
	"testing"
)

func TestFaultString(t *testing.T) {
	f := func(fault Fault, want string) {
		t.Helper()
		if got := fault.String(); got != want {
			t.Errorf("%#v is %q, want %q", fault, got, want)
		}
	}
	f(Fault{File: "a.yaml", Line: 2, Column: 3, Path: "rules[0].by", Message: "missing; say"}, "a.yaml:2:3: rules[0].by: missing; say")
	f(Fault{File: "a.yaml", Line: 1, Column: 1, Message: "the file is empty"}, "a.yaml:1:1: the file is empty")
	f(Fault{File: "a", Line: 1, Column: 1, Path: "p", Message: "m", Warning: true}, "a:1:1: p: warning: m")
}

// TestFaultsAreBounded sees that a file of faults gives a bounded report, and that
// warnings do not hide faults.
func TestFaultsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("pack: p\nmeasures:\n  x: {sum: count, types: [")
	for i := range 2 * maxFaults {
		fmt.Fprintf(&b, "zz%d, ", i)
	}
	b.WriteString("click]}\nrules:\n  - {id: r, by: incident, window: 1d, step: 1h, limits: {x: 5}}\n")
	p, found := Parse("p.yaml", []byte(b.String()), Options{})
	if p == nil || len(found) != maxFaults {
		t.Errorf("with %d warnings: read %v, %d reported", 2*maxFaults, p != nil, len(found))
	}
	for i := range 2 * maxFaults {
		fmt.Fprintf(&b, "k%d: 1\n", i)
	}
	p, found = Parse("p.yaml", []byte(b.String()), Options{})
	if last := found[len(found)-1]; p != nil || len(found) != maxFaults+1 || !strings.Contains(last.Message, "more than the 1000") {
		t.Errorf("with %d faults: read %v, %d reported, the last is %v", 2*maxFaults, p != nil, len(found), last)
	}
}

func TestParseTooLarge(t *testing.T) {
	small := "pack: p\nmeasures: {x: {sum: count, types: [click]}}\n" +
		"rules: [{id: r, by: incident, window: 1d, step: 1h, limits: {x: 5}}]\n#"
	f := func(size int, want bool) {
		t.Helper()
		data := small + strings.Repeat("-", size-len(small))
		if p, found := Parse("p.yaml", []byte(data), Options{}); (p != nil) != want {
			t.Errorf("%d bytes: read %v, want %v\n%s", size, p != nil, want, faultLines(found))
		}
	}
	f(1<<20, true)
	f(1<<20+1, false)
}
