package house

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestTree checks this project.
func TestTree(t *testing.T) {
	found, err := Check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range found {
		t.Error(complaint)
	}
}

// check runs Check on a made tree of one more file than a module needs.
func check(t *testing.T, name, text string) []string {
	t.Helper()
	found, err := Check(fstest.MapFS{
		"go.mod":                       {Data: []byte("module m/x\n\ngo 1.26.0\n")},
		"internal/event/doc.go":        {Data: []byte("package event\n")},
		"internal/event/event.go":      {Data: []byte("package event\n")},
		"internal/windows/doc.go":      {Data: []byte("package windows\n")},
		".git/hooks/rubbish.go":        {Data: []byte("not go at all")},
		"internal/event/testdata/a.go": {Data: []byte("not go at all")},
		name:                           {Data: []byte(text)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestArrows(t *testing.T) {
	f := func(file, target string, want ...string) {
		t.Helper()
		got := check(t, file, "package p\n\nimport _ \""+target+"\"\n")
		got = slices.DeleteFunc(got, func(s string) bool { return strings.Contains(s, "doc.go") })
		if !slices.Equal(got, want) {
			t.Errorf("%s imports %s: got %q, want %q", file, target, got, want)
		}
	}
	// The way down is free.
	f("cmd/aggregator/run.go", "m/x/internal/board")
	f("cmd/aggregator/demo.go", "m/x/bench/gen")
	f("internal/demo/broker.go", "github.com/twmb/franz-go/pkg/kfake")
	f("internal/stream/a.go", "m/x/internal/windows")
	f("internal/stream/a.go", "m/x/internal/stream/fetch")
	f("internal/stream/a.go", "github.com/segmentio/kafka-go")
	f("internal/stream/a.go", "m/x/internal/windows/store/redis")
	f("internal/windows/store/redis/a.go", "m/x/internal/windows/store")
	f("internal/windows/store/redis/a.go", "github.com/redis/go-redis/v9")
	f("internal/windows/store/redis/a.go", "net")
	f("internal/board/a.go", "m/x/internal/windows")

	// The way up and across is not.
	f("internal/stream/a.go", "m/x/cmd/aggregator", "internal/stream/a.go:3: internal/stream may not import cmd/aggregator")
	f("internal/stream/a.go", "m/x/internal/board", "internal/stream/a.go:3: internal/stream may not import internal/board")
	f("internal/board/a.go", "m/x/internal/stream", "internal/board/a.go:3: internal/board may not import internal/stream")
	f("internal/windows/a.go", "m/x/internal/event", "internal/windows/a.go:3: internal/windows may not import internal/event")
	f("internal/windows/a.go", "m/x/internal/thresholds", "internal/windows/a.go:3: internal/windows may not import internal/thresholds")
	f("internal/windows/a.go", "m/x/internal/windows/store", "internal/windows/a.go:3: internal/windows may not import internal/windows/store")
	f("internal/windows/store/a.go", "m/x/internal/windows/store/redis",
		"internal/windows/store/a.go:3: internal/windows/store may not import internal/windows/store/redis")
	f("internal/thresholds/a.go", "m/x/internal/windows", "internal/thresholds/a.go:3: internal/thresholds may not import internal/windows")
	f("internal/event/a.go", "m/x/internal/windows", "internal/event/a.go:3: internal/event may not import internal/windows")
	f("internal/stream/fetch/a.go", "m/x/internal/event", "internal/stream/fetch/a.go:3: internal/stream/fetch may not import internal/event")

	// The test side shares no code with the product, and the product none with it.
	f("internal/oracle/a.go", "m/x/internal/windows", "internal/oracle/a.go:3: internal/oracle may not import internal/windows")
	f("internal/servers/a.go", "m/x/internal/stream", "internal/servers/a.go:3: internal/servers may not import internal/stream")
	f("bench/gen/a.go", "m/x/internal/event", "bench/gen/a.go:3: bench/gen may not import internal/event")
	f("internal/stream/a.go", "m/x/internal/oracle", "internal/stream/a.go:3: internal/stream may not import internal/oracle")
	f("cmd/aggregator/run.go", "m/x/internal/servers", "cmd/aggregator/run.go:3: cmd/aggregator may not import internal/servers")
	f("internal/stream/a.go", "m/x/bench/gen", "internal/stream/a.go:3: internal/stream may not import bench/gen")

	// A test may use the test side, and no more of ours than its package.
	f("internal/windows/a_test.go", "m/x/internal/servers")
	f("internal/windows/a_test.go", "m/x/internal/windows")
	f("internal/windows/store/a_test.go", "m/x/internal/windows/store/storetest")
	f("internal/stream/a_test.go", "m/x/internal/oracle")
	f("internal/stream/a_test.go", "github.com/redis/go-redis/v9")
	f("internal/windows/a_test.go", "m/x/internal/event", "internal/windows/a_test.go:3: internal/windows may not import internal/event")

	// A benchmark may use everything.
	f("bench/a_test.go", "m/x/internal/stream")
	f("bench/peers/redis.go", "github.com/redis/go-redis/v9")

	// Foreign modules have their places.
	f("internal/stream/a.go", "github.com/redis/go-redis/v9", "internal/stream/a.go:3: internal/stream may not import github.com/redis/go-redis/v9")
	f("cmd/aggregator/a.go", "github.com/redis/go-redis/v9", "cmd/aggregator/a.go:3: cmd/aggregator may not import github.com/redis/go-redis/v9")
	f("internal/board/a.go", "github.com/segmentio/kafka-go", "internal/board/a.go:3: internal/board may not import github.com/segmentio/kafka-go")
	f("internal/stream/a.go", "github.com/twmb/franz-go/pkg/kfake", "internal/stream/a.go:3: internal/stream may not import github.com/twmb/franz-go/pkg/kfake")
	f("internal/windows/store/a.go", "github.com/redis/go-redis/v9",
		"internal/windows/store/a.go:3: internal/windows/store may not import github.com/redis/go-redis/v9")
	f("internal/windows/a.go", "context", "internal/windows/a.go:3: internal/windows may not import context")
	f("internal/event/a.go", "os", "internal/event/a.go:3: internal/event may not import os")
	f("internal/thresholds/a.go", "net/http", "internal/thresholds/a.go:3: internal/thresholds may not import net/http")
	f("internal/thresholds/a.go", "osmosis")

	// A new package is a decision.
	f("internal/utils/a.go", "strings", "internal/utils/a.go:1: package internal/utils has no place in internal/house/arrows.go")
}

func TestStyle(t *testing.T) {
	f := func(file, text string, want ...string) {
		t.Helper()
		if got := check(t, file, text); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
	line := "\n"
	body := func(n int) string { return "package event\n\nfunc f() {" + strings.Repeat(line, n-1) + "}\n" }

	// Lengths.
	f("internal/event/a.go", body(60))
	f("internal/event/a.go", body(61), "internal/event/a.go:3: f has 61 lines, at most 60")
	f("internal/event/a_test.go", body(61))
	f("internal/event/a.go", "package event\n"+strings.Repeat(line, 399))
	f("internal/event/a.go", "package event\n"+strings.Repeat(line, 400), "internal/event/a.go:1: 401 lines, at most 400")
	f("internal/event/a_test.go", "package event\n"+strings.Repeat(line, 400))
	f("internal/event/a.go", "// Code generated by x. DO NOT EDIT.\n\n"+body(100))

	// Habits of tests, in sources made up for it: none of them runs.
	sleep := "package event\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n"
	f("internal/event/a_test.go", sleep, "internal/event/a_test.go:5: a test waits for what it wants, not for time")
	f("internal/event/a.go", sleep)
	skip := "package event\n\nfunc f(t T) {\n\tt.Skipf(\"no\")\n}\n"
	f("internal/event/a_test.go", skip, "internal/event/a_test.go:4: a test skips by servers.Require only")
	f("internal/event/a_test.go", strings.ReplaceAll(skip, "t.Skipf", "decoder.Skip")) // what skips is no test

	// Leftovers, in any text that is no prose.
	mark := "TO" + "DO"
	f("internal/event/a.go", "package event\n\n// "+mark+": later\n", "internal/event/a.go:3: "+mark+": finish it or file an issue")
	f("deploy/k8s/a.yaml", "a: b # "+mark+"\n", "deploy/k8s/a.yaml:1: "+mark+": finish it or file an issue")
	f("README.md", mark+"\n")
	f("scripts/a", "mktemp -d tmp.XXXXXX\n") // a template, not a mark
	f("picture.png", "\xff\xfe"+mark)

	// A package says what it is for.
	f("internal/windows/doc.go", "package windows\n")
	f("internal/board/a.go", "package board\n", "internal/board/doc.go:1: missing: it says what the package is for")
}

func TestCheckRefuses(t *testing.T) {
	f := func(tree fstest.MapFS, want string) {
		t.Helper()
		if _, err := Check(tree); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	module := &fstest.MapFile{Data: []byte("module m/x\n")}
	f(fstest.MapFS{}, "go.mod")
	f(fstest.MapFS{"go.mod": {Data: []byte("go 1.26\n")}}, "does not begin with its module")
	f(fstest.MapFS{"go.mod": module, "a.go": {Data: []byte("no go")}}, "a.go:1")
}
