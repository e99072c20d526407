package main

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

func TestRules(t *testing.T) {
	r := call("", nil, "rules")
	if r.code != exitFine || r.err != "" {
		t.Errorf("got %+v", r)
	}
	for _, name := range thresholds.Builtins() {
		if !strings.Contains(r.out, name+" ") {
			t.Errorf("no %s in:\n%s", name, r.out)
		}
		data, _ := thresholds.Builtin(name)
		if one := call("", nil, "rules", name); one.code != exitFine || one.out != string(data) || one.err != "" {
			t.Errorf("%s is not printed byte for byte", name)
		}
	}
}

func TestCheck(t *testing.T) {
	own := servers.WriteFile(t, "own.yaml", ownPack)
	fine := func(want string, args ...string) {
		t.Helper()
		r := call("", nil, append([]string{"check"}, args...)...)
		if r.code != exitFine || r.out != want || r.err != "" {
			t.Errorf("%q: got %+v, want %q", args, r, want)
		}
	}
	sum := sha256.Sum256([]byte(ownPack))
	want := fmt.Sprintf("ok: packs 1, rules 1, tests 1 passed\npack own: sha256 %x\n", sum)
	fine(want, "-rules", own)
	fine(want, "-config", servers.WriteFile(t, "c.yaml", "rules: {packs: [], files: ["+own+"]}"))
	for _, args := range [][]string{{}, {"-config", "aggregator.example.yaml"}, {"-rules", "cn-2019-15"}} {
		r := call("", nil, append([]string{"check"}, args...)...)
		if r.code != exitFine || !strings.HasPrefix(r.out, "ok: packs 1, rules 17, tests ") || r.err != "" {
			t.Errorf("%q: got %+v", args, r)
		}
	}
	r := call("", nil, "check", "-rules", own, "-rules", "cn-2019-15", "-rules", "cn-2019-15-after-order")
	if r.code != exitFine || !strings.HasPrefix(r.out, "ok: packs 3, rules 22, tests ") {
		t.Errorf("got %+v", r)
	}
}

// TestCheckFaults: all that is wrong, each where it is; nothing on stdout.
func TestCheckFaults(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		file := servers.WriteFile(t, "own.yaml", text)
		r := call("", nil, "check", "-rules", file)
		got := strings.Split(strings.TrimSpace(strings.ReplaceAll(r.err, file, "FILE")), "\n")
		if r.code != exitUsage || r.out != "" || len(got) != len(want) {
			t.Fatalf("got %d, %q, %s", r.code, r.out, r.err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("got\n%s, want\n%s", got[i], want[i])
			}
		}
	}
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(ownPack) }

	// The pack's tests, by their first difference.
	f(replace("at: 2", "at: 1"),
		`FILE:7:5: tests[0]: "ten": crossing 1: want {rule: views, subject: A, level: 1, at: 1}, got {rule: views, subject: A, level: 1, at: 2}; all that came: {rule: views, subject: A, level: 1, at: 2}`)
	f(replace("subject: A", `subject: "A, level: 2\u2067"`),
		`FILE:7:5: tests[0]: "ten": crossing 1: want {rule: views, subject: "A, level: 2\u2067", level: 1, at: 2}, got {rule: views, subject: A, level: 1, at: 2}; all that came: {rule: views, subject: A, level: 1, at: 2}`)
	f(replace("count: 9", "count: 8"),
		`FILE:7:5: tests[0]: "ten": crossing 1: want {rule: views, subject: A, level: 1, at: 2}, got no more; all that came: none`)
	f(replace("crossings: [{rule: views, subject: A, level: 1, at: 2}]", "crossings: []"),
		`FILE:7:5: tests[0]: "ten": crossing 1: want no more, got {rule: views, subject: A, level: 1, at: 2}; all that came: {rule: views, subject: A, level: 1, at: 2}`)
	f(replace("{type: view, incident: A, count: 9}", `{type: view, incident: A, count: 0}`),
		`FILE:8:14: tests[0]: "ten": event 1 is malformed: count: 0 is not an integer from 1 to 1,000,000,000,000 (byte 68)`)
}

