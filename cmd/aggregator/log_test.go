package main

import (
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
