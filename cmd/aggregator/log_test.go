package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestLog(t *testing.T) {
	f := func(level, format, want string) {
		t.Helper()
		var b strings.Builder
		log := newLog(&b, level, format)
		log.Debug("low")
		log.Warn("high", "error", "x")
		if !strings.Contains(b.String(), want) || strings.Contains(b.String(), "low") != (level == "debug") {
			t.Errorf("%s, %s: got %s", level, format, b.String())
		}
	}
	f("info", "auto", `"level":"WARN","msg":"high","error":"x"}`)
	f("debug", "json", `"msg":"low"`)
	f("warn", "text", "level=WARN msg=high error=x\n")
}

// TestLogIsHarmless: nothing in a line acts on who reads it, and a line of JSON says the same as before.
func TestLogIsHarmless(t *testing.T) {
	const id = "a\u2066b\u0085c\u061cd"
	var b strings.Builder
	newLog(&b, "info", "json").Info("seen", "subject", id)
	var line struct{ Subject string }
	if err := json.Unmarshal([]byte(b.String()), &line); err != nil || line.Subject != id {
		t.Errorf("%q, %v, of %s", line.Subject, err, b.String())
	}
	newLog(&b, "info", "text").Info("seen", "subject", id)
	for _, c := range id {
		if c > 'z' && strings.ContainsRune(b.String(), c) {
			t.Errorf("%U is in %q", c, b.String())
		}
	}
}
