package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var plainLine = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3} (warning |critical) level [0-9.]+ +art[0-9a-z-]+: (incident inc-|account u-).* of .* in 730d$`)

// closing is how many events there were, and what became of them.
var closing = regexp.MustCompile(`demo: [0-9.ms]+, ([0-9,]+) events: matched ([0-9,]+), unmatched ([0-9,]+), duplicate ([0-9,]+), malformed ([0-9,]+), ahead ([0-9,]+);`)

func number(text string) int {
	n, _ := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
	return n
}

// TestDemo runs the whole demo until it has crossing something, and stops it as Ctrl-C does.
func TestDemo(t *testing.T) {
	noLeaks(t)
	began := time.Now()
	p := start(t, nil, "demo", "-seed", "1", "-rate", "500")
	p.out.Await(t, limit, "crossing", plainLine.MatchString)
	t.Logf("the first crossing came after %v", time.Since(began))
	p.stop()
	if code := p.exit(t); code != exitFine {
		t.Errorf("got %d:\n%s", code, p.err)
	}
	for line := range strings.Lines(p.out.String()) {
		if !plainLine.MatchString(line) {
			t.Errorf("stdout holds %q", line)
		}
	}
	printed := p.err.String()
	for _, want := range []string{"demo: board at http://127.0.0.1:", "/; seed 1; Ctrl-C stops it\n", "; differences 0\n", " events: matched ", "; seed 1\n"} {
		if !strings.Contains(printed, want) {
			t.Errorf("no %q in:\n%s", want, printed)
		}
	}
	if ends := closing.FindStringSubmatch(printed); ends == nil || number(ends[1]) != number(ends[2])+number(ends[3])+number(ends[4])+number(ends[5])+number(ends[6]) {
		t.Errorf("the figures do not add up: %q", ends)
	}
	if strings.Contains(printed, "level=") {
		t.Errorf("the service had something to complain about:\n%s", printed)
	}
}

func TestDemoEndsByItself(t *testing.T) {
	noLeaks(t)
	if r := call("", nil, "demo", "-duration", "300ms"); r.code != exitFine || !strings.Contains(r.err, "demo: ") {
		t.Errorf("got %+v", r)
	}
}
