package thresholds

import (
	"fmt"
	"strings"
	"testing"
)

// TestFaultsAreBounded checks that a file of faults gives a bounded report, and that
// warnings do not hide faults.
func TestFaultsAreBounded(t *testing.T) {
	const maxFaults = 1_000
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