// TestCheckAll: the faults of the config and of every pack come at once.
func TestCheckAll(t *testing.T) {
	bad := servers.WriteFile(t, "bad.yaml", strings.Replace(ownPack, "step: 1m", "step: 7m", 1))
	wrong := servers.WriteFile(t, "wrong.yaml", strings.NewReplacer("at: 2", "at: 1", "own", "other", "id: views", "id: others", "rule: views", "rule: others").Replace(ownPack))
	config := servers.WriteFile(t, "c.yaml", "kafka: {groop: x}\nredis: {db: -1}\nrules: {packs: [], files: ["+bad+", "+wrong+"]}\n")
	r := call("", []string{"AGGREGATOR_LOG_LEVEL=loud", "AGGREGATOR_LOG_LVEL=info"}, "check", "-config", config)
	if r.code != exitUsage || r.out != "" {
		t.Errorf("got %+v", r)
	}
	for _, want := range []string{
		"warning: env AGGREGATOR_LOG_LVEL: no such key; did you mean \"AGGREGATOR_LOG_LEVEL\"?",
		config + ":1:9: kafka.groop: there is no key \"groop\" here; did you mean \"group\"?",
		config + ":2:13: redis.db: ",
		"env AGGREGATOR_LOG_LEVEL: \"loud\" is not one of",
		bad + ":5:",
		wrong + ":7:5: tests[0]: \"ten\": crossing 1: ",
	} {
		if !strings.Contains(r.err, want) {
			t.Errorf("no %q in:\n%s", want, r.err)
		}
	}
	// Everything that needs a config or packs refuses them in the same way.
	for _, args := range [][]string{{"run", "-config", config}, {"replay", "-config", config}, {"topics", "-config", config}} {
		if r := call("", nil, args...); r.code != exitUsage || r.out != "" || !strings.Contains(r.err, "kafka.groop") {
			t.Errorf("%q: got %+v", args, r)
		}
	}
}

func TestCheckRulesFlag(t *testing.T) {
	f := func(want string, rules ...string) {
		t.Helper()
		args := []string{"check"}
		for _, name := range rules {
			args = append(args, "-rules", name)
		}
		if r := call("", nil, args...); r.code != exitUsage || r.out != "" || !strings.Contains(r.err, want) {
			t.Errorf("%q: got %+v, want %q", rules, r, want)
		}
	}
	f(`-rules cn-2019-51: there is no such file, and there is no built-in pack "cn-2019-51"; did you mean "cn-2019-15"?`, "cn-2019-51")
	f("-rules ./nowhere.yaml: there is no such file", "./nowhere.yaml")
	f("is loaded twice", "cn-2019-15", "cn-2019-15")
	dir := t.TempDir()
	f("-rules "+dir+": is a directory", dir)
}

// TestCheckNothing: a pack without tests is checked, and a hint says that nothing was counted.
func TestCheckNothing(t *testing.T) {
	text, _, _ := strings.Cut(ownPack, "tests:")
	file := servers.WriteFile(t, "own.yaml", text)
	r := call("", nil, "check", "-rules", file)
	if r.code != exitFine || !strings.HasPrefix(r.out, "ok: packs 1, rules 1, tests 0 passed\n") || !strings.HasPrefix(r.err, "hint: "+file+" has no tests, so nothing was counted; ") {
		t.Errorf("got %+v", r)
	}
}

// TestCheckWarning: a warning does not keep a pack from being used.
func TestCheckWarning(t *testing.T) {
	file := servers.WriteFile(t, "own.yaml", strings.Replace(ownPack, "types: [view]", "types: [view, glance]", 1))
	r := call("", nil, "check", "-rules", file)
	if r.code != exitFine || !strings.HasPrefix(r.out, "ok: packs 1") || !strings.Contains(r.err, file+":3:") || !strings.Contains(r.err, "warning: ") {
		t.Errorf("got %+v", r)
	}
}
