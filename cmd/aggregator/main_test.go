package main

import (
	"context"
	"strings"
	"testing"
)

// TestUsage: what is asked for goes to stdout and is fine; what is wrong goes to stderr with 2.
func TestUsage(t *testing.T) {
	fine := func(args ...string) {
		t.Helper()
		r := call("", nil, args...)
		if r.code != exitFine || !strings.Contains(r.out, "usage: aggregator") || r.err != "" {
			t.Errorf("%q: got %+v", args, r)
		}
	}
	fine("help")
	fine("-h")
	fine("--help")
	fine("help", "-h")
	for _, c := range commands() {
		fine("help", c.name)
		fine(c.name, "-h")
		fine(c.name, "--help")
	}

	wrong := func(want string, args ...string) {
		t.Helper()
		r := call("", nil, args...)
		if r.code != exitUsage || r.out != "" || !strings.Contains(r.err, want) {
			t.Errorf("%q: got %+v, want 2 and %q", args, r, want)
		}
	}
	wrong("a command is missing")
	wrong(`there is no command "rpelay"; did you mean "replay"?`, "rpelay")
	wrong(`there is no command "rnu"; did you mean "run"?`, "rnu")
	wrong(`there is no command "xyz"`, "help", "xyz")
	wrong(`-conifg; did you mean "-config"?`, "check", "-conifg", "x")
	wrong("invalid value", "demo", "-rate", "many")
	wrong("invalid value", "replay", "-now", "yesterday")
	wrong("1678 to 2261", "replay", "-now", "3000-01-01T00:00:00Z")
	wrong(`"b" is one argument too many`, "replay", "a", "b")
	wrong("flags come before the other arguments", "replay", "a", "-strict")
	wrong(`"x" is one argument too many`, "version", "x")
	wrong("-config is missing\nusage: aggregator run -config FILE ", "run")
	wrong("30s for seconds", "demo", "-duration", "30")
	wrong("-duration is not negative", "demo", "-duration", "-3s")
	wrong("-config is missing", "topics")
	wrong("-config is missing", "verify")
	wrong("-config is missing", "dlq")
	wrong("-dry-run is for -replay", "dlq", "-config", "x", "-dry-run")
	wrong("want text or json", "dlq", "-config", "x", "-o", "yaml")
	wrong("it is written as 2026-01-31T09:30:00Z", "verify", "-from", "yesterday")
	wrong(`"own.yaml" is one argument too many; a pack is named by -rules`, "check", "own.yaml")
	wrong("-live needs -config", "check", "-live")
	wrong("-partitions is from 1", "topics", "-config", "x", "-partitions", "0")
	wrong("-replication is from 1", "topics", "-config", "x", "-replication", "0")
	wrong("-rate is from 1 to 20000", "demo", "-rate", "0")
	wrong("no such file", "run", "-config", "/nowhere/aggregator.yaml")
	wrong("KIND/ID is missing", "show")
	wrong(`"inc-42" is not KIND/ID`, "show", "inc-42")
	wrong(`"incident/" is not KIND/ID`, "show", "incident/")
	wrong("it is text or json", "top", "-o", "xml")
	wrong("-n is from 0 to 100000", "top", "-n", "-1")
	wrong("-every is 100ms or more", "top", "-every", "10ms")
	wrong("-max-lag is not negative", "status", "-max-lag", "-1s")
	wrong("-n is from 1 to 100000, or 0 with -f", "crossings", "-n", "0")
	wrong("or how long ago, as 90m; it has no unit: write 90s for seconds", "crossings", "-since", "90")
	wrong("-addr: it is a URL of http or https", "crossings", "-addr", "ftp://x")
	wrong(`did you mean "cn-2019-15"?`, "rules", "cn-2019-5")
	wrong("there is cn-2019-15, cn-2019-15-after-order", "rules", "whatever-it-is")
}

// TestClosedOutput: an output that cannot be written is a failure, whatever writes it.
func TestClosedOutput(t *testing.T) {
	f := func(args ...string) {
		t.Helper()
		var err strings.Builder
		code := run(context.Background(), args, strings.NewReader(clickOver), failingWriter{}, &err, nil)
		if code != exitFailed || !strings.Contains(err.String(), "closed pipe") {
			t.Errorf("%q: got %d, %s", args, code, err.String())
		}
	}
	f("version")
	f("help")
	f("check", "-h")
	f("rules")
	f("rules", "cn-2019-15")
	f("check")
	f("replay")
}

func TestVersion(t *testing.T) {
	for _, name := range []string{"version", "-v", "-V", "-version", "--version"} {
		r := call("", nil, name)
		if r.code != exitFine || !strings.HasPrefix(r.out, "aggregator ") || strings.Count(r.out, "\n") != 1 || r.err != "" {
			t.Errorf("%s: got %+v", name, r)
		}
	}
}
