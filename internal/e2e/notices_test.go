package e2e

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestNotices: NOTICE has the license of every module whose code is in the binary, and the image has NOTICE.
func TestNotices(t *testing.T) {
	read := func(file string) string {
		t.Helper()
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	notice := read("NOTICE")
	info, err := buildinfo.ReadFile(aggregator.Path(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range info.Deps {
		if !strings.Contains(notice, "\n================ "+m.Path+" "+m.Version+": ") {
			t.Errorf("NOTICE has no license of %s %s; write it anew: make notices", m.Path, m.Version)
		}
	}
	if len(info.Deps) < 10 || !strings.Contains(notice, "\n================ Go: ") || len(notice) > 1<<20 {
		t.Errorf("%d modules, %d bytes", len(info.Deps), len(notice))
	}
	script := exec.CommandContext(t.Context(), "../../scripts/notices")
	script.Stderr = t.Output()
	if out, err := script.Output(); err != nil || string(out) != notice {
		t.Errorf("NOTICE is not what scripts/notices prints: %v; make notices", err)
	}
	if !strings.Contains(read("Dockerfile"), "COPY LICENSE NOTICE /\n") {
		t.Error("the image has no NOTICE")
	}
	for _, name := range []string{"LICENSE", "NOTICE"} {
		if !strings.Contains(read(".dockerignore"), "\n!"+name+"\n") {
			t.Errorf(".dockerignore keeps %s out", name)
		}
	}
}
