// Package internal holds the tests of the tree as a whole: which package imports which, and whether DESIGN.md names what is
// there. What linters can do is in .golangci.yml.
package internal

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// arrows are the imports among our packages, from the top down: what each may import. A package without a row may not exist: a
// new one is a decision. Rows of packages that are still to come say where they belong.
var arrows = map[string][]string{
	"cmd/aggregator": {
		"internal/stream/partition", "internal/stream/shard", "internal/stream/inspect", "internal/stream/listing", "internal/stream/metrics", "internal/stream/inforce",
		"internal/stream/tail", "internal/stream/overview",
		"internal/board", "internal/board/web", "internal/client", "internal/console", "internal/notify", "internal/notify/alertmanager", "internal/notify/webhook",
		"internal/notify/pagerduty", "internal/notify/crossing", "internal/notify/post", "internal/stream/subscribe", "internal/audit",
		"internal/stream/deadletters", "internal/demo", "internal/httpserver", "internal/preflight",
		"internal/packtest", "internal/packdiff", "internal/stream", "internal/stream/verify", "internal/stream/fetch", "internal/engine", "internal/explain",
		"internal/retry", "internal/terminal", "internal/humanize", "internal/strictyaml", "internal/event", "internal/thresholds",
		"internal/windows", "internal/windows/store", "internal/windows/store/redis",
	},

	// What the outside may rely on, in files that everything above may quote.
	"api": {},

	// Beside the service.
	"internal/board": {
		"api", "internal/httpserver", "internal/stream/listing", "internal/stream/inspect", "internal/stream/overview", "internal/stream/roster", "internal/stream/tail",
		"internal/engine", "internal/thresholds", "internal/humanize", "internal/retry",
	},
	"internal/board/web": {},
	"internal/console":   {"internal/client", "internal/retry", "internal/strictyaml", "internal/terminal", "internal/thresholds", "internal/humanize"},
	"internal/client":    {"internal/retry"}, // and nothing of the server's: it knows the API by its document
	"internal/notify": {
		"internal/notify/crossing", "internal/notify/post", "internal/stream/subscribe", "internal/stream/fetch", "internal/stream/fetch/records",
		"internal/stream/faultpoint", "internal/explain", "internal/retry", "internal/thresholds",
	},
	"internal/notify/alertmanager": {"internal/notify/crossing", "internal/notify/post", "internal/retry", "internal/thresholds"},
	"internal/notify/webhook":      {"internal/notify/crossing", "internal/notify/post"},
	"internal/notify/pagerduty":    {"internal/notify/crossing", "internal/notify/post"},
	"internal/notify/crossing":     {"internal/stream/fetch/records", "internal/thresholds"},
	"internal/notify/post":         {},
	"internal/audit": {
		"internal/stream/verify", "internal/stream/fetch", "internal/engine", "internal/event", "internal/thresholds",
		"internal/windows", "internal/windows/store", "internal/humanize",
	},
	"internal/demo": {
		"internal/oracle", // which it holds the service against, at the end
		"internal/stream/inspect",
		"internal/httpserver", "internal/stream", "internal/engine", "internal/retry", "internal/terminal", "internal/humanize",
		"internal/event", "internal/thresholds", "internal/windows/store",
	},
	"internal/preflight": {
		"internal/engine", "internal/stream/position", "internal/stream/settings",
		"internal/stream", "internal/explain", "internal/retry", "internal/humanize", "internal/thresholds",
		"internal/windows/store", "internal/windows/store/redis",
	},
	"internal/packtest":   {"internal/stream", "internal/engine", "internal/thresholds"},
	"internal/packdiff":   {"internal/thresholds"},
	"internal/httpserver": {"internal/retry"},

	// The service, each part over the next one.
	"internal/stream": {
		"internal/stream/listing", "internal/stream/subscribe",
		"internal/stream/settings", "internal/stream/coverage", "internal/stream/inspect", "internal/stream/watermark", "internal/stream/position", "internal/stream/metrics", "internal/stream/watchdog", "internal/stream/faultpoint",
		"internal/stream/roster", "internal/stream/canary", "internal/stream/inforce", "internal/stream/verify", "internal/stream/janitor", "internal/stream/partition", "internal/stream/shard", "internal/stream/outbox",
		"internal/stream/fetch", "internal/stream/fetch/records", "internal/engine", "internal/explain", "internal/retry", "internal/event", "internal/thresholds",
		"internal/windows", "internal/windows/store", "internal/windows/store/redis",
	},
	"internal/stream/verify": {
		"internal/stream/inforce", "internal/stream/settings", "internal/stream/coverage", "internal/stream/watermark", "internal/stream/metrics", "internal/stream/position",
		"internal/stream/partition", "internal/stream/shard", "internal/stream/outbox", "internal/stream/fetch", "internal/stream/fetch/records", "internal/engine",
		"internal/explain", "internal/retry", "internal/event", "internal/thresholds", "internal/windows", "internal/windows/store",
	},
	"internal/stream/partition": {
		"internal/stream/inforce", "internal/stream/outbox", "internal/stream/watermark", "internal/stream/position", "internal/stream/metrics", "internal/stream/watchdog", "internal/stream/faultpoint",
		"internal/stream/shard", "internal/stream/fetch", "internal/stream/fetch/records", "internal/engine", "internal/explain", "internal/retry",
		"internal/event", "internal/thresholds", "internal/windows", "internal/windows/store",
	},
	"internal/stream/janitor": {
		"internal/stream/position", "internal/stream/metrics", "internal/stream/listing",
		"internal/stream/shard", "internal/engine", "internal/retry", "internal/thresholds", "internal/windows", "internal/windows/store",
	},
	"internal/stream/shard": {
		"internal/stream/listing",
		"internal/stream/settings", "internal/stream/coverage", "internal/stream/watermark", "internal/stream/position", "internal/stream/metrics", "internal/stream/watchdog", "internal/stream/faultpoint",
		"internal/stream/outbox", "internal/engine", "internal/explain", "internal/retry",
		"internal/event", "internal/thresholds", "internal/windows", "internal/windows/store",
	},
	"internal/stream/deadletters": {
		"internal/stream/partition", "internal/stream/outbox", "internal/stream/fetch", "internal/stream/fetch/records", "internal/engine", "internal/explain",
		"internal/retry", "internal/event", "internal/thresholds", "internal/humanize",
	},
	"internal/stream/canary": {
		"internal/stream/metrics", "internal/stream/outbox", "internal/stream/fetch", "internal/stream/fetch/records", "internal/engine",
		"internal/explain", "internal/retry", "internal/thresholds",
	},
	"internal/stream/inforce":  {"internal/stream/position", "internal/stream/settings", "internal/engine", "internal/thresholds", "internal/windows/store"},
	"internal/stream/settings": {"internal/stream/fetch", "internal/engine", "internal/windows/store"},
	"internal/stream/outbox": {
		"api", "internal/windows", "internal/stream/metrics", "internal/stream/watchdog", "internal/stream/faultpoint",
		"internal/stream/fetch", "internal/stream/fetch/records", "internal/explain", "internal/retry", "internal/thresholds", "internal/windows/store",
	},
	"internal/stream/listing": {"internal/stream/inspect", "internal/stream/metrics", "internal/engine", "internal/retry", "internal/thresholds", "internal/windows", "internal/windows/store"},
	"internal/stream/overview": {
		"internal/stream/position", "internal/stream/outbox", "internal/stream/fetch", "internal/engine", "internal/windows/store",
	},
	"internal/stream/tail":      {"internal/stream/fetch", "internal/stream/fetch/records", "internal/explain", "internal/retry", "internal/thresholds"},
	"internal/stream/inspect":   {"internal/stream/coverage", "internal/stream/position", "internal/engine", "internal/thresholds", "internal/windows", "internal/windows/store"},
	"internal/stream/watermark": {"internal/stream/position", "internal/engine", "internal/retry"},
	"internal/stream/watchdog":  {"internal/stream/position", "internal/stream/metrics", "internal/retry"},
	"internal/stream/metrics": {
		"internal/stream/fetch", "internal/stream/position", "internal/engine", "internal/explain", "internal/retry", "internal/event", "internal/thresholds",
		"internal/windows/store", "internal/windows/store/redis",
	},
	"internal/stream/position":   {"internal/engine", "internal/windows/store"},
	"internal/stream/coverage":   {"internal/stream/position", "internal/engine", "internal/thresholds", "internal/windows/store"},
	"internal/stream/subscribe":  {"internal/stream/fetch", "internal/stream/faultpoint", "internal/explain", "internal/retry"},
	"internal/stream/roster":     {"internal/stream/metrics", "internal/retry", "internal/windows/store"},
	"internal/stream/faultpoint": {},
	"internal/engine":            {"internal/event", "internal/thresholds", "internal/strictyaml", "internal/windows", "internal/windows/store"},

	// What is below all that.
	"internal/windows/store/redis":  {"internal/windows/store", "internal/windows"},
	"internal/windows/store":        {"internal/windows"},
	"internal/windows":              {},
	"internal/thresholds":           {"internal/strictyaml", "internal/humanize"},
	"internal/event":                {"internal/humanize"},
	"internal/terminal":             {"internal/humanize"},
	"internal/explain":              {"internal/windows/store/redis"}, // which alone knows what its errors mean
	"internal/stream/fetch":         {"internal/stream/fetch/records", "internal/retry"},
	"internal/stream/fetch/records": {},
	"internal/retry":                {},
	"internal/strictyaml":           {},
	"internal/humanize":             {},

	// Of tests alone, except the oracle, which demo has too: none shares code with what it is held against.
	"internal/client/clienttest":                {"api/apitest"},
	"api/apitest":                               {"api"},
	"internal/windows/store/storetest":          {"internal/windows/store", "internal/windows"},
	"internal/stream/fetch/fetchtest":           {"internal/stream/fetch", "internal/stream/fetch/records"},
	"internal/stream/fetch/records/recordstest": {},
	"internal/stream/metrics/metricstest":       {},
	"internal/stream/shard/shardtest": {
		"internal/stream/shard", "internal/stream/listing", "internal/stream/metrics", "internal/stream/outbox", "internal/stream/position", "internal/stream/watermark",
		"internal/stream/inspect", "internal/stream/inspect/inspecttest", "internal/engine", "internal/engine/enginetest", "internal/windows/store",
	},
	"internal/stream/inspect/inspecttest": {"internal/stream/inspect", "internal/engine", "internal/thresholds", "internal/windows/store"},
	"internal/engine/enginetest":          {"internal/engine", "internal/oracle", "internal/thresholds"},
	"internal/oracle":                     {},
	"internal/servers":                    {},
	"internal/servers/cmd/servers":        {"internal/servers"},
	"bench/gen":                           {},
	"internal":                            {},
	"deploy/k8s":                          {},
	"docs/examples/consume":               {},
	"deploy/monitoring":                   {},
	"deploy/monitoring/dashboards":        {},
	"tools/image":                         {},
	"tools/promql":                        {},
}

