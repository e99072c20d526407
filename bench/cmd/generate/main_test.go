package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	f := func(args ...string) []string {
		t.Helper()
		opt, err := parse(append(args, "-events", "2000", "-accounts", "1000"), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := write(&out, opt); err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	}
	plain, keyed := f(), f("-key")
	if len(plain) != 2000 || len(keyed) != 2000 {
		t.Fatalf("%d and %d lines, want 2000", len(plain), len(keyed))
	}
	for i := range plain {
		if key, value, ok := strings.Cut(keyed[i], "\t"); !ok || value != plain[i] || !strings.Contains(value, `"`+key+`"`) {
			t.Fatalf("line %d: %s, with key %s", i, plain[i], keyed[i])
		}
	}
	if a, b := f("-partitions", "2", "-partition", "0"), f("-partitions", "2", "-partition", "1"); len(a)+len(b) != 2000 || len(a) < 500 {
		t.Errorf("%d and %d lines of two partitions, want 2000 in all", len(a), len(b))
	}
	if got := f("-start", "2025-06-01T00:00:00Z", "-jitter", "1ns")[0]; !strings.Contains(got, `"time":"2025-06-01T00:00:00.000000Z"`) {
		t.Errorf("first event %s", got)
	}
	if got := strings.Join(f("-seed", "43"), "\n"); got == strings.Join(plain, "\n") {
		t.Error("another seed gave the same")
	}
}

func TestParseFaults(t *testing.T) {
	var out bytes.Buffer
	if _, err := parse([]string{"-events", "many"}, &out); err == nil || !strings.Contains(out.String(), "many") {
		t.Errorf("error %v, output %s", err, out.String())
	}
}
