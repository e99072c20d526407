package house

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// arrows says which packages of ours a package may import. Imports go one way:
// cmd -> board, stream -> event, windows/store/redis -> windows/store -> windows, thresholds -> strictyaml. A package that is missing
// here may not exist: a new one is a decision.
var arrows = map[string][]string{
	"cmd/aggregator": {
		"internal/board", "internal/demo", "internal/httpserver", "internal/packtest", "internal/preflight", "internal/retry", "internal/explain", "internal/stream", "internal/stream/fetch",
		"internal/event", "internal/thresholds", "internal/terminal", "internal/humanize",
		"internal/windows", "internal/windows/store", "internal/windows/store/redis",
		"internal/strictyaml", "bench/gen",
	},
	"internal/board": {"internal/event", "internal/windows", "internal/windows/store", "internal/thresholds"},
	"internal/demo": {
		"internal/httpserver", "internal/retry", "internal/stream", "internal/event", "internal/thresholds",
		"internal/windows/store", "internal/terminal", "internal/humanize",
	},
	"internal/packtest": {"internal/stream", "internal/thresholds"},
	"internal/preflight": {
		"internal/retry", "internal/explain", "internal/stream", "internal/thresholds",
		"internal/windows/store", "internal/windows/store/redis", "internal/humanize",
	},
	"internal/httpserver": {"internal/retry"},
	"internal/stream": {
		"internal/event", "internal/thresholds", "internal/retry", "internal/explain", "internal/stream/fetch",
		"internal/windows", "internal/windows/store", "internal/windows/store/redis",
	},
	"internal/stream/fetch": {"internal/retry"},
	"internal/retry":        {},
	"internal/explain":      {"internal/windows/store/redis"},
	"internal/event":        {"internal/humanize"},
	"internal/windows":      {},

	"internal/windows/store":           {"internal/windows"},
	"internal/windows/store/redis":     {"internal/windows", "internal/windows/store"},
	"internal/windows/store/storetest": {"internal/windows", "internal/windows/store"},

	"internal/thresholds": {"internal/humanize", "internal/strictyaml"},
	"internal/strictyaml": {},
	"internal/terminal":   {"internal/humanize"},
	"internal/humanize":   {},
	"internal/oracle":     {},
	"internal/servers":    {},
	"internal/house":      {},
	"bench/gen":           {},
	"deploy/k8s":          {},
	"deploy/monitoring":   {},
}

// testside are the packages that any test may import besides what its package
// may: servers to talk to, an oracle to compare with, events to send.
var testside = []string{"internal/servers", "internal/oracle", "internal/windows/store/storetest", "bench/gen"}

// modules says which packages may import a foreign module, or a part of the
// standard library that does I/O. Tests and benchmarks may import any.
var modules = []struct {
	prefix string
	users  []string // these alone; nil: all but never
	never  []string // not these
}{
	{prefix: "github.com/redis/go-redis", users: []string{"internal/windows/store/redis"}},
	{prefix: "github.com/segmentio/kafka-go", users: []string{"internal/stream", "internal/stream/fetch", "internal/explain", "internal/demo", "internal/preflight", "cmd/aggregator"}},
	{prefix: "github.com/twmb/franz-go", users: []string{"internal/demo", "internal/preflight", "internal/servers"}}, // demo: its broker
	{prefix: "context", never: pure},
	{prefix: "os", never: pure},
	{prefix: "net", never: pure},
	{prefix: "log/slog", never: pure},
}

// pure packages do no I/O.
var pure = []string{"internal/event", "internal/thresholds", "internal/windows"}

func checkImports(s *source, module string) []string {
	var found []string
	for _, spec := range s.tree.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic("BUG: the parser let an import through: " + spec.Path.Value)
		}
		if fault := wrongImport(s, module, target); fault != "" {
			found = append(found, s.at(spec.Pos())+": "+fault)
		}
	}
	if _, known := arrows[s.dir()]; !known && !benchmark(s.dir()) && s.dir() != "." {
		found = append(found, s.at(s.tree.Package)+": package "+s.dir()+" has no place in internal/house/arrows.go")
	}
	return found
}

// wrongImport says what is wrong with an import of target in s, or nothing.
func wrongImport(s *source, module, target string) string {
	ours, isOurs := strings.CutPrefix(target, module+"/")
	switch {
	case isOurs && !mayImport(s, ours):
		return fmt.Sprintf("%s may not import %s", s.dir(), ours)
	case isOurs || s.test() || benchmark(s.dir()):
		return ""
	}
	for _, m := range modules {
		if target != m.prefix && !strings.HasPrefix(target, m.prefix+"/") {
			continue
		}
		if slices.Contains(m.never, s.dir()) || m.users != nil && !slices.Contains(m.users, s.dir()) {
			return fmt.Sprintf("%s may not import %s", s.dir(), target)
		}
	}
	return ""
}

// mayImport reports whether the file may import a package of ours.
func mayImport(s *source, target string) bool {
	if benchmark(s.dir()) && s.dir() != "bench/gen" || slices.Contains(arrows[s.dir()], target) {
		return true
	}
	return s.test() && (target == s.dir() || slices.Contains(testside, target))
}

// benchmark reports whether dir holds what measures or tests the built program: it
// may import all of it, and nothing imports it except the generator.
func benchmark(dir string) bool {
	return dir == "internal/e2e" || dir == "bench" || strings.HasPrefix(dir, "bench/")
}