// testside are the packages that the tests of any package may import besides.
var testside = []string{
	"api", "api/apitest", "internal/servers", "internal/oracle", "internal/engine/enginetest", "internal/stream/fetch/fetchtest", "internal/stream/fetch/records/recordstest",
	"internal/stream/metrics/metricstest", "internal/client/clienttest",
	"internal/stream/inspect/inspecttest", "internal/stream/shard/shardtest", "internal/windows/store/storetest", "bench/gen",
}

// outside reports whether a directory holds what tests or measures the built program: it may import all, and nothing imports it.
func outside(dir string) bool {
	return dir != "bench/gen" && (dir == "internal/e2e" || dir == "internal/browser" || dir == "bench" || strings.HasPrefix(dir, "bench/"))
}

// mayImport reports whether a file may import a package of ours.
func mayImport(file, target string) bool {
	dir := path.Dir(file)
	return outside(dir) || slices.Contains(arrows[dir], target) ||
		isTest(file) && (target == dir || slices.Contains(testside, target))
}

// wrongImports is what is wrong with the imports of a tree, a line each.
func wrongImports(tree fs.FS) (wrong []string, err error) {
	const module = "github.com/seed-afe14ff2/aggregator/"
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skipped(entry.Name())
		case path.Ext(name) != ".go":
			return nil
		}
		if _, known := arrows[path.Dir(name)]; !known && !outside(path.Dir(name)) {
			wrong = append(wrong, name+": its package has no row in imports_test.go")
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if target, ours := strings.CutPrefix(imported, module); ours && !mayImport(name, target) {
				wrong = append(wrong, fmt.Sprintf("%s may not import %s", name, target))
			}
		}
		return nil
	})
	return wrong, err
}

