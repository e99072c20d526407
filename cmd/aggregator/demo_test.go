package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

var plainLine = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3} (warning |critical) level [0-9.]+ +art[0-9a-z-]+: (incident inc-|account u-).* of .* in 730d$`)

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
	for _, want := range []string{"demo: board at http://127.0.0.1:", "/; seed 1; Ctrl-C stops it\n", "; differences 0\n", " events; matched ", "; seed 1\n"} {
		if !strings.Contains(printed, want) {
			t.Errorf("no %q in:\n%s", want, printed)
		}
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