// skipped leaves out what is no code of ours: version control, editors' folders, and test data, which may be any bytes.
func skipped(dir string) error {
	if strings.HasPrefix(dir, ".") && dir != "." || dir == "testdata" || dir == "node_modules" {
		return fs.SkipDir
	}
	return nil
}

// TestImports: imports go one way, by the arrows.
func TestImports(t *testing.T) {
	wrong, err := wrongImports(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range wrong {
		t.Error(line)
	}
}

// TestWrongImports: an import against the arrows is found.
func TestWrongImports(t *testing.T) {
	f := func(file, target, want string) {
		t.Helper()
		text := "package p\n\nimport _ \"github.com/seed-afe14ff2/aggregator/" + target + "\"\n"
		wrong, err := wrongImports(fstest.MapFS{file: {Data: []byte(text)}})
		if err != nil || strings.Join(wrong, "; ") != want {
			t.Errorf("%s imports %s: got %q, %v, want %q", file, target, wrong, err, want)
		}
	}
	f("internal/stream/shard/a.go", "internal/engine", "")
	f("internal/windows/testdata/a.go", "internal/stream", "")
	f("internal/stream/shard/a.go", "internal/stream/partition", "internal/stream/shard/a.go may not import internal/stream/partition")
	f("internal/stream/shard/a_test.go", "internal/stream/partition", "internal/stream/shard/a_test.go may not import internal/stream/partition")
	f("internal/windows/a.go", "internal/windows/store", "internal/windows/a.go may not import internal/windows/store")
	f("internal/oracle/a_test.go", "internal/engine", "internal/oracle/a_test.go may not import internal/engine")

	// Tests may ask the test side, the product may not.
	f("internal/stream/a_test.go", "internal/servers", "")
	f("internal/event/a_test.go", "internal/event", "")
	f("internal/stream/a.go", "internal/servers", "internal/stream/a.go may not import internal/servers")

	// Measurements may import all, and nobody them.
	f("bench/a_test.go", "internal/stream", "")
	f("bench/gen/a.go", "internal/event", "bench/gen/a.go may not import internal/event")
	f("cmd/aggregator/a.go", "bench/gen", "cmd/aggregator/a.go may not import bench/gen")

	f("internal/common/a.go", "internal/event", "internal/common/a.go: its package has no row in imports_test.go; internal/common/a.go may not import internal/event")
}
